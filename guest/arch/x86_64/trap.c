/* SPDX-License-Identifier: ISC */
/* trap.c: system calls, exceptions and interrupts, once their registers are saved. */
#include <sys/systm.h>
#include <sys/host.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/dispatch.h>
#include <sys/vm.h>
#include <machine/asm.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/fpu.h>
#include <machine/stats.h>
#include <machine/trace.h>
#include "abi/abi.h"

_Static_assert(offsetof(struct trapframe, tf_rbp) == TF_RBP, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_r10) == TF_R10, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_r9) == TF_R9, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_r8) == TF_R8, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_rax) == TF_RAX, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_rdx) == TF_RDX, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_rsi) == TF_RSI, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_rdi) == TF_RDI, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_rip) == TF_RIP, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_cs) == TF_CS, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_rflags) == TF_RFLAGS, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_rsp) == TF_RSP, "asm.h");
/* The handler finds its arguments in the frame. */
_Static_assert(offsetof(struct trapframe, tf_r9) ==
		   offsetof(struct trapframe, tf_rdi) + 5 * sizeof(uint64_t),
	       "arguments");
_Static_assert(sizeof(struct trapframe) == TF_SIZE && TF_SIZE % 16 == 0, "asm.h");

enum {
	T_DIVIDE = 0,
	T_NMI = 2,
	T_BREAKPOINT = 3,
	T_OVERFLOW = 4,
	T_BOUND = 5,
	T_OPCODE = 6,
	T_NO_FPU = 7,
	T_DOUBLE_FAULT = 8,
	T_TSS = 10,
	T_SEGMENT = 11,
	T_STACK = 12,
	T_PROTECTION = 13,
	T_PAGE_FAULT = 14,
	T_X87 = 16,
	T_ALIGNMENT = 17,
	T_MACHINE_CHECK = 18,
	T_SIMD = 19,
	T_NEXCEPTIONS = 32,
};

/* Page fault error code */
#define PF_WRITE 0x2
#define PF_RESERVED 0x8
#define PF_EXEC 0x10

struct fixup { /* copy.S */
	uint64_t pc, to;
};
extern const struct fixup __ex_table_start[], __ex_table_end[];

/* Exceptions that are nothing but a signal; addr: si_addr is the program counter. */
static const struct trap_signal {
	uint8_t sig;
	uint8_t code;
	bool addr;
} trap_signals[T_NEXCEPTIONS] = {
    [T_DIVIDE] = {SIGFPE, FPE_INTDIV, true},      [T_BREAKPOINT] = {SIGTRAP, SI_KERNEL, false},
    [T_OVERFLOW] = {SIGSEGV, SI_KERNEL, false},   [T_BOUND] = {SIGSEGV, SI_KERNEL, false},
    [T_OPCODE] = {SIGILL, ILL_ILLOPN, true},      [T_TSS] = {SIGSEGV, SI_KERNEL, false},
    [T_SEGMENT] = {SIGBUS, SI_KERNEL, false},     [T_STACK] = {SIGBUS, SI_KERNEL, false},
    [T_PROTECTION] = {SIGSEGV, SI_KERNEL, false}, [T_ALIGNMENT] = {SIGBUS, BUS_ADRALN, false},
};

/* ---- system calls ---- */

/* Restart codes are for userret(), which knows whether a handler runs: until then it is EINTR. */
static int
syscall_error(struct trapframe *tf, int error)
{
	if (error == EJUSTRETURN)
		return 0;
	tf->tf_rax = (uint64_t) - (int64_t)(error < ERESTART ? error : EINTR);
	return error < ERESTART ? 0 : error;
}

static bool
syscall_leave(struct thread *td, struct trapframe *tf, int error)
{
	if (error != 0)
		error = syscall_error(tf, error);
	if (error != 0 || (td->td_flags & TDF_USERRET) != 0)
		userret(td, tf, error);
	if ((td->td_flags & TDF_ALLREGS) == 0)
		return true;
	td->td_flags &= ~TDF_ALLREGS;
	return false;
}

/*
 * Every instruction counts here, and nothing overruns: no stack protector.  True: the frame is as
 * the program left it but for the result, so that SYSRET will do (its rip is below VM_USER_MAX).
 */
__attribute__((no_stack_protector)) bool
syscall(struct trapframe *tf)
{
	struct thread *td = curthread;
	int error = syscall_dispatch(td, tf->tf_err, &tf->tf_rdi, (long *)&tf->tf_rax);

	if (likely(error == 0 && (td->td_flags & (TDF_USERRET | TDF_ALLREGS)) == 0))
		return true;
	return syscall_leave(td, tf, error);
}

/* ---- page faults ---- */

static void
out_of_memory(struct thread *td)
{
	struct process *ps = td->td_proc;

	STAT_INC(oom_kills);
	kprintf(LOG_ERR, "out of memory: killed process %d (%s)", ps->ps_pid, ps->ps_comm);
	psignal(ps, SIGKILL);
}

static int
fault_access(uint64_t err)
{
	return err & PF_EXEC ? VMF_EXEC : err & PF_WRITE ? VMF_WRITE : VMF_READ;
}

static void
user_page_fault(struct thread *td, struct trapframe *tf, vaddr_t va)
{
	int error = EFAULT;

	td->td_md.md_faultva = va;
	if (va < VM_USER_MAX)
		error = vm_fault(td->td_proc->ps_vmspace, va, fault_access(tf->tf_err));
	if (error == 0)
		return;
	if (error == ENOMEM)
		out_of_memory(td);
	else if (error == EIO)
		trapsignal(td, SIGBUS, BUS_ADRERR, va);
	else
		trapsignal(td, SIGSEGV, error == EACCES ? SEGV_ACCERR : SEGV_MAPERR, va);
}

static const struct fixup *
fixup_of(uint64_t pc)
{
	const struct fixup *f;

	for (f = __ex_table_start; f < __ex_table_end; f++)
		if (f->pc == pc)
			return f;
	return NULL;
}

/* Right only for the instructions of copy.S that touch user memory. */
static bool
kernel_page_fault(struct thread *td, struct trapframe *tf, vaddr_t va)
{
	const struct fixup *f = fixup_of(tf->tf_rip);
	struct vmspace *vm;
	int error = EFAULT;

	if (f == NULL || va >= VM_USER_MAX || td == NULL || (tf->tf_err & PF_RESERVED) != 0)
		return false;
	vm = td->td_proc->ps_vmspace;
	if (vm != NULL)
		error = vm_fault(vm, va, fault_access(tf->tf_err));
	if (error == ENOMEM)
		out_of_memory(td);
	if (error != 0)
		tf->tf_rip = f->to;
	return true;
}

/* ---- other exceptions ---- */

static void
debug_trap(struct thread *td, struct trapframe *tf)
{
	if (td->td_md.md_flags & MDF_STEP) /* one step at a time; a program's own TF stays */
		cpu_singlestep(td, false);
	trapsignal(td, SIGTRAP, TRAP_TRACE, tf->tf_rip);
}

static void
user_exception(struct thread *td, struct trapframe *tf)
{
	const struct trap_signal *ts = &trap_signals[tf->tf_trapno];

	switch (tf->tf_trapno) {
	case T_PAGE_FAULT: {
		vaddr_t va = rcr2();

		KTRACE(FAULT, va, tf->tf_err);
		if (tf->tf_err & PF_RESERVED)
			trap_panic(tf, "corrupt page table");
		user_page_fault(td, tf, va);
		return;
	}
	case T_NO_FPU:
		if (fpu_alloc(td) == 0)
			fpu_load(td);
		else
			out_of_memory(td);
		return;
	case T_DEBUG:
		debug_trap(td, tf);
		return;
	case T_X87:
	case T_SIMD:
		trapsignal(td, SIGFPE, fpu_error_code(td, tf->tf_trapno == T_SIMD), tf->tf_rip);
		return;
	}
	if (ts->sig == 0)
		trap_panic(tf, "unexpected exception");
	trapsignal(td, ts->sig, ts->code, ts->addr ? tf->tf_rip : 0);
}

static void
kernel_exception(struct trapframe *tf)
{
	if (tf->tf_trapno == T_PAGE_FAULT && kernel_page_fault(curthread, tf, rcr2()))
		return;
	trap_panic(tf, "exception in the kernel");
}

static uint64_t fault_pc __resume_data; /* where the last exception has returned to */

/* Was the interrupt waiting for the kernel to return?  SYSRET leaves rip in rcx as well. */
static bool
held_up(const struct trapframe *tf)
{
	return tf->tf_rcx == tf->tf_rip || tf->tf_rip == fault_pc;
}

/* ---- interrupts: taken in user mode and in cpu_idle() ---- */

extern const char idle_hlt[]; /* the HLT of cpu_idle() */

static void
interrupt(struct trapframe *tf, bool user)
{
	/* An emulated processor that was interrupted itself between STI and HLT (QEMU's SVM) may
	 * forget that nothing is to come there.  HLT would then sleep on what is told here. */
	if (!user && tf->tf_rip == (vaddr_t)idle_hlt)
		tf->tf_rip++;
	STAT_INC(interrupts);
	KTRACE(INTR, tf->tf_trapno, tf->tf_rip);
	switch (tf->tf_trapno) {
	case VECTOR_TIMER:
		apic_eoi();
		apic_timer_fired();
		clock_intr(user, held_up(tf));
		break;
	case TINE_VECTOR_CHANNEL:
		apic_eoi();
		hostchan_poll();
		break;
	case VECTOR_SPURIOUS: /* wants no EOI */
		break;
	default:
		apic_eoi();
		kprintf(LOG_WARNING, "interrupt with unknown vector %lu", tf->tf_trapno);
	}
}

void
trap(struct trapframe *tf)
{
	bool user = (tf->tf_cs & 3) != 0;
	struct thread *td = curthread;

	if (tf->tf_trapno == T_NMI || tf->tf_trapno == T_DOUBLE_FAULT ||
	    tf->tf_trapno == T_MACHINE_CHECK)
		trap_panic(tf, "fatal exception");
	if (tf->tf_trapno >= T_NEXCEPTIONS)
		interrupt(tf, user);
	else if (user)
		user_exception(td, tf);
	else
		kernel_exception(tf);
	if (tf->tf_trapno < T_NEXCEPTIONS)
		fault_pc = tf->tf_rip;
	if (user && (td->td_flags & TDF_USERRET) != 0)
		userret(td, tf, 0);
}
