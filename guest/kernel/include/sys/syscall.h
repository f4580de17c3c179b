/* SPDX-License-Identifier: ISC */
/* syscall.h: the system call table: Linux numbers 0..511, native (BSD) range from SYS_NATIVE
 * (kern_syscalls.c). */
#ifndef SYS_SYSCALL_H
#define SYS_SYSCALL_H

#include <sys/types.h>

#define SYS_NATIVE 512 /* first native number */
#define SYS_MAX 640

struct thread;
/* Handlers get the six raw arguments; they return 0 or a positive errno and set *retval on success.
 */
typedef int (*sysfn_t)(struct thread *td, const uint64_t *a, long *retval);
struct sysent {
	sysfn_t sy_call; /* NULL = not there: ENOSYS, counted */
	const char *sy_name;
};
extern const struct sysent sysent[SYS_MAX];

/* Declares a handler; each sys_*.c defines its own with this. */
#define SYSCALL(name)                                                                              \
	int sys_##name(struct thread *, const uint64_t *, long *);                                 \
	int sys_##name(struct thread *td __unused, const uint64_t *a __unused,                     \
		       long *retval __unused)

/* Count a call of a number that has no handler; returns ENOSYS. */
int syscall_missing(uint64_t nr);

#endif
