/* SPDX-License-Identifier: ISC */
/* pidfd.h: descriptors that name a process (sys_pidfd.c). */
#ifndef SYS_PIDFD_H
#define SYS_PIDFD_H

#include <sys/types.h>

struct thread;
struct process;
/* The process behind descriptor fd, its structure held; EBADF if fd is not a pidfd. */
int pidfd_process(struct thread *, int fd, struct process **);
int pidfd_to_pid(struct thread *, int fd, pid_t *pid);

#endif
