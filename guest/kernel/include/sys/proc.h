/* SPDX-License-Identifier: ISC */
/*
 * proc.h: processes and threads.
 *
 * The kernel runs on one vCPU and is not preempted inside itself; a field changes only between two
 * points where the running thread sleeps.  Legend of what else protects or freezes a field:
 *	I	immutable after creation
 *	c	only the owning thread (curthread) or its creator
 *	s	scheduler: kern_sched.c alone
 *	w	anyone in the kernel
 */
#ifndef SYS_PROC_H
#define SYS_PROC_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/signal.h>
#include <sys/time.h>
#include <machine/thread.h> /* struct mdthread, struct trapframe */

#define PID_MAX 32766 /* kern.pid_max can raise it up to PID_MAX_LIMIT */
#define PID_MAX_LIMIT 4194303
#define THREAD_PID_OFFSET 0
#define COMM_MAX 16
#define NGROUPS_MAX 32

/* ---- credentials: reference counted, copied before a change (kern_cred.c) ---- */
struct uidinfo { /* one per real uid with processes */
	LIST_ENTRY(uidinfo) ui_hash;
	uid_t ui_uid;
	uint32_t ui_refs;
	int64_t ui_nproc; /* w processes of this real uid */
};

struct cred {
	uint32_t cr_refs;
	uid_t cr_uid, cr_ruid, cr_svuid, cr_fsuid;
	gid_t cr_gid, cr_rgid, cr_svgid, cr_fsgid;
	uint32_t cr_ngroups;
	gid_t cr_groups[NGROUPS_MAX];
	struct uidinfo *cr_uidinfo; /* of cr_ruid, referenced */
};
struct cred *crhold(struct cred *);
void crfree(struct cred *);
struct cred *crcopy(const struct cred *); /* refs = 1, or NULL */
struct cred *cr_boot(void);               /* uid 0, at boot */
int cr_setruid(struct cred *, uid_t);     /* changes cr_ruid and cr_uidinfo: ENOMEM */
bool groupmember(const struct cred *, gid_t);
#define suser(td) ((td)->td_proc->ps_cred->cr_uid == 0)
/* Count of processes per real uid: add diff; false (and nothing changed) if diff > 0 and the count
 * would exceed max (0 = no limit). */
bool chgproccnt(struct uidinfo *, int diff, uint64_t max);

/* ---- resource limits: shared copy-on-write (kern_limits.c) ---- */
#define RLIMIT_CPU 0
#define RLIMIT_FSIZE 1
#define RLIMIT_DATA 2
#define RLIMIT_STACK 3
#define RLIMIT_CORE 4
#define RLIMIT_RSS 5
#define RLIMIT_NPROC 6
#define RLIMIT_NOFILE 7
#define RLIMIT_MEMLOCK 8
#define RLIMIT_AS 9
#define RLIMIT_LOCKS 10
#define RLIMIT_SIGPENDING 11
#define RLIMIT_MSGQUEUE 12
#define RLIMIT_NICE 13
#define RLIMIT_RTPRIO 14
#define RLIMIT_RTTIME 15
#define RLIM_NLIMITS 16
#define RLIM_INFINITY (~0UL)
struct rlimit {
	uint64_t rlim_cur, rlim_max;
};
#define PL_SHAREMOD 0x1 /* sharers see modifications (instead of copy-on-write) */
struct plimit {
	uint32_t pl_refs;
	uint32_t pl_flags; /* PL_* */
	struct rlimit pl_rlimit[RLIM_NLIMITS];
};
struct plimit *lim_hold(struct plimit *);
void lim_free(struct plimit *);
struct plimit *lim_copy(const struct plimit *); /* refs = 1, flags 0; or NULL */
struct plimit *lim_boot(void);
#define lim_cur(p, which) ((p)->ps_limit->pl_rlimit[which].rlim_cur)

/* ---- arguments block: shared by fork, replaced by exec; I but for ar_refs ---- */
#define NAUXV 24
struct pargs {
	uint32_t ar_refs;
	uint32_t ar_len;             /* bytes of ar_args: argv strings with their NULs */
	uint64_t ar_auxv[2 * NAUXV]; /* for /proc/PID/auxv */
	vaddr_t ar_argv, ar_argv_end, ar_env, ar_env_end; /* strings in the program's memory */
	char ar_args[];
};
static inline struct pargs *
pargs_hold(struct pargs *pa)
{
	if (pa != NULL)
		pa->ar_refs++;
	return pa;
}
void pargs_free(struct pargs *);

/* ---- process groups and sessions (kern_proc.c) ---- */
struct process;
LIST_HEAD(process_list, process);
struct tty;
struct session {
	LIST_ENTRY(session) s_hash;
	uint32_t s_refs; /* process groups in it */
	pid_t s_sid;
	struct process *s_leader; /* NULL once it has exited */
	struct tty *s_tty;        /* controlling terminal, referenced, or NULL */
};
struct pgrp {
	LIST_ENTRY(pgrp) pg_hash;
	struct process_list pg_members;
	struct session *pg_session;
	pid_t pg_id;
};

/* ---- rusage as kept in nanoseconds ---- */
struct rusage_acc {
	nsec_t utime, stime;
	uint64_t minflt, majflt, nvcsw, nivcsw, inblock, oublock, nsignals;
	uint64_t maxrss; /* pages */
};

/* ---- the process ---- */
struct filedesc;
struct fsinfo;
struct vmspace;
struct vnode;
struct file;
struct pledge_paths;
struct profile;
struct ptrace_state;
struct ptrace_thread;
struct host_launch;

struct itimer_real {
	struct timeout it_to;
	nsec_t it_interval;
};

struct process {
	/* Zeroed too, then built by process_new() field by field. */
	LIST_ENTRY(process) ps_list;    /* allprocess (or zombprocess) */
	LIST_ENTRY(process) ps_hash;    /* by pid */
	LIST_ENTRY(process) ps_pglist;  /* members of ps_pgrp */
	LIST_ENTRY(process) ps_sibling; /* children of ps_pptr */
	struct process_list ps_children;
	TAILQ_HEAD(, thread) ps_threads;
	struct thread *ps_mainthread;
	struct process *ps_pptr; /* parent */
	pid_t ps_pid;            /* I */
	uint32_t ps_refs;        /* threads + holders (pidfd, procfs files) */
	uint32_t ps_flags;       /* PS_*, see PS_INHERIT */
	struct cred *ps_cred;
	struct filedesc *ps_fd;
	struct fsinfo *ps_fs; /* cwd, root, umask */
	struct vmspace *ps_vmspace;
	struct sigacts *ps_sigacts;
	struct plimit *ps_limit;
	struct pargs *ps_args;
	struct vnode *ps_textvp;   /* executable, referenced */
	char *ps_exepath;          /* kmalloc'd path of it, for /proc/PID/exe */
	struct sigpend ps_sigpend; /* signals to the process as a whole */
	struct timeout ps_alarm;   /* ITIMER_REAL, reserved at creation */
	struct process *ps_leader; /* RFTHREAD: leader of the peers */
	struct process *ps_peers;  /* next peer */
	nsec_t ps_start;           /* nanouptime() at fork */
	int32_t ps_exitsig;        /* signal to the parent at exit, 0 = none */

	/* Zeroed by fork from here ... */
#define ps_startzero ps_nthreads
	int32_t ps_nthreads;      /* live threads */
	int32_t ps_xstat;         /* wait status once PS_ZOMBIE / when stopped: stop signal */
	uint32_t ps_acflag;       /* AFORK, ASU, ACORE, AXSIG */
	struct rusage_acc ps_ru;  /* of this process's dead threads */
	struct rusage_acc ps_cru; /* of reaped children */
	nsec_t ps_alarm_interval;
	struct itimerval_ns {
		nsec_t value, interval;
	} ps_vtimer, ps_ptimer;   /* ITIMER_VIRTUAL, PROF */
	struct thread *ps_single; /* thread that has single-threaded us (exec, exit) */
	int32_t ps_singlecount;   /* threads that still have to exit for ps_single */
	struct ptrace_state *ps_ptstat;
	pid_t ps_oppid;                    /* real parent while traced */
	void *ps_posix_timers;             /* sys_timer.c */
	struct process *ps_vforkparent;    /* who sleeps in vfork for us */
	struct host_launch *ps_launch;     /* set for a program that the host launched */
	LIST_HEAD(, forkwatch) ps_watches; /* forkwatch_open(2) descriptors on it */
	void *ps_pollers;                  /* pidfd poll waiters: struct pollhead, see poll.h */
	uint64_t ps_mem_peak;
	uint32_t ps_stopsig_reported, ps_pdeathsig;
	uint32_t ps_dumpable_off, ps_nonewprivs, ps_subreaper;
	int32_t ps_oom_adj;
	uint32_t ps_traceflag;      /* ktrace: KTRFAC_*; not 0 exactly when ... */
	struct file *ps_tracefp;    /* ... there is a file, referenced */
	struct profile *ps_profile; /* kern_profil.c */
#define ps_endzero ps_pgrp

	/* Copied by fork from here ... */
#define ps_startcopy ps_pgrp
	struct pgrp *ps_pgrp; /* the membership list is done by fork1 */
	int32_t ps_nice;
	uint32_t ps_personality;
	char ps_comm[COMM_MAX];
	uint32_t ps_pledge;                  /* with PS_PLEDGE: promises, pledge.h */
	struct pledge_paths *ps_pledgepaths; /* referenced, or NULL: any path */
#define ps_endcopy ps_copyend
	char ps_copyend[0];
};

#define PS_EMBRYO 0x00000001u /* being built: invisible */
#define PS_ZOMBIE 0x00000002u
#define PS_EXITING 0x00000004u
#define PS_SYSTEM 0x00000008u   /* kernel process: no user address space, takes no signals */
#define PS_PPWAIT 0x00000010u   /* parent sleeps in vfork until we exec or exit */
#define PS_ISPWAIT 0x00000020u  /* we sleep in vfork */
#define PS_CONTROLT 0x00000040u /* has a controlling terminal */
#define PS_SUGID 0x00000080u
#define PS_TRACED 0x00000100u
#define PS_STOPPED 0x00000200u   /* job control stop */
#define PS_WAITED 0x00000400u    /* stop status has been reported */
#define PS_CONTINUED 0x00000800u /* continued, not yet reported */
#define PS_NOZOMBIE 0x00001000u
#define PS_PLEDGE 0x00002000u
#define PS_PROFIL 0x00004000u
#define PS_EXEC 0x00008000u       /* has called exec since it was forked */
#define PS_SINGLEEXIT 0x00010000u /* all threads but ps_single must exit */
#define PS_ORPHAN 0x00020000u
#define PS_GROUPEXIT 0x00040000u          /* exit_group under way: every thread exits */
#define PS_INHERIT (PS_SUGID | PS_PLEDGE) /* kept by fork */

#define AFORK 0x01u
#define ASU 0x02u
#define ACORE 0x08u
#define AXSIG 0x10u

/* ---- the thread ---- */
enum thread_state { TDS_EMBRYO, TDS_RUN, TDS_SLEEP, TDS_STOPPED, TDS_DEAD };

struct thread {
	/* Rebuilt by thread_new() / cpu_fork(). */
	TAILQ_ENTRY(thread) td_link; /* ps_threads */
	TAILQ_ENTRY(thread) td_runq; /* s: run queue or sleep queue */
	LIST_ENTRY(thread) td_hash;  /* by tid */
	struct process *td_proc;     /* I */
	pid_t td_tid;                /* I: the main thread's tid is the pid */
	enum thread_state td_state;  /* s */
	uint32_t td_flags;           /* TDF_* */
	vaddr_t td_kstack;     /* I: lowest address of the kernel stack, which ends below this */
	struct mdthread td_md; /* arch: saved context, FPU area, trap frame, FS base */
	struct sigpend td_sigpend;
	struct timeout td_sleep_to; /* tsleep deadline, reserved at creation */

#define td_startzero td_wchan
	const void *td_wchan; /* s: sleep channel */
	const char *td_wmesg;
	int td_werror;        /* s: what tsleep returns */
	uint32_t td_quantum;  /* s: ticks left */
	uint32_t td_slot;     /* s: of the run queue, while TDS_RUN */
	vaddr_t td_clear_tid; /* CLONE_CHILD_CLEARTID address */
	vaddr_t td_set_tid;   /* CLONE_CHILD_SETTID address, written on first return */
	vaddr_t td_robust_list;
	uint64_t td_robust_len;
	nsec_t td_lastswitch, td_runtime; /* s: CPU time, exact, charged at switches */
	nsec_t td_utime, td_stime; /* clock ticks seen in user and kernel mode: they split it */
	struct rusage_acc td_ru;
	void *td_pollctx;
	/* restart_syscall() */
	int (*td_restart)(struct thread *, long *retval);
	uint64_t td_restart_arg[4];
	sigset_t td_oldmask; /* to restore after sigsuspend, pselect, ppoll */
	sigset_t td_sigwait; /* signals sigtimedwait waits for */
	int td_exitcode;
	uint32_t td_syscall; /* number under way, for traces */
	struct process *td_vforkchild;
	struct ptrace_thread *td_ptrace; /* traced: ptrace.h */
	int td_ptsig;                    /* signal that the tracer has sent along */
	uint64_t td_sysmax; /* system calls below this need no look by an observer: observe.h */
#define td_endzero td_sigmask

#define td_startcopy td_sigmask
	sigset_t td_sigmask;
	struct sigaltstack td_sigstk;
	uint32_t td_estcpu;   /* s: recent CPU use, decays */
	uint32_t td_priority; /* s: slots to wait for a turn, 0 (best) .. 63 */
	char td_name[COMM_MAX];
#define td_endcopy td_copyend
	char td_copyend[0];
};

/* Where a kernel stack ends: below the structure of its thread, which fills the rest. */
#define KSTACK_TOP(stack) ((stack) + KSTACK_SIZE - roundup(sizeof(struct thread), 64UL))

#define TDF_SIGPENDING 0x01u /* hint: userret must look at signals */
#define TDF_NEEDRESCHED 0x02u
#define TDF_SINTR 0x04u   /* sleeping interruptibly */
#define TDF_OLDMASK 0x08u /* td_oldmask is to be restored */
#define TDF_SYSTEM 0x10u
#define TDF_SUSPSINGLE 0x20u /* must suspend: somebody single-threads the process */
#define TDF_THREAD 0x40u     /* not the main thread */
#define TDF_EXIT 0x80u       /* must exit (single-threading, exit_group) */
#define TDF_TRACEDRET 0x100u /* traps before it returns to user mode: ptrace_trap() */
#define TDF_ALTDISARM 0x200u
#define TDF_SYSTRACE 0x400u  /* a tracer wants to see how the system call under way ends */
#define TDF_ALLREGS 0x800u   /* the machine must load all registers, not only the call's result */
#define TDF_TELLHOST 0x1000u /* has to ring the host; who runs next inherits it */

extern struct thread *curthread; /* one vCPU */
extern struct process *initproc; /* pid 1, the kernel's reaper and launcher */
extern struct process_list allprocess, zombprocess;
extern int nprocesses, nthreads, maxprocess, maxthread;

/* Lookup by id; embryos are never found; zombies only by the z variant. NULL if none. */
struct process *prfind(pid_t);
struct process *zprfind(pid_t); /* also zombies */
struct thread *tfind(pid_t tid);
struct pgrp *pgfind(pid_t);
/* Reference that keeps the structure (not the process) alive. */
void process_hold(struct process *);
void process_release(struct process *);
int enterpgrp(struct process *, pid_t pgid, bool newsession);
void leavepgrp(struct process *);
bool isorphaned(struct pgrp *);
void reparent(struct process *child, struct process *parent);
uint64_t process_cputime(const struct process *, nsec_t *utime,
			 nsec_t *stime); /* live threads + dead */

struct session *session_of(const struct process *);
struct session *session_find(pid_t sid);
void process_hash(struct process *);
void thread_hash(struct thread *);
void process_free(struct process *); /* kern_proc_new.c: last reference gone */
/* CPU time of one thread, split into user and system (kern_clock.c). */
void thread_cputime(const struct thread *, nsec_t *utime, nsec_t *stime);
void process_unhash(struct process *);             /* a reaped process leaves every list */
int setsid_process(struct process *, pid_t *sidp); /* EPERM if it leads a group */
void kthread_returned(struct thread *) __noreturn; /* function of a kernel thread has returned */

/* ---- process ids (kern_pid.c) ---- */
extern int pid_max, lastpid, randompid, pidpolicy, fork_reserve, fast_vfork;
#define PIDPOLICY_RANDOM 0
#define PIDPOLICY_SEQUENTIAL 1
#define PIDPOLICY_MODULUS 2
int pid_set_max(int max);               /* EINVAL, ENOMEM; resizes the map of ids */
int pid_clamp_randompid(int);           /* row C6 */
int pid_alloc(bool system, pid_t *idp); /* EAGAIN: none free */
int pid_alloc_high(pid_t *idp);         /* above the low ones; kern.lastpid stays: EAGAIN */
int tid_alloc(pid_t *idp);              /* for a thread that is not the main one: EAGAIN */
int pid_alloc_wanted(pid_t id);         /* EEXIST, EINVAL: clone3 set_tid */
void
pid_release(pid_t id); /* one use has ended: free the id unless it is still some other thing's */
void pid_unalloc(pid_t id);  /* give back an id that was never used */
pid_t pid_next(pid_t after); /* next id in use above, 0 = none */
void pid_init(void);

/* ---- fork (kern_fork.c) ---- */
#define FORK_FORK 0x00000001u
#define FORK_VFORK 0x00000002u
#define FORK_PPWAIT 0x00000008u /* suspend parent until exec or exit */
#define FORK_SHAREFILES 0x00000010u
#define FORK_SYSTEM 0x00000020u
#define FORK_NOZOMBIE 0x00000040u
#define FORK_SHAREVM 0x00000080u
#define FORK_IDLE 0x00000100u
#define FORK_SIGHAND 0x00000200u
#define FORK_PTRACE 0x00000400u
#define FORK_FRESHFILES 0x00000800u /* empty descriptor table (RFCFDG) */
#define FORK_SHAREFS 0x00001000u    /* CLONE_FS */
#define FORK_STOPPED 0x00002000u
#define FORK_NOWAIT 0x00004000u /* child of init */
#define FORK_PEER 0x00008000u   /* RFTHREAD */
#define FORK_PARENT 0x00010000u /* CLONE_PARENT */
#define FORK_RFORK 0x00020000u
#define FORK_CLEARSIG 0x00040000u /* CLONE_CLEAR_SIGHAND */
#define FORK_THREAD 0x00080000u   /* new thread of the same process */
#define FORK_UNTRACED 0x10000000u /* not even by a tracer that follows forks: CLONE_UNTRACED */
#define FORK_LAUNCH                                                                                \
	0x00100000u /* program launched by the host: no address space until it calls exec */
#define FORK_SHARELIM 0x00200000u /* parent and child see each other's changes of limits */
#define FORK_HIGHPID 0x00400000u  /* no low pid, and kern.lastpid stays (RFHIGHPID) */

struct fork_args {
	uint32_t flags; /* FORK_* */
	int exitsig;    /* signal to the parent at exit */
	vaddr_t stack;  /* user stack pointer of the child, 0 = as the parent's */
	vaddr_t tcb;    /* FS base of the child if set_tcb */
	bool set_tcb;
	vaddr_t parent_tid;   /* CLONE_PARENT_SETTID: written by fork1 before the child runs */
	vaddr_t child_tid;    /* CLONE_CHILD_SETTID */
	vaddr_t clear_tid;    /* CLONE_CHILD_CLEARTID */
	vaddr_t pidfd;        /* CLONE_PIDFD */
	pid_t set_tid;        /* clone3: wanted pid, 0 = any */
	void (*func)(void *); /* kernel entry instead of returning to user mode */
	void *arg;
	const char *name; /* comm of a kernel process */
};
/* Create a process or thread. *childp (may be NULL) = its first thread, valid until the caller
 * sleeps. */
int fork1(struct thread *td, const struct fork_args *fa, struct thread **childp, pid_t *pidp);
/* A child of process 0; kthread_create1() adds FORK_* flags. */
int kthread_create(void (*func)(void *), void *arg, const char *name, struct process **pp);
int kthread_create1(void (*func)(void *), void *arg, const char *name, uint32_t flags,
		    struct process **pp);

/* ---- exit and wait (kern_exit.c) ---- */
void __noreturn exit1(struct thread *, int status,
		      bool group); /* status: wait(2) encoding; group: whole process */
#define W_EXITCODE(ret, sig) (((ret) << 8) | (sig))
#define W_STOPCODE(sig) (((sig) << 8) | 0x7f)
#define W_CONTINUED 0xffff
void vfork_done(
    struct process *child); /* wakes the parent that sleeps in vfork; once; also called by exec */
int single_thread(
    struct thread *); /* make all other threads of the process exit (exec); 0 or EINTR-like */

/* ---- scheduler (kern_sched.c) ---- */
#define PCATCH 0x100 /* a signal ends the sleep: EINTR (ERESTART is chosen by the caller) */
#define PKILL 0x200  /* only what kills the process ends the sleep */
#define PWALL 0x400  /* the deadline is a time of the wall clock, and moves with it */
/* Sleep on chan until wakeup(chan), a signal (PCATCH: EINTR) or deadline (absolute nanouptime, 0 =
 * none: ETIMEDOUT).  It may return 0 too early: look again at what is waited for. */
int tsleep(const void *chan, int flags, const char *wmesg, nsec_t deadline);
void wakeup(const void *chan);
void wakeup_one(const void *chan);
void thread_unsleep(struct thread *, int error); /* make one sleeping thread runnable */
void setrunqueue(struct thread *);
void remrunqueue(struct thread *);
void sched_yield_thread(struct thread *); /* to the end of its queue */
void mi_switch(void);                     /* run somebody else; state of curthread already set */
void sched_init(void);
void sched_tick(struct thread *); /* by clock_intr */
void sched_fork(struct thread *parent, struct thread *child);
void sched_exit(struct thread *parent_main, struct thread *child);
bool sched_need_tick(void); /* more than one thread wants to run */
void sched_setprio(struct thread *);
void __noreturn idle_loop(void);

/* Work on every return to user mode: signals, rescheduling. syserr as userret_signals. */
void userret(struct thread *, struct trapframe *, int syserr);

#endif
