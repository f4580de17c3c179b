/* SPDX-License-Identifier: ISC */
/* kern_syscalls.c: the system call table and its dispatcher. */
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/proc.h>
#include <machine/stats.h>
#include <machine/trace.h>

/*
 * syscalls.def names every call of the Linux table and of the native range.  A handler is taken
 * from whichever file defines sys_NAME; one that nobody defines is a weak null: ENOSYS, counted.
 */
#define SYSENT(nr, name) int sys_##name(struct thread *, const uint64_t *, long *) __attribute__((weak));
#include "syscalls.def"
#undef SYSENT

const struct sysent sysent[SYS_MAX] = {
#define SYSENT(nr, name) [nr] = {sys_##name, #name},
#include "syscalls.def"
#undef SYSENT
};

int
syscall_dispatch(struct thread *td, uint64_t nr, const uint64_t *a, long *retval)
{
	int error;

	STAT_INC(syscalls);
	td->td_syscall = (uint32_t)nr;
	KTRACE(SYSCALL, nr, a[0]);
	*retval = 0;
	if (unlikely(nr >= SYS_MAX || sysent[nr].sy_call == NULL)) {
		if (nr < SYS_MAX)
			kstats->enosys[nr]++;
		return ENOSYS;
	}
	error = sysent[nr].sy_call(td, a, retval);
	KTRACE(SYSRET, nr, error != 0 ? -(long)error : *retval);
	return error;
}
