/* SPDX-License-Identifier: ISC */
/* atfork.h: functions that run at every fork of a process (kern_atfork.c). */
#ifndef SYS_ATFORK_H
#define SYS_ATFORK_H

#include <sys/types.h>

struct process;

/* Called past the commit point, before the child runs: must not sleep and cannot fail.  flags are
 * FORK_*. */
typedef void (*forklist_fn)(struct process *parent, struct process *child, uint32_t flags);

/* Hooks run in the order of registration.  ENOMEM; debug kernels warn about a second registration
 * and move the hook to the end. */
int at_fork(forklist_fn);
int rm_at_fork(forklist_fn); /* how many registrations were removed */
void atfork_run(struct process *parent, struct process *child, uint32_t flags);

extern uint64_t atfork_hooks, atfork_calls; /* registered now; calls of hooks so far */

#endif
