/* SPDX-License-Identifier: ISC */
/*
 * native.h: the native system calls: numbers, flags and structures.
 *
 * Shared by the kernel and programs (libtine installs it as <tine/native.h>), so it needs nothing
 * but C's own headers.
 */
#ifndef SYS_NATIVE_H
#define SYS_NATIVE_H

#include <stdint.h>

#define TINE_SYS_rfork 512
#define TINE_SYS___tfork 513
#define TINE_SYS_tine_sysctl 514
#define TINE_SYS_forkstat 515
#define TINE_SYS_forkwatch_open 516
#define TINE_SYS_vmfork 524
#define TINE_SYS_tine_freeze 525
#define TINE_SYS_pledge 530
#define TINE_SYS_ptrace_event_mask 540
#define TINE_SYS_ptrace_process_state 541
#define TINE_SYS_ktrace 542
#define TINE_SYS_profil 543

/* ---- rfork(2): FreeBSD's values ---- */
#define RFFDG (1u << 2)        /* copy the descriptor table (else it is shared) */
#define RFPROC (1u << 4)       /* a new process (else change this one) */
#define RFMEM (1u << 5)        /* share the address space */
#define RFNOWAIT (1u << 6)     /* child of process 1: nobody here has to wait for it */
#define RFCFDG (1u << 12)      /* empty descriptor table */
#define RFTHREAD (1u << 13)    /* peer: killed when the leader exits */
#define RFSIGSHARE (1u << 14)  /* share signal actions; needs RFMEM */
#define RFLINUXTHPN (1u << 16) /* exit signal SIGUSR1 instead of SIGCHLD */
#define RFSTOPPED (1u << 17)   /* starts stopped: SIGCONT lets it run */
#define RFHIGHPID (1u << 18)   /* kernel only: ignored */
#define RFPPWAIT (1u << 31)    /* sleep until the child calls exec or exits */
/* tine's own */
#define RFNOZOMBIE (1u << 28) /* leaves no zombie, sends no signal */
#define RFSHARELIM (1u << 29) /* parent and child see each other's changes of resource limits */

/* ---- __tfork(2) ---- */
struct __tfork {
	void *tf_tcb;    /* new thread's FS base; NULL: the caller's */
	int32_t *tf_tid; /* where to store its id; NULL: nowhere */
	void *tf_stack;  /* its stack pointer */
};

/* ---- forkwatch_open(2) ---- */
#define NOTE_EXIT 0x80000000u
#define NOTE_FORK 0x40000000u
#define NOTE_EXEC 0x20000000u

#define FORKWATCH_FORK 1
#define FORKWATCH_EXEC 2
#define FORKWATCH_EXIT 3
#define FORKWATCH_OVERFLOW 4
struct forkwatch_event {
	uint32_t kind;    /* FORKWATCH_* */
	int32_t pid;      /* whom it happened to */
	int32_t other;    /* fork: the child */
	int32_t status;   /* exit: as wait(2) gives it; fork: its kind, as in tine/stats.h */
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint64_t lost;    /* overflow: events that did not fit into the queue */
};

/* ---- /dev/vmgenid, tine_generation_page(2): which clone of its template this sandbox is ---- */
struct tine_generation {
	uint64_t generation; /* clonings that lie behind this sandbox; as kern.generation */
	uint64_t reserved;   /* 0 */
	uint8_t id[16];      /* random: no other sandbox, clone or run after a reset has it */
};

/* ---- ptrace_event_mask(2), ptrace_process_state(2): OpenBSD's view of a traced process ---- */
#define PTRACE_FORK 0x0002
struct ptrace_report {           /* forgotten when the process goes on */
	int32_t pe_report_event; /* PTRACE_FORK, or 0 */
	int32_t pe_other_pid;    /* child, or parent */
	int32_t pe_tid;          /* thread that stopped last */
};

/* ---- ktrace(2) ---- */
#define KTROP_SET 0
#define KTROP_CLEAR 1
#define KTROP_CLEARFILE 2 /* end all tracing to the file */
#define KTROP_MASK 3
#define KTRFLAG_DESCEND 4 /* and all descendants */

#define KTR_SYSCALL 1 /* a call begins */
#define KTR_SYSRET 2  /* ... and ends */
#define KTR_PSIG 3    /* a signal is taken */
#define KTR_FORK 4    /* a process has been made */
#define KTR_EXEC 5    /* the program is another one */
#define KTRFAC_SYSCALL (1u << KTR_SYSCALL)
#define KTRFAC_SYSRET (1u << KTR_SYSRET)
#define KTRFAC_PSIG (1u << KTR_PSIG)
#define KTRFAC_FORK (1u << KTR_FORK)
#define KTRFAC_EXEC (1u << KTR_EXEC)
#define KTRFAC_MASK 0x3eu
#define KTRFAC_INHERIT 0x40000000u /* pass tracing on to children */
#define KTRFAC_ROOT 0x80000000u    /* kernel only: set by root, only root may change it */

struct ktr_record {
	uint64_t ktr_time_ns; /* CLOCK_MONOTONIC */
	uint32_t ktr_type;    /* KTR_* */
	int32_t ktr_pid, ktr_tid;
	uint32_t ktr_pad;
	char ktr_comm[16];
	union {
		struct {
			uint64_t nr, args[6];
		} syscall;
		struct {
			uint64_t nr;
			int64_t retval; /* -1 with an error */
			int32_t error;
			uint32_t pad;
		} sysret;
		struct {
			int32_t signo, code;
			uint64_t handler, mask; /* 0: default, 1: ignored */
		} psig;
		struct {
			int32_t child;
			uint32_t vfork;
		} fork;
		struct {
			char path[88]; /* cut short if it is longer */
		} exec;
	} u;
};
_Static_assert(sizeof(struct ktr_record) == 128, "ktr_record");

/* ---- profil(2) ---- */
#define PROFIL_START 1
#define PROFIL_STOP 2
#define PROFIL_READ 3
struct profil_entry {
	uint64_t pc; /* or PROFIL_LOST */
	uint64_t count;
};
#define PROFIL_LOST (~(uint64_t)0) /* samples that found no room */

#endif
