/* SPDX-License-Identifier: ISC */
/* signal.h: Linux signal ABI structures and the kernel's signal interface (kern_sig.c, sys_sig.c).
 */
#ifndef SYS_SIGNAL_H
#define SYS_SIGNAL_H

#include <sys/types.h>
#include <sys/queue.h>

#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGSTKFLT 16
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGURG 23
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGWINCH 28
#define SIGIO 29
#define SIGPWR 30
#define SIGSYS 31
#define SIGRTMIN 32
#define NSIG 64
#define sigmask(n) (1UL << ((n)-1))
#define SIG_UNBLOCKABLE (sigmask(SIGKILL) | sigmask(SIGSTOP))
/* What the default action does not kill. */
#define SIG_IGNMASK (sigmask(SIGCHLD) | sigmask(SIGCONT) | sigmask(SIGURG) | sigmask(SIGWINCH))
#define SIG_STOPMASK (sigmask(SIGSTOP) | sigmask(SIGTSTP) | sigmask(SIGTTIN) | sigmask(SIGTTOU))

#define SIG_DFL ((vaddr_t)0)
#define SIG_IGN ((vaddr_t)1)

#define SA_NOCLDSTOP 0x1UL
#define SA_NOCLDWAIT 0x2UL
#define SA_SIGINFO 0x4UL
#define SA_ONSTACK 0x08000000UL
#define SA_RESTART 0x10000000UL
#define SA_NODEFER 0x40000000UL
#define SA_RESETHAND 0x80000000UL
#define SA_RESTORER 0x04000000UL

#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

struct sigaction { /* as rt_sigaction(2) passes it */
	vaddr_t sa_handler;
	uint64_t sa_flags;
	vaddr_t sa_restorer;
	sigset_t sa_mask;
};

struct sigaltstack {
	vaddr_t ss_sp;
	int32_t ss_flags;
	int32_t ss_pad;
	uint64_t ss_size;
};
#define SS_ONSTACK 1
#define SS_DISABLE 2
#define SS_AUTODISARM 0x80000000
#define MINSIGSTKSZ 2048

/* siginfo_t as Linux lays it out for x86-64 (128 bytes). */
struct siginfo {
	int32_t si_signo, si_errno, si_code, si_pad0;
	union {
		struct {
			int32_t pid;
			uint32_t uid;
			uint64_t value;
		} kill; /* also rt: value */
		struct {
			int32_t pid;
			uint32_t uid;
			int32_t status;
			int32_t pad;
			int64_t utime, stime;
		} chld; /* clock ticks, 100 a second */
		struct {
			vaddr_t addr;
			int16_t lsb;
		} fault;
		struct {
			int32_t timerid, overrun;
			uint64_t value;
		} timer;
		struct {
			int64_t band;
			int32_t fd;
		} poll;
		struct {
			vaddr_t call_addr;
			int32_t syscall;
			uint32_t arch;
		} sys;
		uint8_t bytes[112];
	} u;
};
_Static_assert(sizeof(struct siginfo) == 128, "siginfo_t");
#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_QUEUE (-1)
#define SI_TIMER (-2)
#define SI_TKILL (-6)
#define CLD_EXITED 1
#define CLD_KILLED 2
#define CLD_DUMPED 3
#define CLD_TRAPPED 4
#define CLD_STOPPED 5
#define CLD_CONTINUED 6
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN 1
#define BUS_ADRERR 2
#define FPE_INTDIV 1
#define FPE_FLTINV 7
#define ILL_ILLOPN 2
#define TRAP_BRKPT 1
#define TRAP_TRACE 2

/* A queued signal with its information. */
struct sigqueue {
	TAILQ_ENTRY(sigqueue) sq_link;
	struct siginfo sq_info;
	void
	    *sq_timer; /* POSIX timer this belongs to, or NULL: only one is ever queued per timer */
};
TAILQ_HEAD(sigqueue_head, sigqueue);

/* Pending signals of a thread or of a process. */
struct sigpend {
	sigset_t sp_set;
	struct sigqueue_head sp_queue; /* real-time ones in order; a standard one at most once */
	uint32_t sp_count;             /* entries of sp_queue that no timer owns */
};

/* Handlers: copied before a change, unless shared on purpose (CLONE_SIGHAND, RFSIGSHARE). */
struct sigacts {
	uint32_t sa_refs;
	uint32_t sa_flags;             /* SIGACTS_* */
	sigset_t sa_set;               /* signals whose entry is not all zero */
	struct sigaction sa_act[NSIG]; /* by signal - 1 */
};

#define SIGACTS_SHARED 0x1u /* sharers see modifications */

static inline bool
sigacts_shared(const struct sigacts *sa)
{
	return sa->sa_refs > 1 && (sa->sa_flags & SIGACTS_SHARED);
}

struct pgrp;
struct thread;
struct process;
struct trapframe;
struct cred;

struct sigacts *sigacts_new(void);                          /* all default; NULL = no memory */
struct sigacts *sigacts_copy(const struct sigacts *);       /* refs = 1 */
struct sigacts *sigacts_fork(struct process *, bool share); /* the child's; NULL = no memory */
struct sigacts *sigacts_own(struct process *);              /* to be changed; NULL = no memory */
void sigacts_release(struct sigacts *);
void sigacts_exec(struct process *); /* handlers to default, ignored stay; un-shares first (memory
					must have been reserved: see kern_exec) */

void siginfo_init(struct siginfo *, int sig, int code); /* the rest zero */
void sigpend_init(struct sigpend *);
void sigpend_flush(struct sigpend *);
int sigpend_add(struct process *, struct sigpend *, int sig, const struct siginfo *); /* EAGAIN */
/* Queue a timer's own entry to the process, or to its thread td if that is not NULL: false if the
 * signal is ignored. */
struct sigqueue;
bool sigqueue_timer(struct process *, struct thread *td, struct sigqueue *);
void sigqueue_cancel(struct process *, struct sigqueue *); /* take it out of whatever queue */
/* As psignal_info and tsignal_info (td not NULL), but EAGAIN if a real-time signal finds the queue
 * full. */
int signal_send(struct process *, struct thread *td, int sig, const struct siginfo *);
/* Remove and return a pending signal of set (thread's first): its number, or 0. */
int signal_take(struct thread *, sigset_t set, struct siginfo *);
void signal_discard(struct process *, sigset_t);  /* forget pending signals of the whole process */
void sigmask_set(struct thread *, sigset_t);      /* the new mask; KILL and STOP stay unblocked */
void signal_thread_exit(struct thread *);         /* signals it was to take go to another thread */
sigset_t sig_ignored_set(const struct process *); /* ignored, explicitly or by default */

/* Send sig to a process (any thread may take it) or to one thread. info NULL = SI_KERNEL. Never
 * fails, never sleeps. */
void psignal(struct process *, int sig);
void psignal_info(struct process *, int sig, const struct siginfo *info);
void tsignal_info(struct thread *, int sig, const struct siginfo *info);
void pgsignal(struct pgrp *pg, int sig, bool checkctty);
/* A fault of the current thread: cannot be blocked or ignored. */
void trapsignal(struct thread *, int sig, int code, vaddr_t addr);
/* May the sender (current process) signal the target? 0 or EPERM. */
int cansignal(struct process *target, int sig);

/* A signal has become pending somewhere: whoever waits on a signalfd looks (sys_signalfd.c). */
void signalfd_posted(void);

/* Is there an unblocked, not ignored signal (or a pending exit/stop request)? Cheap. */
bool signal_pending(struct thread *);
/* Recompute td_sigpending hint after mask or queue changes. */
void signotify(struct thread *);

/*
 * On the way to user mode: deliver one signal at a time (handler frame via cpu_sendsig, default
 * action, stop) until none is deliverable.  syserr: how the interrupted system call ended
 * (ERESTART*, 0 = none); frames are adjusted here.  May not return (process dies).
 */
void userret_signals(struct thread *, struct trapframe *, int syserr);

/* Terminate the current process by a signal, with the right wait status. */
void __noreturn sigexit(struct thread *, int sig);

/* Stop/continue bookkeeping with the parent's SIGCHLD, used by kern_sig.c and ptrace. */
void process_stop(struct process *, int sig);
void process_continue(struct process *);
void process_run_threads(struct process *); /* stopped no more; tells nobody */
/* It does nothing more but exit: asked to, or SIGKILL is pending. */
bool thread_killed(const struct thread *);

#endif
