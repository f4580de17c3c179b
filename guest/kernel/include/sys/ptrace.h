/* SPDX-License-Identifier: ISC */
/*
 * ptrace.h: tracing of processes (kern_ptrace.c, ptrace_stop.c, sys_ptrace.c).
 *
 * A process is traced as a whole, as in BSD: the tracer adopts it (ps_pptr) and its real parent is
 * remembered by id (ps_oppid).  Its threads stop, report and go on one by one, as on Linux.
 */
#ifndef SYS_PTRACE_H
#define SYS_PTRACE_H

#include <sys/native.h> /* struct ptrace_report */
#include <sys/proc.h>

/* Linux: requests are in sys_ptrace.c; events and options (1 << event). */
#define PTRACE_EVENT_FORK 1
#define PTRACE_EVENT_VFORK 2
#define PTRACE_EVENT_CLONE 3
#define PTRACE_EVENT_EXEC 4
#define PTRACE_EVENT_VFORK_DONE 5
#define PTRACE_EVENT_EXIT 6
#define PTRACE_EVENT_STOP 128
#define PTRACE_O_TRACESYSGOOD 0x1u
#define PTRACE_O_EXITKILL 0x100000u
/* SYSGOOD, the six events, EXITKILL. */
#define PTRACE_O_MASK (0x7fu | PTRACE_O_EXITKILL)

struct ptrace_state { /* of a traced process */
	LIST_ENTRY(ptrace_state) pe_link;
	struct process *pe_process;
	TAILQ_HEAD(, ptrace_thread) pe_threads;
	struct ptrace_report pe_report;
	uint32_t pe_event_mask; /* PTRACE_FORK: OpenBSD's way to follow forks */
};

struct ptrace_thread { /* of a traced thread, and of one that has exited until that is reported */
	TAILQ_ENTRY(ptrace_thread) pt_link;
	struct ptrace_state *pt_state;
	struct thread *pt_thread; /* NULL once it has exited */
	pid_t pt_tid;             /* of an exited thread; see ptrace_tid() */
	uint32_t pt_flags;        /* PTF_* */
	uint32_t pt_options;      /* PTRACE_O_* */
	int32_t pt_status;        /* stopped: signal | event << 8; exited: wait status */
	uint64_t pt_message;      /* PTRACE_GETEVENTMSG */
	struct siginfo *pt_info;  /* while stopped: of this stop, on the thread's stack */
};
#define PTF_SEIZED 0x001u   /* PTRACE_SEIZE: no SIGSTOP at attach, stops by PTRACE_EVENT_STOP */
#define PTF_SYSCALL 0x002u  /* wants to see system calls */
#define PTF_STOPPED 0x004u  /* waits for the tracer */
#define PTF_REPORTED 0x008u /* and wait() has said so */
#define PTF_LISTEN 0x010u   /* stays in a group stop, but reports its end */
#define PTF_EXITED 0x020u   /* to be reaped by wait() */
/* Kind of stop. */
#define PTF_SIGNAL 0x100u  /* about to take a signal */
#define PTF_GROUP 0x200u   /* job control */
#define PTF_ENTER 0x400u   /* system call about to begin */
#define PTF_LEAVE 0x800u   /* system call has ended */
#define PTF_INCALL 0x1000u /* event inside a system call: its end is still to come */
#define PTF_KIND 0xff00u

LIST_HEAD(ptrace_list, ptrace_state);
extern struct ptrace_list ptraced; /* all traced processes */

/* ---- becoming traced, and the end of it (kern_ptrace.c) ---- */
int ptrace_attach(struct thread *, struct process *tracer, uint32_t flags, uint32_t options);
void ptrace_detach_thread(struct thread *);
void ptrace_detach(struct process *); /* also of a zombie: it goes back to its real parent */
int cantrace(struct process *target); /* the current process: 0 or EPERM */
/* Whose child ps is when no tracer has adopted it. */
struct process *real_parent(const struct process *ps);
static inline pid_t
ptrace_tid(const struct ptrace_thread *pt)
{
	return pt->pt_thread != NULL ? pt->pt_thread->td_tid : pt->pt_tid;
}

/* Allocate what following the fork takes, into child->td_ptrace: 0, ENOMEM. */
int ptrace_fork_prepare(struct thread *parent, struct thread *child, const struct fork_args *);
void ptrace_fork_abort(struct thread *child);
/* The child is in all lists and has not run. */
void ptrace_fork(struct thread *parent, struct thread *child);
void ptrace_thread_exit(struct thread *);
void ptrace_process_free(struct process *);
/* ps dies: what it traces is let go (or killed); what others trace of its children is heir's. */
void ptrace_tracer_exit(struct process *);
void ptrace_parent_exit(struct process *ps, struct process *heir);

struct wait_args;
/* Report a stop or end of a thread of c to its tracer; *found: wa names one. */
bool ptrace_wait(struct process *c, struct wait_args *wa, bool *found);

/* ---- stops (ptrace_stop.c): the thread sleeps until its tracer lets it go on ---- */
/* Before it takes sig: the signal to take instead, 0 = none. */
int ptrace_signal(struct thread *, int sig, struct siginfo *);
void ptrace_group_stop(struct thread *);
void ptrace_trap(struct thread *); /* TDF_TRACEDRET */
bool ptrace_wants(const struct thread *, int event);
int fork_event_kind(const struct fork_args *); /* PTRACE_EVENT_* */
void ptrace_event(struct thread *, int event, uint64_t message);
void ptrace_fork_event(struct thread *parent, const struct fork_args *, pid_t child);
void ptrace_exec_event(struct thread *, pid_t former_tid);
/* False: the thread is being killed, the call does not take place. */
bool ptrace_syscall_enter(struct thread *);
int ptrace_syscall_leave(struct thread *, int syserr);
/* Let a stopped thread go on; sig: what it does with that depends on the stop. */
void ptrace_resume(struct ptrace_thread *, int sig);

#endif
