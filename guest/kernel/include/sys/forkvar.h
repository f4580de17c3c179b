/* SPDX-License-Identifier: ISC */
/* forkvar.h: the inside of fork: what its files need of each other. */
#ifndef SYS_FORKVAR_H
#define SYS_FORKVAR_H

#include <sys/proc.h>

/* ---- kern_fork.c ---- */
int thread_slot_take(struct thread *); /* EAGAIN; counted in nthreads */
void thread_slot_give(void);
/* Registers, TLS and thread-id addresses of a new thread.  Cannot fail. */
void fork_user(struct thread *td, struct thread *child, const struct fork_args *);
/* Write the id where CLONE_PARENT_SETTID wants it. */
void fork_report_tid(const struct fork_args *, pid_t tid);
void fork_start(struct thread *child, uint32_t flags);
int fork_failed(int error); /* counts the failure; returns error */

/* ---- kern_forktest.c: debug kernels ---- */
#ifdef TINE_DEBUG
extern int fork_fail_at, fork_pause_ms;
void forktest_begin(void);  /* the first allocation comes next */
void forktest_commit(void); /* that was the last one */
void forktest_end(void);    /* fork has failed */
int forktest_kthread(bool highpid);
pid_t forktest_kthread_pid(void);
#else
#define forktest_begin() ((void)0)
#define forktest_commit() ((void)0)
#define forktest_end() ((void)0)
#endif

/* ---- kern_thread.c ---- */
/* Structure, kernel stack and machine state of a new thread; in no list yet. NULL = no memory. */
struct thread *thread_new(struct thread *parent);
/* The thread becomes visible: by id and as a member of its process. */
void thread_link(struct process *, struct thread *);
/* A new thread in the process of td. */
int thread_fork(struct thread *td, const struct fork_args *, struct thread **childp, pid_t *tidp);

size_t kstack_used(void); /* debug kernels: most bytes of its kernel stack any thread has used */

/* ---- kern_proc_new.c ---- */
/* Structure of a new process with everything it inherits; in no list. NULL = no memory. */
struct process *process_new(struct process *parent, const struct fork_args *);
/* Enter the new process into every list it belongs to.  Cannot fail. */
void process_link(struct process *, struct process *creator, uint32_t flags);

/* ---- kern_unshare.c: ENOMEM, and nothing has changed ---- */
#define UNSHARE_VM 0x1
#define UNSHARE_FS 0x2
#define UNSHARE_FILES 0x4
#define UNSHARE_NOFILES 0x8 /* an empty table instead of a copy */
int kern_unshare(struct thread *, uint32_t what);

/* ---- kern_forkstat.c ---- */
int fork_kind(uint32_t flags); /* enum tine_fork_kind */
/* Count a fork that has happened: ps is the new process, or the one with a new thread. */
void fork_count(const struct process *ps, uint32_t flags);
void forkstat_fork(struct process *parent, struct process *child, uint32_t flags); /* at_fork() */

#endif
