/* SPDX-License-Identifier: ISC */
/* limits.h: changing resource limits (kern_limits.c). */
#ifndef SYS_LIMITS_H
#define SYS_LIMITS_H

struct thread;
struct process;
struct rlimit;
/* td sets a limit of ps: EINVAL (cur > max), EPERM (raises max and is not root), ENOMEM. */
int lim_set(struct thread *td, struct process *ps, int which, const struct rlimit *);

#endif
