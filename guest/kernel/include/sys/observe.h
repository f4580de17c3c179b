/* SPDX-License-Identifier: ISC */
/*
 * observe.h: where those who watch a process come in: tracers, pledge, ktrace, profiling
 * (kern_observe.c).
 *
 * A thread that nobody watches pays nothing: td_sysmax, the bound that every system call's number
 * is compared with, is 0 while somebody wants to see its calls.
 */
#ifndef SYS_OBSERVE_H
#define SYS_OBSERVE_H

#include <sys/types.h>

struct thread;
struct process;
void observe_update(struct thread *); /* what somebody wants to see has changed */
void observe_update_process(struct process *);
void observe_exec(struct thread *, pid_t former_tid);
/* A system call of a watched thread, or one that does not exist. */
int syscall_uncommon(struct thread *, uint64_t nr, const uint64_t *a, long *retval);

#endif
