/* SPDX-License-Identifier: ISC */
/* sig_machdep.c: signal frames as Linux x86-64 lays them out. */
#include <sys/systm.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <machine/asm.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/fpu.h>
#include <machine/pmap.h>

#define RED_ZONE 128
#define FPU_ALIGN 64UL

struct sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t di, si, bp, bx, dx, ax, cx, sp, ip, flags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	vaddr_t fpstate;
	uint64_t reserved[8];
};
_Static_assert(sizeof(struct sigcontext) == 256, "sigcontext_64");

struct ucontext {
	uint64_t uc_flags;
	vaddr_t uc_link;
	struct sigaltstack uc_stack;
	struct sigcontext uc_mcontext;
	sigset_t uc_sigmask;
};
#define UC_FP_XSTATE 0x1UL
#define UC_SIGCONTEXT_SS 0x2UL
#define UC_STRICT_RESTORE_SS 0x4UL

struct sigframe {
	vaddr_t sf_restorer; /* the handler's return address */
	struct ucontext sf_uc;
	struct siginfo sf_si;
};
_Static_assert(sizeof(struct sigframe) == 440, "rt_sigframe");

/* ---- where the frame goes ---- */

static bool
sigstack_usable(const struct sigaltstack *ss)
{
	return ss->ss_size != 0 && ((uint32_t)ss->ss_flags & SS_DISABLE) == 0;
}

static bool
on_sigstack(const struct sigaltstack *ss, vaddr_t sp)
{
	return sigstack_usable(ss) && ((uint32_t)ss->ss_flags & SS_AUTODISARM) == 0 &&
	       sp > ss->ss_sp && sp - ss->ss_sp <= ss->ss_size;
}

/* Address of the frame, and of the FPU state above it; false when the signal stack is too small. */
static bool
frame_place(struct thread *td, uint64_t sa_flags, vaddr_t *frame, vaddr_t *fpu)
{
	const struct sigaltstack *ss = &td->td_sigstk;
	vaddr_t sp = td->td_md.md_tf->tf_rsp;
	bool on = on_sigstack(ss, sp);

	sp -= RED_ZONE;
	if ((sa_flags & SA_ONSTACK) != 0 && !on && sigstack_usable(ss)) {
		sp = ss->ss_sp + ss->ss_size;
		on = true;
	}
	sp = (sp - fpu_frame_size()) & ~(FPU_ALIGN - 1);
	*fpu = sp;
	/* At a function's first instruction rsp + 8 is a multiple of 16. */
	*frame = ((sp - sizeof(struct sigframe)) & ~15UL) - 8;
	return !on || (*frame >= ss->ss_sp && *frame - ss->ss_sp < ss->ss_size);
}

/* ---- out ---- */

static void
context_save(struct thread *td, struct sigcontext *sc, sigset_t oldmask, vaddr_t fpu)
{
	const struct trapframe *tf = td->td_md.md_tf;
	uint64_t flags = tf->tf_rflags;

	if (td->td_md.md_flags & MDF_STEP)
		flags &= ~RFLAGS_TF; /* the tracer's, not the program's */
	*sc = (struct sigcontext){
	    .r8 = tf->tf_r8,
	    .r9 = tf->tf_r9,
	    .r10 = tf->tf_r10,
	    .r11 = tf->tf_r11,
	    .r12 = tf->tf_r12,
	    .r13 = tf->tf_r13,
	    .r14 = tf->tf_r14,
	    .r15 = tf->tf_r15,
	    .di = tf->tf_rdi,
	    .si = tf->tf_rsi,
	    .bp = tf->tf_rbp,
	    .bx = tf->tf_rbx,
	    .dx = tf->tf_rdx,
	    .ax = tf->tf_rax,
	    .cx = tf->tf_rcx,
	    .sp = tf->tf_rsp,
	    .ip = tf->tf_rip,
	    .flags = flags,
	    .cs = SEL_UCODE,
	    .ss = SEL_UDATA,
	    .oldmask = oldmask,
	    .fpstate = fpu,
	    .cr2 = td->td_md.md_faultva,
	};
	if (tf->tf_trapno < VECTOR_TIMER) {
		sc->trapno = tf->tf_trapno;
		sc->err = tf->tf_err;
	}
}

static void
handler_enter(struct thread *td, const struct sigaction *sa, int sig, vaddr_t frame)
{
	struct trapframe *tf = td->td_md.md_tf;

	tf->tf_rip = sa->sa_handler;
	tf->tf_rsp = frame;
	tf->tf_rdi = (uint64_t)sig;
	tf->tf_rsi = frame + offsetof(struct sigframe, sf_si);
	tf->tf_rdx = frame + offsetof(struct sigframe, sf_uc);
	tf->tf_rax = 0; /* no vector arguments, for a handler declared without prototype */
	tf->tf_rflags &= ~(RFLAGS_DF | RFLAGS_RF);
	if ((td->td_md.md_flags & MDF_STEP) == 0)
		tf->tf_rflags &= ~RFLAGS_TF;
	td->td_flags |= TDF_ALLREGS;
	fpu_reset(td);
}

int
cpu_sendsig(struct thread *td, const struct sigaction *sa, int sig, const struct siginfo *si,
	    sigset_t oldmask)
{
	struct sigframe sf = {.sf_restorer = sa->sa_restorer, .sf_si = *si};
	struct ucontext *uc = &sf.sf_uc;
	vaddr_t frame, fpu;
	int error;

	if ((sa->sa_flags & SA_RESTORER) == 0 || sa->sa_handler >= VM_USER_MAX)
		return EFAULT;
	if (!frame_place(td, sa->sa_flags, &frame, &fpu))
		return EFAULT;
	uc->uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	uc->uc_flags |= fpu_xcr0 != 0 ? UC_FP_XSTATE : 0;
	uc->uc_stack = td->td_sigstk;
	uc->uc_stack.ss_pad = 0;
	if (uc->uc_stack.ss_size == 0)
		uc->uc_stack.ss_flags = SS_DISABLE;
	uc->uc_sigmask = oldmask;
	context_save(td, &uc->uc_mcontext, oldmask, fpu);
	error = fpu_copyout(td, fpu);
	if (error == 0)
		error = copyout(&sf, (void *)frame, sizeof(sf));
	if (error == 0)
		handler_enter(td, sa, sig, frame);
	return error;
}

/* ---- back ---- */

static void
context_restore(struct thread *td, const struct sigcontext *sc)
{
	*td->td_md.md_tf = (struct trapframe){
	    .tf_r8 = sc->r8,
	    .tf_r9 = sc->r9,
	    .tf_r10 = sc->r10,
	    .tf_r11 = sc->r11,
	    .tf_r12 = sc->r12,
	    .tf_r13 = sc->r13,
	    .tf_r14 = sc->r14,
	    .tf_r15 = sc->r15,
	    .tf_rdi = sc->di,
	    .tf_rsi = sc->si,
	    .tf_rbp = sc->bp,
	    .tf_rbx = sc->bx,
	    .tf_rdx = sc->dx,
	    .tf_rax = sc->ax,
	    .tf_rcx = sc->cx,
	    .tf_rsp = sc->sp,
	    .tf_rip = user_pc(sc->ip),
	    .tf_cs = SEL_UCODE,
	    .tf_ss = SEL_UDATA,
	    .tf_rflags = (sc->flags & RFLAGS_USER) | RFLAGS_IF | RFLAGS_FIXED,
	    .tf_trapno = TF_SYSCALL,
	    .tf_err = ~0UL, /* in no system call any more */
	};
	if (td->td_md.md_flags & MDF_STEP)
		td->td_md.md_tf->tf_rflags |= RFLAGS_TF;
	td->td_flags |= TDF_ALLREGS;
}

/* As Linux: a signal stack that sigaltstack() would not take is ignored. */
static void
sigstack_restore(struct thread *td, const struct sigaltstack *ss)
{
	uint32_t flags = (uint32_t)ss->ss_flags & ~SS_AUTODISARM;

	if (on_sigstack(&td->td_sigstk, td->td_md.md_tf->tf_rsp))
		return;
	if (flags == SS_DISABLE)
		td->td_sigstk = (struct sigaltstack){.ss_flags = SS_DISABLE};
	else if ((flags == 0 || flags == SS_ONSTACK) && ss->ss_size >= MINSIGSTKSZ &&
		 ss->ss_sp + ss->ss_size >= ss->ss_sp)
		td->td_sigstk = (struct sigaltstack){
		    .ss_sp = ss->ss_sp,
		    .ss_flags = (int32_t)((uint32_t)ss->ss_flags & SS_AUTODISARM),
		    .ss_size = ss->ss_size,
		};
}

/* The handler's return has popped sf_restorer: the stack pointer is at the ucontext. */
int
cpu_sigreturn(struct thread *td, sigset_t *mask)
{
	struct ucontext uc;
	int error = copyin((const void *)td->td_md.md_tf->tf_rsp, &uc, sizeof(uc));

	if (error == 0)
		error = fpu_copyin(td, uc.uc_mcontext.fpstate);
	if (error != 0)
		return EFAULT;
	context_restore(td, &uc.uc_mcontext);
	sigstack_restore(td, &uc.uc_stack);
	*mask = uc.uc_sigmask & ~SIG_UNBLOCKABLE;
	return 0;
}

size_t
cpu_minsigstksz(void)
{
	return roundup(sizeof(struct sigframe) + fpu_frame_size() + FPU_ALIGN + 16, 16) + 1024;
}
