/* SPDX-License-Identifier: ISC */
/* sys_prctl.c: prctl, personality, arch_prctl. */
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/syscall.h>
#include <sys/systm.h>

enum prctl_op {
	PR_SET_PDEATHSIG = 1,
	PR_GET_PDEATHSIG = 2,
	PR_GET_DUMPABLE = 3,
	PR_SET_DUMPABLE = 4,
	PR_GET_KEEPCAPS = 7,
	PR_SET_KEEPCAPS = 8,
	PR_GET_TIMING = 13,
	PR_SET_NAME = 15,
	PR_GET_NAME = 16,
	PR_GET_SECCOMP = 21,
	PR_CAPBSET_READ = 23,
	PR_GET_SECUREBITS = 27,
	PR_SET_TIMERSLACK = 29,
	PR_GET_TIMERSLACK = 30,
	PR_SET_CHILD_SUBREAPER = 36,
	PR_GET_CHILD_SUBREAPER = 37,
	PR_SET_NO_NEW_PRIVS = 38,
	PR_GET_NO_NEW_PRIVS = 39,
	PR_GET_TID_ADDRESS = 40,
	PR_SET_THP_DISABLE = 41,
	PR_GET_THP_DISABLE = 42
};
#define CAP_LAST 40
#define TIMER_SLACK 50000 /* ns, Linux's default; deadlines here are exact */

static int
copyout_int(int32_t value, vaddr_t uaddr)
{
	return copyout(&value, (void *)uaddr, sizeof(value));
}

/* The name is a thread's; the main thread's is also the process's. */
static int
set_name(struct thread *td, vaddr_t uaddr)
{
	char name[COMM_MAX] = {0};
	size_t len;
	int error = copyinstr((const void *)uaddr, name, sizeof(name), &len);

	if (error != 0 && error != ENAMETOOLONG)
		return error;
	name[COMM_MAX - 1] = '\0';
	strlcpy(td->td_name, name, sizeof(td->td_name));
	if (td == td->td_proc->ps_mainthread)
		strlcpy(td->td_proc->ps_comm, name, sizeof(td->td_proc->ps_comm));
	return 0;
}

static int
get_name(struct thread *td, vaddr_t uaddr)
{
	char name[COMM_MAX] = {0};

	strlcpy(name, td->td_name, sizeof(name));
	return copyout(name, (void *)uaddr, sizeof(name));
}

static int
set_state(struct process *ps, int op, uint64_t arg)
{
	switch (op) {
	case PR_SET_PDEATHSIG:
		if (arg > NSIG)
			return EINVAL;
		ps->ps_pdeathsig = (uint32_t)arg;
		return 0;
	case PR_SET_DUMPABLE:
		if (arg > 1)
			return EINVAL;
		ps->ps_dumpable_off = arg == 0;
		return 0;
	case PR_SET_CHILD_SUBREAPER:
		ps->ps_subreaper = arg != 0;
		return 0;
	case PR_SET_NO_NEW_PRIVS:
		if (arg != 1)
			return EINVAL;
		ps->ps_nonewprivs = 1;
		return 0;
	case PR_SET_KEEPCAPS: /* there are no capabilities to keep */
		return arg == 0 ? 0 : arg == 1 ? EPERM : EINVAL;
	case PR_SET_THP_DISABLE:
	case PR_SET_TIMERSLACK: /* hints that change nothing here */
		return 0;
	default:
		return EINVAL;
	}
}

SYSCALL(prctl)
{
	struct process *ps = td->td_proc;
	int op = (int)a[0];

	switch (op) {
	case PR_SET_NAME:
		return set_name(td, a[1]);
	case PR_GET_NAME:
		return get_name(td, a[1]);
	case PR_GET_PDEATHSIG:
		return copyout_int((int32_t)ps->ps_pdeathsig, a[1]);
	case PR_GET_CHILD_SUBREAPER:
		return copyout_int((int32_t)ps->ps_subreaper, a[1]);
	case PR_GET_TID_ADDRESS:
		return copyout(&td->td_clear_tid, (void *)a[1], sizeof(td->td_clear_tid));
	case PR_GET_DUMPABLE:
		*retval = !ps->ps_dumpable_off;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		*retval = (long)ps->ps_nonewprivs;
		return 0;
	case PR_GET_TIMERSLACK:
		*retval = TIMER_SLACK;
		return 0;
	case PR_CAPBSET_READ:
		*retval = 1;
		return a[1] <= CAP_LAST ? 0 : EINVAL;
	case PR_GET_KEEPCAPS:
	case PR_GET_TIMING:
	case PR_GET_SECCOMP:
	case PR_GET_SECUREBITS:
	case PR_GET_THP_DISABLE:
		*retval = 0;
		return 0;
	default:
		return set_state(ps, op, a[1]);
	}
}

SYSCALL(personality)
{
	struct process *ps = td->td_proc;

	*retval = ps->ps_personality;
	if ((uint32_t)a[0] != ~0u)
		ps->ps_personality = (uint32_t)a[0];
	return 0;
}

SYSCALL(arch_prctl)
{
	return cpu_arch_prctl(td, (int)a[0], a[1]);
}
