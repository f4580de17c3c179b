/* SPDX-License-Identifier: ISC */
/* futex.h: futexes as the rest of the kernel sees them (kern_futex.c). */
#ifndef SYS_FUTEX_H
#define SYS_FUTEX_H

#include <sys/types.h>

struct thread;

/*
 * td leaves its address space (exit, exec): hand on the robust futexes it holds, and clear and wake
 * its CLONE_CHILD_CLEARTID word if others can still see it.  Uses the current user memory; bounded.
 */
void futex_thread_exit(struct thread *td);
/* Wake up to n threads that wait at the user address (as FUTEX_WAKE, shared): how many. */
int futex_wake(struct thread *td, vaddr_t uaddr, int n);

#endif
