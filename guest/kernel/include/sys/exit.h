/* SPDX-License-Identifier: ISC */
/* exit.h: waiting for children (kern_exit.c, sys_wait.c). */
#ifndef SYS_EXIT_H
#define SYS_EXIT_H

#include <sys/proc.h>

#define WNOHANG 0x1
#define WSTOPPED 0x2 /* WUNTRACED */
#define WEXITED 0x4
#define WCONTINUED 0x8
#define WNOWAIT 0x01000000
#define WNOTHREAD 0x20000000
#define WALL 0x40000000
#define WCLONE 0x80000000u
#define P_ALL 0
#define P_PID 1
#define P_PGID 2
#define P_PIDFD 3

struct wait_args {
	int idtype; /* P_ALL, P_PID, P_PGID */
	pid_t id;
	uint32_t options;     /* W* */
	pid_t pid;            /* out */
	int status;           /* out: wait(2) encoding */
	struct rusage_acc ru; /* out */
	struct siginfo info;  /* out: for waitid */
};
/* Reap one zombie child of parent without sleeping: false if there is none.  ru (may be NULL): of
 * it and its reaped children. */
bool reap_one(struct process *parent, pid_t *pid, int *status, struct rusage_acc *ru);
int kern_wait(struct thread *, struct wait_args *);
/* Tell the parent of a zombie that it is there; reaps it if nobody will wait. */
void zombie_announce(struct process *);
void itimers_exit(struct process *); /* POSIX timers of a dying process (sys_timer.c) */

#endif
