/* SPDX-License-Identifier: ISC */
/* dispatch.h: from a system call's number to its handler; inline, for the trap path alone. */
#ifndef SYS_DISPATCH_H
#define SYS_DISPATCH_H

#include <sys/errno.h>
#include <sys/observe.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <machine/stats.h>
#include <machine/trace.h>

static inline int
syscall_dispatch(struct thread *td, uint64_t nr, const uint64_t *a, long *retval)
{
	int error;

	STAT_INC(syscalls);
	td->td_syscall = (uint32_t)nr;
	KTRACE(SYSCALL, nr, a[0]);
	*retval = 0;
	if (unlikely(nr >= td->td_sysmax || sysent[nr].sy_call == NULL))
		return syscall_uncommon(td, nr, a, retval);
	error = sysent[nr].sy_call(td, a, retval);
	KTRACE(SYSRET, nr, error != 0 ? -(long)error : *retval);
	return error;
}

#endif
