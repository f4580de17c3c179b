/* SPDX-License-Identifier: ISC */
/* vm_machdep.c: threads as the machine sees them: creation, switching, fresh images. */
#include <sys/systm.h>
#include <sys/md.h>
#include <sys/pmap.h>
#include <sys/proc.h>
#include <sys/sched.h>
#include <sys/vm.h>
#include <machine/asm.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/fpu.h>

/* What switch_stack() leaves on the stack of a thread that does not run. */
struct switchframe {
	uint64_t r15, r14, r13, r12, rbx, rbp;
	uint64_t pc;
};

vaddr_t
user_pc(vaddr_t va)
{
	return va < VM_USER_MAX ? va : VM_USER_MAX;
}

vaddr_t
user_base(vaddr_t va)
{
	return va < VM_USER_MAX ? va : 0;
}

/* ---- FS and GS base: with FSGSBASE a program may change them by itself ---- */

void
bases_save(struct thread *td)
{
	if (!cpu_has.fsgsbase)
		return;
	td->td_md.md_fsbase = rdfsbase();
	td->td_md.md_gsbase = rdgsbase();
}

void
bases_load(const struct thread *td)
{
	if (cpu_has.fsgsbase) {
		wrfsbase(td->td_md.md_fsbase);
		wrgsbase(td->td_md.md_gsbase);
	} else {
		wrmsr(MSR_FSBASE, td->td_md.md_fsbase);
		wrmsr(MSR_GSBASE, td->td_md.md_gsbase);
	}
}

/* ---- creation ---- */

int
cpu_fork_prepare(struct thread *parent, struct thread *child)
{
	return parent->td_md.md_fpu != NULL ? fpu_alloc(child) : 0;
}

void
cpu_thread_free(struct thread *td)
{
	fpu_free(td);
}

/* Lay out the stack: the trap frame at the top, below it what switch_stack() pops. */
static void
stack_init(struct thread *td)
{
	struct trapframe *tf = (struct trapframe *)KSTACK_TOP(td->td_kstack) - 1;
	struct switchframe *sf = (struct switchframe *)tf - 1;

	*sf = (struct switchframe){.pc = (uintptr_t)thread_trampoline};
	td->td_md.md_rsp = (uintptr_t)sf;
	td->td_md.md_tf = tf;
}

/* Keeps what brought the thread into the kernel: a tracer sees execve as the call under way. */
static void
user_frame_init(struct trapframe *tf, vaddr_t entry, vaddr_t stack)
{
	*tf = (struct trapframe){
	    .tf_trapno = tf->tf_trapno,
	    .tf_err = tf->tf_err,
	    .tf_rip = user_pc(entry),
	    .tf_cs = SEL_UCODE,
	    .tf_rflags = RFLAGS_IF | RFLAGS_FIXED,
	    .tf_rsp = stack,
	    .tf_ss = SEL_UDATA,
	};
}

void
cpu_fork(struct thread *parent, struct thread *child, vaddr_t stack, bool set_tcb, vaddr_t tcb,
	 void (*func)(void *), void *arg)
{
	struct mdthread *pmd = &parent->td_md, *md = &child->td_md;

	stack_init(child);
	md->md_func = func;
	md->md_arg = arg;
	if (func != NULL) {
		fpu_free(child);
		*md->md_tf = (struct trapframe){0};
		return;
	}
	*md->md_tf = *pmd->md_tf;
	md->md_tf->tf_rax = 0;
	if (pmd->md_flags & MDF_STEP)
		md->md_tf->tf_rflags &= ~RFLAGS_TF;
	if (stack != 0)
		md->md_tf->tf_rsp = stack;
	if (parent == curthread)
		bases_save(parent);
	md->md_fsbase = set_tcb ? user_base(tcb) : pmd->md_fsbase;
	md->md_gsbase = pmd->md_gsbase;
	if (md->md_fpu != NULL) {
		fpu_sync(parent);
		memcpy(md->md_fpu, pmd->md_fpu, fpu_size);
	}
}

/* First C code of a new thread; then the trampoline goes to user mode by its trap frame. */
void
thread_start(void)
{
	struct thread *td = curthread;
	struct mdthread *md = &td->td_md;

	if (md->md_func != NULL) {
		sched_reap_dead();
		md->md_func(md->md_arg);
		if (md->md_func != NULL) /* cpu_exec() clears it */
			kthread_returned(td);
	} else {
		child_return(td);
	}
	if (td->td_flags & TDF_USERRET)
		userret(td, md->md_tf, 0);
}

/* ---- running ---- */

void
cpu_kernel_pmap(void)
{
	pmap_activate_kernel();
}

void
cpu_switch(struct thread *from, struct thread *to)
{
	struct vmspace *vm = to->td_proc->ps_vmspace;

	bases_save(from);
	curthread = to;
	fpu_switch(to);
	bases_load(to);
	segments_set_kstack(KSTACK_TOP(to->td_kstack));
	if (vm != NULL)
		pmap_activate(&vm->vm_pmap);
	else
		pmap_activate_kernel();
	switch_stack(&from->td_md.md_rsp, to->td_md.md_rsp);
}

/* STI takes effect after the instruction that follows it, so no interrupt is lost before HLT; see
 * also interrupt(). */
void
cpu_idle(void)
{
	__asm__ volatile("sti\n"
			 "	.globl	idle_hlt\n"
			 "idle_hlt: hlt\n"
			 "	cli"
			 :
			 :
			 : "memory");
}

/* ---- user images ---- */

void
cpu_exec(struct thread *td, vaddr_t entry, vaddr_t stack)
{
	struct mdthread *md = &td->td_md;

	user_frame_init(md->md_tf, entry, stack);
	md->md_func = NULL;
	md->md_flags = 0;
	td->td_flags |= TDF_ALLREGS;
	md->md_fsbase = md->md_gsbase = 0;
	fpu_free(td);
	__asm__ volatile("movl %0, %%ds\n\t"
			 "movl %0, %%es\n\t"
			 "movl %0, %%fs\n\t"
			 "movl %0, %%gs"
			 :
			 : "r"(0));
	bases_load(td);
}

vaddr_t
cpu_user_pc(struct thread *td)
{
	return td->td_md.md_tf != NULL ? td->td_md.md_tf->tf_rip : 0;
}

vaddr_t
cpu_user_sp(struct thread *td)
{
	return td->td_md.md_tf != NULL ? td->td_md.md_tf->tf_rsp : 0;
}

void
cpu_set_retval(struct thread *td, long value)
{
	td->td_md.md_tf->tf_rax = (uint64_t)value;
}

#define SYS_restart_syscall 219
#define SYSCALL_INSN_SIZE 2

/* The frame still names the call in tf_err and has all arguments. */
void
cpu_syscall_restart(struct thread *td, bool via_restart_syscall)
{
	struct trapframe *tf = td->td_md.md_tf;

	tf->tf_rip -= SYSCALL_INSN_SIZE;
	tf->tf_rax = via_restart_syscall ? SYS_restart_syscall : tf->tf_err;
}
