/* SPDX-License-Identifier: ISC */
/* sys_signalfd.c: signalfd: pending signals of the reader as records of a file. */
#include <sys/anonfile.h>
#include <sys/kmem.h>
#include <sys/pollreq.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>

struct signalfd {
	sigset_t sf_mask;
};

struct signalfd_siginfo { /* as signalfd(2) gives it */
	uint32_t ssi_signo;
	int32_t ssi_errno, ssi_code;
	uint32_t ssi_pid, ssi_uid;
	int32_t ssi_fd;
	uint32_t ssi_tid, ssi_band, ssi_overrun, ssi_trapno;
	int32_t ssi_status, ssi_int;
	uint64_t ssi_ptr, ssi_utime, ssi_stime, ssi_addr;
	uint16_t ssi_addr_lsb, ssi_pad2;
	int32_t ssi_syscall;
	uint64_t ssi_call_addr;
	uint32_t ssi_arch;
	uint8_t ssi_pad[28];
};
_Static_assert(sizeof(struct signalfd_siginfo) == 128, "struct signalfd_siginfo");

/* Who reads or polls sees the signals of its own process, whoever made the descriptor: all waiters
 * hang here and look for themselves. */
static struct pollhead waiters;

void
signalfd_posted(void)
{
	if (!LIST_EMPTY(&waiters.ph_waiters))
		pollwakeup(&waiters, POLLIN | POLLRDNORM);
}

static void
fill_details(struct signalfd_siginfo *ssi, const struct siginfo *si)
{
	if (si->si_code == SI_TIMER) {
		ssi->ssi_tid = (uint32_t)si->u.timer.timerid;
		ssi->ssi_overrun = (uint32_t)si->u.timer.overrun;
		ssi->ssi_ptr = si->u.timer.value;
		ssi->ssi_int = (int32_t)si->u.timer.value;
		return;
	}
	ssi->ssi_pid = (uint32_t)si->u.kill.pid;
	ssi->ssi_uid = si->u.kill.uid;
	if (si->si_signo == SIGCHLD && si->si_code > 0) {
		ssi->ssi_status = si->u.chld.status;
		ssi->ssi_utime = (uint64_t)si->u.chld.utime;
		ssi->ssi_stime = (uint64_t)si->u.chld.stime;
	} else if (si->si_code < 0) {
		ssi->ssi_ptr = si->u.kill.value;
		ssi->ssi_int = (int32_t)si->u.kill.value;
	}
}

static int
put_signal(struct uio *uio, const struct siginfo *si)
{
	struct signalfd_siginfo ssi;

	memset(&ssi, 0, sizeof(ssi));
	ssi.ssi_signo = (uint32_t)si->si_signo;
	ssi.ssi_errno = si->si_errno;
	ssi.ssi_code = si->si_code;
	fill_details(&ssi, si);
	return uiomove(&ssi, sizeof(ssi), uio);
}

/* Wait for the first one.  The signals are blocked: their arrival does not end the sleep by itself;
 * but one may have come together with what did, and once taken it must be handed out. */
static int
signalfd_wait(struct file *fp, struct thread *td, struct siginfo *si)
{
	const struct signalfd *sf = fp->f_data;
	struct pollset po;
	int error = 0, sig;

	pollset_init(&po);
	poll_record(&po.po_ctx, &waiters);
	while ((sig = signal_take(td, sf->sf_mask, si)) == 0 && error == 0)
		error = fp->f_flags & O_NONBLOCK ? EAGAIN : pollset_sleep(&po, "signalfd", 0);
	pollset_done(&po);
	if (sig != 0)
		return 0;
	return error == EINTR ? ERESTART : error;
}

static int
signalfd_read(struct file *fp, struct uio *uio, struct thread *td)
{
	const struct signalfd *sf = fp->f_data;
	struct siginfo si;
	int error;

	if (uio->uio_resid < sizeof(struct signalfd_siginfo))
		return EINVAL;
	if ((error = signalfd_wait(fp, td, &si)) != 0)
		return error;
	do
		error = put_signal(uio, &si);
	while (error == 0 && uio->uio_resid >= sizeof(struct signalfd_siginfo) &&
	       signal_take(td, sf->sf_mask, &si) != 0);
	signotify(td);
	return error;
}

static int
signalfd_poll(struct file *fp, int events __unused, struct pollctx *ctx)
{
	const struct signalfd *sf = fp->f_data;
	const struct thread *td = curthread;
	sigset_t pending = td->td_sigpend.sp_set | td->td_proc->ps_sigpend.sp_set;

	poll_record(ctx, &waiters);
	return (pending & sf->sf_mask) != 0 ? POLLIN | POLLRDNORM : 0;
}

static void
signalfd_close(struct file *fp)
{
	kfree(fp->f_data);
}

static const struct fileops signalfd_fileops = {
    .fo_read = signalfd_read,
    .fo_poll = signalfd_poll,
    .fo_stat = anonfile_stat,
    .fo_close = signalfd_close,
    .fo_name = "signalfd",
};

static int
signalfd_create(struct thread *td, sigset_t mask, int flags, long *retval)
{
	struct signalfd *sf = kmalloc(sizeof(*sf), 0);
	int error;

	if (sf == NULL)
		return ENOMEM;
	sf->sf_mask = mask;
	error = anonfile_install(td, &signalfd_fileops, flags, sf, retval);
	if (error != 0)
		kfree(sf);
	return error;
}

/* A new mask for a descriptor that exists. */
static int
signalfd_change(struct thread *td, int fd, sigset_t mask, long *retval)
{
	struct file *fp;
	int error = getfile(td, fd, &fp);

	if (error != 0)
		return error;
	if (fp->f_ops == &signalfd_fileops) {
		((struct signalfd *)fp->f_data)->sf_mask = mask;
		signalfd_posted();
		*retval = fd;
	} else {
		error = EINVAL;
	}
	file_release(fp);
	return error;
}

static int
kern_signalfd(struct thread *td, const uint64_t *a, int flags, long *retval)
{
	int fd = (int32_t)a[0], error;
	sigset_t mask;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return EINVAL;
	if ((error = copyin_sigmask(a[1], a[2], &mask)) != 0)
		return error;
	mask &= ~SIG_UNBLOCKABLE;
	return fd == -1 ? signalfd_create(td, mask, flags, retval)
			: signalfd_change(td, fd, mask, retval);
}

SYSCALL(signalfd)
{
	return kern_signalfd(td, a, 0, retval);
}

SYSCALL(signalfd4)
{
	return kern_signalfd(td, a, (int32_t)a[3], retval);
}
