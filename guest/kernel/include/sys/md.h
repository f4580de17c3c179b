/* SPDX-License-Identifier: ISC */
/* md.h: what the machine-independent kernel needs of an architecture (guest/arch/x86_64). See also
 * pmap.h and host.h. */
#ifndef SYS_MD_H
#define SYS_MD_H

#include <sys/types.h>
#include <machine/thread.h>

struct thread;
struct process;
struct siginfo;
struct sigaction;

/* ---- boot ---- */
struct ramrange {
	paddr_t start, end;
};
/* RAM that nobody uses, in the order in which it is to be used: page aligned, all of it zero. */
int md_ram_ranges(struct ramrange *out, int max);
paddr_t md_rootfs(uint64_t *size); /* root image, 0 = none */
bool md_boot_events(void);         /* the host wants events from the start */
uint32_t md_boot_refused(void);    /* first boot parameter that was refused, as READY has it */
/* See main.h for kernel_main(), which runs on boot_stack, and md_init(). */
extern char boot_stack[];
/* Tell the host that the kernel waits for its first program.  A sandbox cloned from here returns
 * from it too, with a new identity, fresh random seed and the current time: true there. */
bool md_ready(void);
/* What the template's kernel had as its stack guard is no secret to its other clones. */
void md_new_stack_guard(void);
void __noreturn md_halt(int reason);
void __noreturn md_panic(const char *msg); /* panic()'s last step */
/* The content of this RAM is no longer needed: give it back to the host. */
int md_discard(paddr_t pa, vsize_t len);

/* ---- threads (vm_machdep.c, switch.S) ---- */
#define KSTACK_ORDER 1 /* 8 KiB; kern.kstack_used of debug kernels says how much is needed */
#define KSTACK_SIZE (PAGE_SIZE << KSTACK_ORDER)
/* Allocate what cpu_fork() will need: 0 or ENOMEM; undone by cpu_thread_free(child). */
int cpu_fork_prepare(struct thread *parent, struct thread *child);
/*
 * Make child (td_kstack set) ready to run: copy the parent's user registers and FPU state, child's
 * return value 0; or, with func, start func(arg) in the kernel.  stack != 0 sets the user stack
 * pointer; set_tcb sets the FS base.  When func returns and the thread has a user image (exec was
 * called), it goes to user mode.  Cannot fail.
 */
void cpu_fork(struct thread *parent, struct thread *child, vaddr_t stack, bool set_tcb, vaddr_t tcb,
	      void (*func)(void *), void *arg);
void cpu_switch(struct thread *from,
		struct thread *to);    /* registers, kernel stack, FPU, FS/GS base, pmap */
void cpu_thread_free(struct thread *); /* FPU area etc. */
void cpu_kernel_pmap(void);            /* leave the address space that is about to be released */
/* First return of a forked thread: MI part, called on the child's stack before it goes to user
 * mode. */
void child_return(struct thread *); /* in kern_fork.c */
/* A fresh image: all registers zero but rip, rsp; FPU initial; FS/GS base 0. */
void cpu_exec(struct thread *, vaddr_t entry, vaddr_t stack);
void cpu_idle(void); /* enable interrupts and halt until one comes; returns with interrupts off */
/* Final switch away from a dying thread whose stack is freed by the next one (dead threads are
 * reaped by sched). */
vaddr_t cpu_user_pc(struct thread *), cpu_user_sp(struct thread *);

/* ---- signals (sig_machdep.c) ---- */
/* Build a Linux rt_sigframe (with XSAVE state) for the handler and point the trap frame at it;
 * EFAULT if the stack is bad. */
int cpu_sendsig(struct thread *, const struct sigaction *, int sig, const struct siginfo *,
		sigset_t oldmask);
/* rt_sigreturn: restore registers, FPU and *mask from the frame; EFAULT. */
int cpu_sigreturn(struct thread *, sigset_t *mask);
size_t cpu_minsigstksz(void); /* AT_MINSIGSTKSZ: a frame and some room */
/* Arrange that the interrupted system call is made again / returns err. */
void cpu_syscall_restart(struct thread *, bool via_restart_syscall);
void cpu_set_retval(struct thread *, long value); /* user-visible rax */

/* ---- arch_prctl, registers for ptrace ---- */
int cpu_arch_prctl(struct thread *, int code, uint64_t addr);
struct user_regs; /* Linux struct user_regs_struct */
void cpu_getregs(struct thread *, void *user_regs_struct);
int cpu_setregs(struct thread *, const void *user_regs_struct); /* EIO: would break the kernel */
int cpu_getfpregs(struct thread *, void *buf512);
int cpu_setfpregs(struct thread *, const void *buf512);
void cpu_singlestep(struct thread *, bool on);
int cpu_peekuser(struct thread *, uint64_t off, uint64_t *val);
int cpu_pokeuser(struct thread *, uint64_t off, uint64_t val);
long cpu_retval(struct thread *);
uint64_t cpu_syscall_number(struct thread *); /* of the call under way, as a tracer has left it */
struct cpu_syscall_info {                     /* Linux struct ptrace_syscall_info */
	uint8_t op;                           /* CPU_SYSCALL_* */
	uint8_t pad[3];
	uint32_t arch;
	uint64_t pc, sp;
	union {
		struct {
			uint64_t nr, args[6];
		} entry;
		struct {
			int64_t rval;
			uint8_t is_error;
		} exit;
	} u;
};
#define CPU_SYSCALL_NONE 0
#define CPU_SYSCALL_ENTRY 1
#define CPU_SYSCALL_EXIT 2
/* Fills all of *info; returns how many bytes mean something. */
size_t cpu_syscall_info(struct thread *, int op, struct cpu_syscall_info *info);

/* ---- interrupts and time ---- */
static inline bool
cpu_intr_pending_hint(void)
{
	return false;
}
void cpu_set_timer(nsec_t deadline); /* absolute nanouptime(); ~0 = off */
uint64_t cpu_cycles(void);           /* TSC */
uint64_t cpu_cycles_to_ns(uint64_t);
bool cpu_random64(uint64_t *); /* RDSEED/RDRAND if there is one */

/* ---- AT_* values ---- */
uint64_t cpu_hwcap(void);
uint64_t cpu_hwcap2(void);
const char *cpu_platform(void);             /* "x86_64" */
size_t cpu_cpuinfo(char *buf, size_t size); /* text of /proc/cpuinfo */

/* ---- statistics page and trace ring: see machine/stats.h (kstats, STAT_INC...) and
 * machine/trace.h ---- */

#endif
