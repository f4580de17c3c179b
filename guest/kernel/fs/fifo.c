/* SPDX-License-Identifier: ISC */
/* fifo.c: pipes opened by name: FIFOs, and the /proc/PID/fd names of anonymous pipes. */
#include <sys/pipe.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include <sys/vnode.h>

static struct pipe *
fifo_pipe(struct vnode *vp)
{
	struct pipe *pp = vp->v_special;

	if (pp == NULL && (pp = pipe_new()) != NULL) {
		pp->pp_vnode = vp;
		vp->v_special = pp;
	}
	return pp;
}

/*
 * Wait for somebody to open the other end.  One that has gone again meanwhile counts, also if a
 * signal has come: a second open would wait for another.
 */
static int
fifo_wait(const uint32_t *gen)
{
	uint32_t seen = *gen;

	while (*gen == seen)
		if (tsleep(gen, PCATCH, "fifo", 0) != 0 && *gen == seen)
			return ERESTART;
	return 0;
}

static int
fifo_meet(struct pipe *pp, int flags)
{
	int mode = flags & O_ACCMODE;

	if (flags & O_NONBLOCK || mode == O_RDWR)
		return 0;
	if (mode == O_RDONLY)
		return pp->pp_writers == 0 ? fifo_wait(&pp->pp_wgen) : 0;
	return pp->pp_readers == 0 ? fifo_wait(&pp->pp_rgen) : 0;
}

int
fifo_open(struct vnode *vp, struct file *fp, int flags, struct thread *td __unused)
{
	struct pipe *pp = fifo_pipe(vp);
	int error;

	if (pp == NULL)
		return ENOMEM;
	if ((flags & O_ACCMODE) == O_WRONLY && flags & O_NONBLOCK && pp->pp_readers == 0) {
		pipe_unref(pp);
		return ENXIO;
	}
	pipe_addend(pp, flags);
	fp->f_gen = pp->pp_writers == 0 ? pp->pp_wgen : pp->pp_wgen - 1; /* see pipe_poll */
	if ((error = fifo_meet(pp, flags)) != 0) {
		pipe_dropend(pp, flags);
		return error;
	}
	fp->f_data = pp;
	fp->f_ops = &pipe_fileops;
	return 0;
}

/* ---- anonymous pipes as /proc/PID/fd shows them ---- */

static int
pipevn_getattr(struct vnode *vp, struct stat *st)
{
	pipe_getattr(vp->v_data, st);
	return 0;
}

/* Both kinds of end can be had again; nobody is waited for, the pipe has been met at its birth. */
static int
pipevn_open(struct vnode *vp, struct file *fp, int flags, struct thread *td __unused)
{
	struct pipe *pp = vp->v_data;

	pipe_addend(pp, flags);
	fp->f_gen = pp->pp_wgen - 1;
	fp->f_data = pp;
	fp->f_ops = &pipe_fileops;
	return 0;
}

static void
pipevn_inactive(struct vnode *vp)
{
	struct pipe *pp = vp->v_data;

	pp->pp_refs--;
	pipe_unref(pp);
}

static const struct vnodeops pipe_vnodeops = {
    .vop_getattr = pipevn_getattr,
    .vop_open = pipevn_open,
    .vop_inactive = pipevn_inactive,
};

int
pipe_vnode(struct file *fp, struct mount *mnt, struct vnode **vpp)
{
	struct pipe *pp = fp->f_data;
	struct vnode *vp = vnode_new(&pipe_vnodeops, mnt, S_IFIFO, pp);

	if (vp == NULL)
		return ENOMEM;
	pp->pp_refs++;
	*vpp = vp;
	return 0;
}
