/* SPDX-License-Identifier: ISC */
/* kern_syscalls.c: the system call table. */
#include <sys/syscall.h>
#include <sys/systm.h>
#include <machine/stats.h>

/*
 * syscalls.def names every call of the Linux table and of the native range.  A handler is taken
 * from whichever file defines sys_NAME; one that nobody defines is a weak null: ENOSYS, counted.
 */
#define SYSENT(nr, name)                                                                           \
	int sys_##name(struct thread *, const uint64_t *, long *) __attribute__((weak));
#include "syscalls.def"
#undef SYSENT

const struct sysent sysent[SYS_MAX] = {
#define SYSENT(nr, name) [nr] = {sys_##name, #name},
#include "syscalls.def"
#undef SYSENT
};

/* No handler: counted by number, so that what a program misses is visible. */
int
syscall_missing(uint64_t nr)
{
	if (nr < SYS_MAX)
		kstats->enosys[nr]++;
	return ENOSYS;
}
