/* SPDX-License-Identifier: ISC */
/* sys_pidfd.c: descriptors that name a process: pidfd_open, pidfd_send_signal, pidfd_getfd,
 * CLONE_PIDFD. */
#include <sys/file.h>
#include <sys/fork.h>
#include <sys/forkvar.h>
#include <sys/kmem.h>
#include <sys/pidfd.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/systm.h>

#define PIDFD_NONBLOCK O_NONBLOCK

/* Readable once the process is a zombie, reaped or not. */
static int
pidfd_poll(struct file *fp, int events, struct pollctx *ctx)
{
	struct process *ps = fp->f_data;

	if (ps->ps_pollers != NULL)
		poll_record(ctx, ps->ps_pollers);
	return ps->ps_flags & PS_ZOMBIE ? events & (POLLIN | POLLRDNORM) : 0;
}

static int
pidfd_stat(struct file *fp, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = 0600;
	st->st_ino = fp->f_id;
	st->st_nlink = 1;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

static void
pidfd_close(struct file *fp)
{
	process_release(fp->f_data);
}

static const struct fileops pidfd_ops = {
    .fo_poll = pidfd_poll,
    .fo_stat = pidfd_stat,
    .fo_close = pidfd_close,
    .fo_name = "[pidfd]",
};

/* Waiters hang on a pollhead that exists only for processes somebody has a pidfd of. */
static int
pollers_create(struct process *ps)
{
	struct pollhead *ph;

	if (ps->ps_pollers != NULL)
		return 0;
	if ((ph = kmalloc(sizeof(*ph), 0)) == NULL)
		return ENOMEM;
	pollhead_init(ph);
	ps->ps_pollers = ph;
	return 0;
}

static int
pidfd_create(struct thread *td, struct process *ps, int flags, int *fdp)
{
	struct file *fp;
	int error;

	if ((error = pollers_create(ps)) != 0)
		return error;
	if ((fp = file_alloc(&pidfd_ops, O_RDWR | flags, ps)) == NULL)
		return ENOMEM;
	process_hold(ps);
	if ((error = fd_install(td->td_proc, fp, 0, FD_CLOEXEC, fdp)) != 0)
		file_release(fp);
	return error;
}

/* Before the commit point of fork: a failure undoes the descriptor. */
int
fork_pidfd(struct thread *td, struct process *child, vaddr_t uaddr)
{
	int fd, error;

	if ((error = pidfd_create(td, child, 0, &fd)) != 0)
		return error;
	forktest_end(); /* a page fault does not count */
	if ((error = copyout(&fd, (void *)uaddr, sizeof(fd))) != 0)
		fd_close(td->td_proc, fd);
	return error;
}

/* Process of a pidfd, with a reference to its structure. */
int
pidfd_process(struct thread *td, int fd, struct process **psp)
{
	struct file *fp;
	int error;

	if ((error = getfile(td, fd, &fp)) != 0)
		return error;
	if (fp->f_ops != &pidfd_ops) {
		file_release(fp);
		return EBADF;
	}
	*psp = fp->f_data;
	process_hold(*psp);
	file_release(fp);
	return 0;
}

int
pidfd_to_pid(struct thread *td, int fd, pid_t *pid)
{
	struct process *ps;
	int error;

	if ((error = pidfd_process(td, fd, &ps)) != 0)
		return error;
	*pid = ps->ps_pid;
	process_release(ps);
	return 0;
}

SYSCALL(pidfd_open)
{
	pid_t pid = (pid_t)a[0];
	struct process *ps;
	int error, fd;

	if (a[1] & ~(uint64_t)PIDFD_NONBLOCK || pid <= 0)
		return EINVAL;
	if ((ps = zprfind(pid)) == NULL)
		return tfind(pid) != NULL ? EINVAL : ESRCH;
	if ((error = pidfd_create(td, ps, (int)a[1], &fd)) == 0)
		*retval = fd;
	return error;
}

static int
signal_process(struct process *ps, int sig, uint64_t uinfo)
{
	struct siginfo si;
	int error;

	if (sig < 0 || sig > NSIG)
		return EINVAL;
	memset(&si, 0, sizeof(si));
	si.si_signo = sig;
	if (uinfo != 0) {
		if ((error = copyin((const void *)uinfo, &si, sizeof(si))) != 0)
			return error;
		if (si.si_signo != sig)
			return EINVAL;
		if ((si.si_code >= 0 || si.si_code == SI_TKILL) && ps != curthread->td_proc)
			return EPERM;
	} else {
		si.u.kill.pid = curthread->td_proc->ps_pid;
		si.u.kill.uid = curthread->td_proc->ps_cred->cr_ruid;
	}
	if (ps->ps_pptr == NULL)
		return ESRCH; /* reaped */
	if ((error = cansignal(ps, sig)) != 0)
		return error;
	if (sig != 0 && !(ps->ps_flags & PS_ZOMBIE))
		psignal_info(ps, sig, &si);
	return 0;
}

SYSCALL(pidfd_send_signal)
{
	struct process *ps;
	int error;

	(void)retval;
	if (a[3] != 0)
		return EINVAL;
	if ((error = pidfd_process(td, (int)a[0], &ps)) != 0)
		return error;
	error = signal_process(ps, (int)a[1], a[2]);
	process_release(ps);
	return error;
}

/* The file behind descriptor fd of another process; needs the right to trace it: same user, or
 * root. */
static int
steal_file(struct thread *td, struct process *ps, int fd, struct file **fpp)
{
	struct cred *cr = td->td_proc->ps_cred;

	if (ps->ps_flags & PS_ZOMBIE || ps->ps_fd == NULL)
		return ESRCH;
	if (cr->cr_uid != 0 && (cr->cr_ruid != ps->ps_cred->cr_ruid || ps->ps_flags & PS_SUGID))
		return EPERM;
	if (fd < 0 || fd >= ps->ps_fd->fd_nfiles || ps->ps_fd->fd_ents[fd].fde_file == NULL)
		return EBADF;
	*fpp = file_hold(ps->ps_fd->fd_ents[fd].fde_file);
	return 0;
}

SYSCALL(pidfd_getfd)
{
	struct process *ps;
	struct file *fp;
	int error, fd;

	if (a[2] != 0)
		return EINVAL;
	if ((error = pidfd_process(td, (int)a[0], &ps)) != 0)
		return error;
	error = steal_file(td, ps, (int)a[1], &fp);
	process_release(ps);
	if (error != 0)
		return error;
	if ((error = fd_install(td->td_proc, fp, 0, FD_CLOEXEC, &fd)) != 0) {
		file_release(fp);
		return error;
	}
	*retval = fd;
	return 0;
}
