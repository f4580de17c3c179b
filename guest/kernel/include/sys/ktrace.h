/* SPDX-License-Identifier: ISC */
/* ktrace.h: records of what a process does, written to a file (kern_ktrace.c); formats: native.h.
 */
#ifndef SYS_KTRACE_H
#define SYS_KTRACE_H

#include <sys/native.h>
#include <sys/proc.h>

struct siginfo;
#define KTRPOINT(ps, type) (((ps)->ps_traceflag & 1u << (type)) != 0)

void ktrace_fork(struct process *parent, struct process *child, uint32_t flags); /* at_fork() */
void ktrace_exec(struct process *);
void ktrace_exit(struct process *);
void ktrace_syscall(struct thread *, uint64_t nr, const uint64_t *a);
void ktrace_sysret(struct thread *, uint64_t nr, int error, long retval);
void ktrace_psig(struct thread *, const struct siginfo *, vaddr_t handler);

#endif
