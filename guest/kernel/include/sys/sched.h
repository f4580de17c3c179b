/* SPDX-License-Identifier: ISC */
/* sched.h: parts of the scheduler that only fork, exit and the clock use (kern_sched.c). */
#ifndef SYS_SCHED_H
#define SYS_SCHED_H

#include <sys/types.h>

#define NICE_MIN (-20)
#define NICE_MAX 19

struct thread;
void sched_set_idle(struct thread *);
void sched_thread_init(struct thread *); /* of a new thread: its sleep timeout */
void sched_reap_dead(void);              /* first thing a new thread does */
void sched_account(struct thread *, nsec_t now);
void sched_account_switch(struct thread *from, struct thread *to);
void thread_free(struct thread *); /* kern_fork.c: stack, machine part, structure */
bool signal_kills(int sig);        /* default action ends the process (kern_sig.c) */

#endif
