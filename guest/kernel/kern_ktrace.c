/* SPDX-License-Identifier: ISC */
/*
 * kern_ktrace.c: ktrace: records of system calls, signals, forks and execs, appended to a file.
 *
 * ps_tracefp is set exactly when ps_traceflag is not 0 (row B15).  When a record cannot be written,
 * tracing to that file ends for every process: a file never has holes.
 */
#include <sys/file.h>
#include <sys/ktrace.h>
#include <sys/md.h>
#include <sys/observe.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vnode.h>

/* ---- which process is traced to what ---- */

static void
ktrace_clear(struct process *ps)
{
	struct file *fp = ps->ps_tracefp;

	if (fp == NULL)
		return;
	ps->ps_tracefp = NULL;
	ps->ps_traceflag = 0;
	observe_update_process(ps);
	file_release(fp);
}

static void
ktrace_set(struct process *ps, uint32_t facs, struct file *fp)
{
	ktrace_clear(ps);
	ps->ps_tracefp = file_hold(fp);
	ps->ps_traceflag = facs;
	observe_update_process(ps);
}

/* ---- writing ---- */

static void
ktrace_failed(struct vnode *vp, int error)
{
	struct process *ps;

	kprintf(LOG_NOTICE, "ktrace: write failed, errno %d; tracing to that file ends", error);
	vhold(vp);
	LIST_FOREACH (ps, &allprocess, ps_list)
		if (ps->ps_tracefp != NULL && ps->ps_tracefp->f_vnode == vp)
			ktrace_clear(ps);
	vrele(vp);
}

/* At the end of the file, and within the limit of the process: it is not to get SIGXFSZ for what
 * its observers do. */
static int
append(struct thread *td, struct file *fp, struct ktr_record *r)
{
	struct iovec iov = {.iov_base = r, .iov_len = sizeof(*r)};
	struct uio uio = {.uio_iov = &iov,
			  .uio_iovcnt = 1,
			  .uio_resid = sizeof(*r),
			  .uio_write = true,
			  .uio_kernel = true};
	uint64_t size;
	int error = vn_size(fp->f_vnode, &size);

	if (error != 0)
		return error;
	if (size + sizeof(*r) > lim_cur(td->td_proc, RLIMIT_FSIZE))
		return EFBIG;
	uio.uio_offset = (off_t)size;
	error = fp->f_ops->fo_write(fp, &uio, td);
	return error == 0 && uio.uio_resid != 0 ? ENOSPC : error;
}

static void
record(struct thread *td, struct process *ps, uint32_t type, struct ktr_record *r)
{
	struct file *fp = file_hold(ps->ps_tracefp);
	int error;

	r->ktr_time_ns = nanouptime();
	r->ktr_type = type;
	r->ktr_pid = ps->ps_pid;
	r->ktr_tid = td->td_tid;
	memcpy(r->ktr_comm, ps->ps_comm, sizeof(r->ktr_comm));
	if ((error = append(td, fp, r)) != 0)
		ktrace_failed(fp->f_vnode, error);
	file_release(fp);
}

/* ---- the points ---- */

void
ktrace_syscall(struct thread *td, uint64_t nr, const uint64_t *a)
{
	struct ktr_record r = {0};

	if (!KTRPOINT(td->td_proc, KTR_SYSCALL))
		return;
	r.u.syscall.nr = nr;
	memcpy(r.u.syscall.args, a, sizeof(r.u.syscall.args));
	record(td, td->td_proc, KTR_SYSCALL, &r);
}

void
ktrace_sysret(struct thread *td, uint64_t nr, int error, long retval)
{
	struct ktr_record r = {0};

	if (!KTRPOINT(td->td_proc, KTR_SYSRET))
		return;
	r.u.sysret.nr = nr;
	r.u.sysret.error = error == EJUSTRETURN ? 0 : error >= ERESTART ? EINTR : error;
	r.u.sysret.retval = error == 0 ? retval : error == EJUSTRETURN ? cpu_retval(td) : -1;
	record(td, td->td_proc, KTR_SYSRET, &r);
}

void
ktrace_psig(struct thread *td, const struct siginfo *si, vaddr_t handler)
{
	struct ktr_record r = {0};

	r.u.psig.signo = si->si_signo;
	r.u.psig.code = si->si_code;
	r.u.psig.handler = handler;
	r.u.psig.mask = td->td_sigmask;
	record(td, td->td_proc, KTR_PSIG, &r);
}

/* The child's tracing is its own: only what asks to be inherited is. */
void
ktrace_fork(struct process *parent, struct process *child, uint32_t flags)
{
	struct ktr_record r;

	if (parent->ps_traceflag & KTRFAC_INHERIT)
		ktrace_set(child, parent->ps_traceflag, parent->ps_tracefp);
	if (!KTRPOINT(parent, KTR_FORK))
		return;
	r = (struct ktr_record){0};
	r.u.fork.child = child->ps_pid;
	r.u.fork.vfork = (flags & FORK_PPWAIT) != 0;
	record(curthread, parent, KTR_FORK, &r);
}

/* Who has gained rights by the exec is not watched on by who had none. */
void
ktrace_exec(struct process *ps)
{
	struct ktr_record r = {0};

	if (ps->ps_flags & PS_SUGID && !(ps->ps_traceflag & KTRFAC_ROOT))
		ktrace_clear(ps);
	if (!KTRPOINT(ps, KTR_EXEC))
		return;
	if (ps->ps_exepath != NULL)
		strlcpy(r.u.exec.path, ps->ps_exepath, sizeof(r.u.exec.path));
	record(curthread, ps, KTR_EXEC, &r);
}

void
ktrace_exit(struct process *ps)
{
	ktrace_clear(ps);
}

/* ---- the call ---- */

static bool
may_ktrace(struct thread *td, struct process *ps)
{
	if (suser(td))
		return !(ps->ps_flags & PS_SYSTEM);
	return !(ps->ps_traceflag & KTRFAC_ROOT) && (ps == td->td_proc || cantrace(ps) == 0);
}

static bool
change_one(struct thread *td, struct process *ps, int op, uint32_t facs, struct file *fp)
{
	if (ps->ps_flags & (PS_EMBRYO | PS_ZOMBIE | PS_EXITING) || !may_ktrace(td, ps))
		return false;
	if (op == KTROP_SET) {
		ktrace_set(ps, facs | (suser(td) ? KTRFAC_ROOT : 0), fp);
		return true;
	}
	if ((ps->ps_traceflag & KTRFAC_MASK & ~facs) == 0)
		ktrace_clear(ps);
	else
		ps->ps_traceflag &= ~facs;
	observe_update_process(ps);
	return true;
}

/* The process, and with KTRFLAG_DESCEND all below it, parents first. */
static bool
change_tree(struct thread *td, struct process *top, int ops, uint32_t facs, struct file *fp)
{
	bool done = change_one(td, top, ops & KTROP_MASK, facs, fp);
	struct process *ps = top;

	while (ops & KTRFLAG_DESCEND) {
		if (!LIST_EMPTY(&ps->ps_children)) {
			ps = LIST_FIRST(&ps->ps_children);
		} else {
			while (ps != top && LIST_NEXT(ps, ps_sibling) == NULL)
				ps = ps->ps_pptr;
			if (ps == top)
				break;
			ps = LIST_NEXT(ps, ps_sibling);
		}
		done |= change_one(td, ps, ops & KTROP_MASK, facs, fp);
	}
	return done;
}

static int
change(struct thread *td, pid_t pid, int ops, uint32_t facs, struct file *fp)
{
	struct process *ps;
	struct pgrp *pg;
	bool done = false;

	if (pid >= 0) {
		if ((ps = pid == 0 ? td->td_proc : prfind(pid)) == NULL)
			return ESRCH;
		return change_tree(td, ps, ops, facs, fp) ? 0 : EPERM;
	}
	if (pid == INT32_MIN || (pg = pgfind(-pid)) == NULL)
		return ESRCH;
	LIST_FOREACH (ps, &pg->pg_members, ps_pglist)
		done |= change_tree(td, ps, ops, facs, fp);
	return done ? 0 : EPERM;
}

static int
clear_file(struct thread *td, const struct vnode *vp)
{
	struct process *ps;
	int error = 0;

	LIST_FOREACH (ps, &allprocess, ps_list) {
		if (ps->ps_tracefp == NULL || ps->ps_tracefp->f_vnode != vp)
			continue;
		if (may_ktrace(td, ps))
			ktrace_clear(ps);
		else
			error = EPERM;
	}
	return error;
}

/* Only regular files: writing to them never sleeps. */
static int
trace_file(struct thread *td, int fd, struct file **fpp)
{
	struct file *fp;
	int error = getfile(td, fd, &fp);

	if (error != 0)
		return error;
	if (fp->f_ops != &vnode_fileops || !S_ISREG(fp->f_vnode->v_type))
		error = EINVAL;
	else if (!f_writable(fp))
		error = EBADF;
	if (error != 0)
		file_release(fp);
	else
		*fpp = fp;
	return error;
}

/* ktrace(fd, ops, facs, pid) */
SYSCALL(ktrace)
{
	int ops = (int)a[1];
	uint32_t facs = (uint32_t)a[2];
	struct file *fp = NULL;
	int error = 0;

	if (ops & ~(KTROP_MASK | KTRFLAG_DESCEND) || facs & ~(KTRFAC_MASK | KTRFAC_INHERIT))
		return EINVAL;
	switch (ops & KTROP_MASK) {
	case KTROP_SET:
		if ((facs & KTRFAC_MASK) == 0)
			return EINVAL;
		if ((error = trace_file(td, (int)a[0], &fp)) == 0)
			error = change(td, (pid_t)a[3], ops, facs, fp);
		break;
	case KTROP_CLEAR:
		error = change(td, (pid_t)a[3], ops, facs, NULL);
		break;
	case KTROP_CLEARFILE:
		if ((error = trace_file(td, (int)a[0], &fp)) == 0)
			error = clear_file(td, fp->f_vnode);
		break;
	default:
		return EINVAL;
	}
	if (fp != NULL)
		file_release(fp);
	return error;
}
