/* SPDX-License-Identifier: ISC */
/* sys_wait.c: exit, exit_group, wait4, waitid. */
#include <sys/exit.h>
#include <sys/pidfd.h>
#include <sys/proc.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/systm.h>

SYSCALL(exit)
{
	(void)retval;
	exit1(td, W_EXITCODE((int)a[0] & 0xff, 0), false);
}

SYSCALL(exit_group)
{
	(void)retval;
	exit1(td, W_EXITCODE((int)a[0] & 0xff, 0), true);
}

/* wait4's pid argument as an idtype and id. */
static void
wait_target(struct thread *td, pid_t pid, struct wait_args *wa)
{
	wa->idtype = pid == -1 ? P_ALL : pid > 0 ? P_PID : P_PGID;
	wa->id = pid == 0 ? td->td_proc->ps_pgrp->pg_id : pid > 0 ? pid : -pid;
}

static int
copyout_rusage(const struct rusage_acc *ru, uint64_t uaddr)
{
	struct rusage out;

	if (uaddr == 0)
		return 0;
	rusage_export(ru, &out);
	return copyout(&out, (void *)uaddr, sizeof(out));
}

SYSCALL(wait4)
{
	struct wait_args wa = {.options = (uint32_t)a[2]};
	int error;

	if (wa.options & ~(WNOHANG | WSTOPPED | WCONTINUED | WNOTHREAD | WALL | WCLONE))
		return EINVAL;
	if ((pid_t)a[0] == INT32_MIN)
		return ESRCH;
	wa.options |= WEXITED;
	wait_target(td, (pid_t)a[0], &wa);
	if ((error = kern_wait(td, &wa)) != 0)
		return error;
	*retval = wa.pid;
	if (wa.pid == 0)
		return 0;
	if (a[1] != 0 && (error = copyout(&wa.status, (void *)a[1], sizeof(wa.status))) != 0)
		return error;
	return copyout_rusage(&wa.ru, a[3]);
}

SYSCALL(waitid)
{
	struct wait_args wa = {.idtype = (int)a[0], .id = (pid_t)a[1], .options = (uint32_t)a[3]};
	int error;

	if (wa.options & ~(WNOHANG | WSTOPPED | WEXITED | WCONTINUED | WNOWAIT | WNOTHREAD | WALL |
			   WCLONE) ||
	    !(wa.options & (WSTOPPED | WEXITED | WCONTINUED)))
		return EINVAL;
	switch (wa.idtype) {
	case P_ALL:
		break;
	case P_PID:
		if (wa.id <= 0)
			return EINVAL;
		break;
	case P_PGID:
		if (wa.id < 0)
			return EINVAL;
		if (wa.id == 0)
			wa.id = td->td_proc->ps_pgrp->pg_id;
		break;
	case P_PIDFD:
		if ((error = pidfd_to_pid(td, (int)a[1], &wa.id)) != 0)
			return error;
		wa.idtype = P_PID;
		break;
	default:
		return EINVAL;
	}
	if ((error = kern_wait(td, &wa)) != 0)
		return error;
	*retval = 0;
	if (wa.pid == 0)
		memset(&wa.info, 0, sizeof(wa.info));
	if (a[2] != 0 && (error = copyout(&wa.info, (void *)a[2], sizeof(wa.info))) != 0)
		return error;
	return wa.pid == 0 ? 0 : copyout_rusage(&wa.ru, a[4]);
}
