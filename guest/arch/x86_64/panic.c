/* SPDX-License-Identifier: ISC */
/* panic.c: last words: registers and a backtrace for the VMM, which knows the symbols. */
#include <sys/systm.h>
#include <sys/proc.h>
#include <sys/md.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/pmap.h>
#include <machine/trace.h>
#include "abi/hypercall.h"

static struct tine_panic last_words __aligned(8) __large_bss; /* in the image, so below 4 GiB */
static const struct trapframe *panic_frame; /* of the exception that is the cause */

struct frame {
	const struct frame *next;
	uint64_t pc;
};

static void
add_pc(uint64_t pc)
{
	if (last_words.nframes < TINE_PANIC_FRAMES)
		last_words.frames[last_words.nframes++] = pc;
}

/* Frame pointers grow along one kernel stack; entry code ends the chain with 0. */
static void
backtrace(const struct frame *fp)
{
	const struct frame *next;

	while ((uintptr_t)fp >= VM_DIRECT_BASE && ((uintptr_t)fp & 7) == 0 &&
	       last_words.nframes < TINE_PANIC_FRAMES) {
		add_pc(fp->pc);
		next = fp->next;
		if (next <= fp || (uintptr_t)next - (uintptr_t)fp > KSTACK_SIZE)
			return;
		fp = next;
	}
}

static void
take_registers(const struct trapframe *tf)
{
	struct tine_panic *w = &last_words;

	w->rip = tf->tf_rip, w->rsp = tf->tf_rsp, w->rflags = tf->tf_rflags;
	w->rax = tf->tf_rax, w->rbx = tf->tf_rbx, w->rcx = tf->tf_rcx, w->rdx = tf->tf_rdx;
	w->rsi = tf->tf_rsi, w->rdi = tf->tf_rdi, w->rbp = tf->tf_rbp;
	w->r8 = tf->tf_r8, w->r9 = tf->tf_r9, w->r10 = tf->tf_r10, w->r11 = tf->tf_r11;
	w->r12 = tf->tf_r12, w->r13 = tf->tf_r13, w->r14 = tf->tf_r14, w->r15 = tf->tf_r15;
	w->vector = (uint32_t)tf->tf_trapno;
	w->error_code = (uint32_t)tf->tf_err;
}

static void
take_context(const char *msg)
{
	struct tine_panic *w = &last_words;

	w->cr0 = rcr0(), w->cr2 = rcr2(), w->cr3 = rcr3(), w->cr4 = rcr4();
	strlcpy(w->message, msg, sizeof(w->message));
	if (curthread == NULL)
		return;
	w->tid = curthread->td_tid;
	if (curthread->td_proc != NULL) {
		w->pid = curthread->td_proc->ps_pid;
		memcpy(w->comm, curthread->td_proc->ps_comm, sizeof(w->comm) - 1);
	}
}

void __noreturn
md_panic(const char *msg)
{
	const struct frame *fp = __builtin_frame_address(0);
	static int depth;

	__asm__ volatile("cli");
	if (depth++ == 0) {
		last_words.vector = ~0U;
		last_words.rip = (uintptr_t)__builtin_return_address(0);
		last_words.rsp = last_words.rbp = (uintptr_t)fp;
		if (panic_frame != NULL)
			take_registers(panic_frame);
		take_context(msg);
		KTRACE(PANIC, last_words.rip, last_words.vector);
		if (panic_frame != NULL) {
			add_pc(panic_frame->tf_rip);
			backtrace((const struct frame *)panic_frame->tf_rbp);
		} else {
			backtrace(fp);
		}
	}
	/* A panic within a panic reports what the first one had gathered. */
	hypercall(TINE_HC_PANIC, kva_to_pa(&last_words), 0);
	for (;;)
		__asm__ volatile("cli; hlt");
}

void __noreturn
trap_panic(const struct trapframe *tf, const char *what)
{
	if (panic_frame == NULL)
		panic_frame = tf;
	panic("%s: vector %lu, error %#lx, rip %#lx, cr2 %#lx", what, tf->tf_trapno, tf->tf_err,
	      tf->tf_rip, rcr2());
}

void __noreturn
__stack_chk_fail(void)
{
	panic("kernel stack smashed");
}
