/* SPDX-License-Identifier: ISC */
/* regs_machdep.c: a thread's registers for tracers, and arch_prctl(). */
#include <sys/systm.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <machine/asm.h>
#include <machine/cpu.h>
#include <machine/pmap.h>

/* Linux's struct user_regs_struct. */
struct user_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t orig_rax;
	uint64_t rip, cs, rflags, rsp, ss;
	uint64_t fs_base, gs_base;
	uint64_t ds, es, fs, gs;
};
_Static_assert(sizeof(struct user_regs) == USER_REGS_SIZE, "user_regs_struct");
/* The general registers: X(name). */
#define GENERAL_REGS(X)                                                                            \
	X(r15)                                                                                     \
	X(r14)                                                                                     \
	X(r13) X(r12) X(rbp) X(rbx) X(r11) X(r10) X(r9) X(r8) X(rax) X(rcx) X(rdx) X(rsi) X(rdi)

#define USER_AREA_SIZE 912 /* Linux's struct user */

#define AUDIT_ARCH_X86_64 0xc000003eu

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

/* FS and GS base of a thread that is stopped, or is the running one. */
static void
bases_current(struct thread *td)
{
	if (td == curthread)
		bases_save(td);
}

static void
bases_changed(struct thread *td)
{
	if (td == curthread)
		bases_load(td);
}

void
cpu_getregs(struct thread *td, void *out)
{
	const struct trapframe *tf = td->td_md.md_tf;
	struct user_regs r = {
	    .orig_rax = tf->tf_trapno == TF_SYSCALL ? tf->tf_err : ~0UL,
	    .rip = tf->tf_rip,
	    .cs = tf->tf_cs,
	    .rflags = tf->tf_rflags,
	    .rsp = tf->tf_rsp,
	    .ss = tf->tf_ss,
	};

	bases_current(td);
	r.fs_base = td->td_md.md_fsbase;
	r.gs_base = td->td_md.md_gsbase;
	if (td->td_md.md_flags & MDF_STEP)
		r.rflags &= ~RFLAGS_TF;
#define GET(name) r.name = tf->tf_##name;
	GENERAL_REGS(GET)
#undef GET
	memcpy(out, &r, sizeof(r));
}

/* Selectors cannot be changed: there is one of each kind (or none). */
static bool
regs_acceptable(const struct user_regs *r)
{
	return r->rip < VM_USER_MAX && r->fs_base < VM_USER_MAX && r->gs_base < VM_USER_MAX &&
	       r->cs == SEL_UCODE && r->ss == SEL_UDATA && (r->ds == 0 || r->ds == SEL_UDATA) &&
	       (r->es == 0 || r->es == SEL_UDATA) && (r->fs == 0 || r->fs == SEL_UDATA) &&
	       (r->gs == 0 || r->gs == SEL_UDATA);
}

int
cpu_setregs(struct thread *td, const void *in)
{
	struct trapframe *tf = td->td_md.md_tf;
	struct user_regs r;

	memcpy(&r, in, sizeof(r));
	if (!regs_acceptable(&r))
		return EIO;
#define SET(name) tf->tf_##name = r.name;
	GENERAL_REGS(SET)
#undef SET
	if (tf->tf_trapno == TF_SYSCALL)
		tf->tf_err = r.orig_rax;
	tf->tf_rip = r.rip;
	tf->tf_rsp = r.rsp;
	tf->tf_rflags = (r.rflags & RFLAGS_USER) | RFLAGS_IF | RFLAGS_FIXED;
	if (td->td_md.md_flags & MDF_STEP)
		tf->tf_rflags |= RFLAGS_TF;
	td->td_md.md_fsbase = r.fs_base;
	td->td_md.md_gsbase = r.gs_base;
	td->td_flags |= TDF_ALLREGS;
	bases_changed(td);
	return 0;
}

void
cpu_singlestep(struct thread *td, bool on)
{
	struct mdthread *md = &td->td_md;

	if (on) {
		md->md_flags |= MDF_STEP;
		td->td_flags |= TDF_ALLREGS;
		md->md_tf->tf_rflags |= RFLAGS_TF;
	} else if (md->md_flags & MDF_STEP) {
		md->md_flags &= ~(uint32_t)MDF_STEP;
		md->md_tf->tf_rflags &= ~RFLAGS_TF;
	}
}

/* Of struct user only the registers are there; the rest (debug registers ...) reads as zero. */
int
cpu_peekuser(struct thread *td, uint64_t off, uint64_t *val)
{
	struct user_regs r;

	if (off % 8 != 0 || off >= USER_AREA_SIZE)
		return EIO;
	*val = 0;
	if (off < sizeof(r)) {
		cpu_getregs(td, &r);
		memcpy(val, (const char *)&r + off, sizeof(*val));
	}
	return 0;
}

int
cpu_pokeuser(struct thread *td, uint64_t off, uint64_t val)
{
	struct user_regs r;

	if (off % 8 != 0 || off >= USER_AREA_SIZE)
		return EIO;
	if (off >= sizeof(r))
		return val == 0 ? 0 : EIO; /* no hardware breakpoints */
	cpu_getregs(td, &r);
	memcpy((char *)&r + off, &val, sizeof(val));
	return cpu_setregs(td, &r);
}

long
cpu_retval(struct thread *td)
{
	return (long)td->td_md.md_tf->tf_rax;
}

uint64_t
cpu_syscall_number(struct thread *td)
{
	return td->td_md.md_tf->tf_err;
}

size_t
cpu_syscall_info(struct thread *td, int op, struct cpu_syscall_info *info)
{
	const struct trapframe *tf = td->td_md.md_tf;

	memset(info, 0, sizeof(*info));
	info->op = (uint8_t)op;
	info->arch = AUDIT_ARCH_X86_64;
	info->pc = tf->tf_rip;
	info->sp = tf->tf_rsp;
	if (op == CPU_SYSCALL_ENTRY) {
		info->u.entry.nr = tf->tf_err;
		memcpy(info->u.entry.args,
		       (const uint64_t[6]){tf->tf_rdi, tf->tf_rsi, tf->tf_rdx, tf->tf_r10,
					   tf->tf_r8, tf->tf_r9},
		       sizeof(info->u.entry.args));
		return offsetof(struct cpu_syscall_info, u) + sizeof(info->u.entry);
	}
	if (op == CPU_SYSCALL_EXIT) {
		info->u.exit.rval = (int64_t)tf->tf_rax;
		info->u.exit.is_error = tf->tf_rax >= (uint64_t)-4095;
		return offsetof(struct cpu_syscall_info, u.exit.is_error) + 1;
	}
	return offsetof(struct cpu_syscall_info, u);
}

int
cpu_arch_prctl(struct thread *td, int code, uint64_t addr)
{
	bool set = code == ARCH_SET_FS || code == ARCH_SET_GS;
	uint64_t *base;

	if (!set && code != ARCH_GET_FS && code != ARCH_GET_GS)
		return EINVAL;
	base = code == ARCH_SET_FS || code == ARCH_GET_FS ? &td->td_md.md_fsbase
							  : &td->td_md.md_gsbase;
	bases_current(td);
	if (!set)
		return copyout(base, (void *)addr, sizeof(*base));
	if (addr >= VM_USER_MAX)
		return EPERM;
	*base = addr;
	bases_changed(td);
	return 0;
}
