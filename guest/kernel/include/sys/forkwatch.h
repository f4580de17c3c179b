/* SPDX-License-Identifier: ISC */
/* forkwatch.h: telling programs about fork, exec and exit of others (kern_forkwatch.c). */
#ifndef SYS_FORKWATCH_H
#define SYS_FORKWATCH_H

#include <sys/types.h>

struct process;
void forkwatch_fork(struct process *parent, struct process *child, uint32_t flags); /* at_fork() */
void forkwatch_exec(struct process *);
void forkwatch_exit(struct process *); /* also detaches its watchers */

#endif
