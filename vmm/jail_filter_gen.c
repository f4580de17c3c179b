/* SPDX-License-Identifier: ISC */
/*
 * jail_filter_gen.c: at build time, turn the lists of system calls into filter programs.
 *
 * Every start pays for each of their instructions, 1700 of its own for the kernel's compiler: so
 * the programs are short rather than fast, and made here instead of by a library.
 *
 * A child of the zygote has the same rules as a process that was executed, but by two filters: it
 * inherits one that allows also what zygote and children need until a guest runs, and loads another
 * one that refuses this, and need not know anything else.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>

#include "jail_filter.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PROGRAM_MAX 256
#define CALLS_MAX 512 /* numbers of system calls */

/* Of both threads. */
static const int run_calls[] = {
    /* what the C library needs for memory, locks and the end of a thread; reading open files */
    SYS_brk,
    SYS_clock_gettime,
    SYS_exit,
    SYS_exit_group,
    SYS_futex,
    SYS_getpid,
    SYS_getrandom,
    SYS_gettid,
    SYS_lseek,
    SYS_madvise,
    SYS_mremap,
    SYS_munmap,
    SYS_pread64,
    SYS_read,
    SYS_restart_syscall,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sched_yield,
    SYS_sysinfo, /* qsort() asks how much memory it may take */
    SYS_write,
    SYS_writev,
    /* the rings' client: descriptors that are open already */
    SYS_close,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_epoll_wait,
    SYS_fstat,
    SYS_newfstatat,
    SYS_poll,
    SYS_recvfrom,
    SYS_sendmsg,
    SYS_sendto,
};

static const int served_calls[] = {
    SYS_pwrite64, /* a template */
    SYS_recvmsg,
};

static const int debug_calls[] = {
    SYS_accept4,
};

/* Of the zygote, and of a child until its guest runs. */
static const int zygote_calls[] = {
    /* the other process */
    SYS_clone,
    SYS_dup3,
    SYS_getppid,
    SYS_prctl,
    /* the template; what a VM has beside KVM's */
    SYS_epoll_create1,
    SYS_eventfd2,
    SYS_fcntl,
    SYS_ftruncate,
    SYS_memfd_create,
    /* the vCPU thread */
    SYS_clone3,
    SYS_rseq,
    SYS_rt_sigaction,
    SYS_seccomp,
    SYS_set_robust_list,
    /* The filter cannot say of which process: each child has another number. */
    SYS_kill,
    SYS_tgkill,
};

static const unsigned long run_ioctls[] = {
    KVM_RUN,
    KVM_SIGNAL_MSI,
    /* where the guest was when it failed */
    KVM_GET_REGS,
    KVM_GET_SREGS,
    /* a terminal */
    TCGETS,
    TCSETSW,
    TIOCGWINSZ,
};

static const unsigned long served_ioctls[] = {
    KVM_GET_CLOCK, /* for a boot block */
    /* the log of written pages, for a freeze and a reset */
    KVM_SET_USER_MEMORY_REGION,
    KVM_GET_DIRTY_LOG,
    /* the vCPU's state, of a freeze and a reset */
    KVM_GET_XCRS,
    KVM_GET_MSRS,
    KVM_GET_LAPIC,
    KVM_SET_SREGS,
    KVM_SET_XCRS,
    KVM_SET_MSRS,
    KVM_SET_LAPIC,
    KVM_SET_DEBUGREGS,
    KVM_SET_MP_STATE,
};

static const unsigned long zygote_ioctls[] = {
    KVM_CREATE_VM,          KVM_CREATE_VCPU, KVM_ENABLE_CAP, KVM_GET_STATS_FD, KVM_GET_TSC_KHZ,
    KVM_GET_VCPU_MMAP_SIZE, KVM_IOEVENTFD,   KVM_SET_CPUID2, KVM_SET_REGS,
};

static const unsigned long debug_ioctls[] = {
    KVM_SET_REGS,
    KVM_SET_GUEST_DEBUG,
    KVM_TRANSLATE,
};

/* What a process may do. */
struct rules {
	bool call[CALLS_MAX]; /* with any arguments */
	unsigned long ioctl[64];
	size_t nioctls;
};

/* Calls whose arguments decide, unless the rules allow any.  Of these only the low halves mean
 * anything to the kernel. */
static const struct special {
	uint32_t call;
	uint32_t arg;
	enum { IS_LISTED, IS_SELF, NOT_EXEC } what;
} specials[] = {
    {SYS_ioctl, 1, IS_LISTED},   {SYS_mmap, 2, NOT_EXEC}, /* memory that is not executable */
    {SYS_mprotect, 2, NOT_EXEC}, {SYS_kill, 0, IS_SELF},  /* signals to this process only */
    {SYS_tgkill, 0, IS_SELF},
};

static const struct special *
special_of(uint32_t call)
{
	for (size_t i = 0; i < COUNT(specials); i++)
		if (specials[i].call == call)
			return &specials[i];
	return NULL;
}

static void
fail(const char *what)
{
	fprintf(stderr, "jail_filter_gen: %s\n", what);
	exit(1);
}

static void
allow_calls(struct rules *rules, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (calls[i] < 0 || calls[i] >= CALLS_MAX)
			fail("number of a system call");
		rules->call[calls[i]] = true;
	}
}

static bool
lists_ioctl(const struct rules *rules, uint32_t request)
{
	for (size_t i = 0; i < rules->nioctls; i++)
		if ((uint32_t)rules->ioctl[i] == request)
			return true;
	return false;
}

static void
allow_ioctls(struct rules *rules, const unsigned long *requests, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!lists_ioctl(rules, (uint32_t)requests[i])) {
			if (rules->nioctls == COUNT(rules->ioctl))
				fail("too many ioctls");
			rules->ioctl[rules->nioctls++] = requests[i];
		}
}

/* ---- the program ---- */

/* Jumps go to labels until all of them are known. */
enum label { NEXT, ALLOW, KILL, HIGH, IOCTL, SELF, SPECIAL, NLABELS = SPECIAL + COUNT(specials) };

struct program {
	struct sock_filter insn[PROGRAM_MAX];
	enum label jt[PROGRAM_MAX], jf[PROGRAM_MAX];
	size_t at[NLABELS];
	size_t n;
};

static void
emit(struct program *p, uint16_t code, uint32_t k, enum label jt, enum label jf)
{
	if (p->n == PROGRAM_MAX)
		fail("program too long");
	p->insn[p->n] = (struct sock_filter){.code = code, .k = k};
	p->jt[p->n] = jt;
	p->jf[p->n++] = jf;
}

static void
load_data(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, NEXT, NEXT);
}

static void
if_equal(struct program *p, uint32_t k, enum label yes, enum label no)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, k, yes, no);
}

/* The first 32 numbers, where most of the calls are, by a bit each; the others one by one. */
static void
emit_calls(struct program *p, const struct rules *rules)
{
	uint32_t low = 0;

	for (int nr = 0; nr < 32; nr++)
		low |= (uint32_t)rules->call[nr] << nr;
	emit(p, BPF_JMP | BPF_JGE | BPF_K, 32, HIGH, NEXT);
	emit(p, BPF_MISC | BPF_TAX, 0, NEXT, NEXT);
	emit(p, BPF_LD | BPF_IMM, low, NEXT, NEXT);
	emit(p, BPF_ALU | BPF_RSH | BPF_X, 0, NEXT, NEXT);
	emit(p, BPF_JMP | BPF_JSET | BPF_K, 1, ALLOW, KILL);
	p->at[HIGH] = p->n;
	for (uint32_t nr = 32; nr < CALLS_MAX; nr++)
		if (rules->call[nr])
			if_equal(p, nr, ALLOW, NEXT);
}

static void
emit_special(struct program *p, const struct special *s, const struct rules *rules)
{
	load_data(p, offsetof(struct seccomp_data, args) + s->arg * sizeof(uint64_t));
	if (s->what == NOT_EXEC)
		emit(p, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, KILL, ALLOW);
	else if (s->what == IS_SELF)
		if_equal(p, FILTER_SELF, ALLOW, KILL);
	for (size_t i = 0; s->what == IS_LISTED && i < rules->nioctls; i++)
		if_equal(p, (uint32_t)rules->ioctl[i], ALLOW, i + 1 < rules->nioctls ? NEXT : KILL);
}

static uint8_t
distance(const struct program *p, size_t from, enum label to)
{
	size_t target = to == NEXT ? from + 1 : p->at[to];

	if (target <= from || target - from - 1 > UINT8_MAX)
		fail("jump out of reach");
	return (uint8_t)(target - from - 1);
}

static void
resolve(struct program *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (BPF_CLASS(p->insn[i].code) == BPF_JMP) {
			p->insn[i].jt = distance(p, i, p->jt[i]);
			p->insn[i].jf = distance(p, i, p->jf[i]);
		}
}

static void
finish(struct program *p)
{
	p->at[KILL] = p->n;
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, NEXT, NEXT);
	p->at[ALLOW] = p->n;
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, NEXT, NEXT);
	resolve(p);
}

static void
build(struct program *p, const struct rules *rules, bool once)
{
	memset(p, 0, sizeof(*p));
	/* When a filter is loaded the kernel runs it for every number there is, to learn what is
	 * always allowed; what that saves later is less than it costs here, except in the zygote,
	 * which loads one once.  An instruction that it does not follow keeps it from that. */
	if (!once)
		emit(p, BPF_LD | BPF_IMM, 0, NEXT, NEXT);
	load_data(p, offsetof(struct seccomp_data, arch));
	if_equal(p, AUDIT_ARCH_X86_64, NEXT, KILL);
	load_data(p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < COUNT(specials); i++)
		if (!rules->call[specials[i].call])
			if_equal(p, specials[i].call, (enum label)(SPECIAL + i), NEXT);
	emit_calls(p, rules);
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, NEXT, NEXT);
	for (size_t i = 0; i < COUNT(specials); i++) {
		/* Those that are checked in the same way share the check. */
		size_t same = 0;

		while (specials[same].what != specials[i].what ||
		       specials[same].arg != specials[i].arg)
			same++;
		p->at[SPECIAL + i] = same < i ? p->at[SPECIAL + same] : p->n;
		if (same == i)
			emit_special(p, &specials[i], rules);
	}
	finish(p);
}

/* ---- the program of a process that has a wider one ---- */

/* Neighbours of those that the wider one lets pass, with the same answer. */
struct run {
	uint32_t first, last;
	bool allowed;
};

struct runs {
	struct run run[CALLS_MAX];
	size_t n;
};

/* In ascending order. */
static void
add_to_runs(struct runs *runs, uint32_t k, bool allowed)
{
	struct run *last = runs->n > 0 ? &runs->run[runs->n - 1] : NULL;

	if (last != NULL && last->allowed == allowed)
		last->last = k;
	else if (runs->n == COUNT(runs->run))
		fail("too many runs");
	else
		runs->run[runs->n++] = (struct run){k, k, allowed};
}

static enum label
answer(const struct run *run)
{
	return run->allowed ? ALLOW : KILL;
}

/* One comparison for each border. */
static void
emit_runs(struct program *p, struct runs *runs)
{
	struct run *run = runs->run;

	if (runs->n < 2)
		fail("nothing to refuse");
	/* One for a single value between two runs, which become one. */
	for (size_t i = 1; i + 1 < runs->n;) {
		if (run[i].first != run[i].last) {
			i++;
			continue;
		}
		if_equal(p, run[i].first, answer(&run[i]), NEXT);
		run[i - 1].last = run[i + 1].last;
		runs->n -= 2;
		memmove(&run[i], &run[i + 2], (runs->n - i) * sizeof(*run));
	}
	for (size_t i = runs->n - 1; i > 0; i--)
		emit(p, BPF_JMP | BPF_JGE | BPF_K, run[i].first, answer(&run[i]),
		     i > 1 ? NEXT : answer(&run[0]));
}

/* An ioctl's type and number are enough: no two of the wider filter differ in the rest alone and
 * have another answer, which prove() would find. */
#define IOCTL_MASK 0xffffu

static void
emit_ioctl_runs(struct program *p, const struct rules *wide, const struct rules *rules)
{
	static struct runs runs;

	runs.n = 0;
	for (uint32_t k = 0; k <= IOCTL_MASK; k++)
		for (size_t i = 0; i < wide->nioctls; i++)
			if ((wide->ioctl[i] & IOCTL_MASK) == k)
				add_to_runs(&runs, k, lists_ioctl(rules, (uint32_t)wide->ioctl[i]));
	load_data(p, offsetof(struct seccomp_data, args) + sizeof(uint64_t));
	emit(p, BPF_ALU | BPF_AND | BPF_K, IOCTL_MASK, NEXT, NEXT);
	emit_runs(p, &runs);
}

/* What the wider one refuses already never matters. */
static void
build_narrower(struct program *p, const struct rules *wide, const struct rules *rules)
{
	static struct runs runs;

	memset(p, 0, sizeof(*p));
	runs.n = 0;
	emit(p, BPF_LD | BPF_IMM, 0, NEXT, NEXT); /* as in build() */
	load_data(p, offsetof(struct seccomp_data, nr));
	for (uint32_t nr = 0; nr < CALLS_MAX; nr++) {
		const struct special *s = special_of(nr);

		/* The same arguments are allowed by both, except: */
		if (s != NULL && !rules->call[nr] && (s->what == IS_LISTED || wide->call[nr]))
			if_equal(p, nr, s->what == IS_LISTED ? IOCTL : SELF, NEXT);
		else if (s != NULL || wide->call[nr])
			add_to_runs(&runs, nr, s != NULL || rules->call[nr]);
	}
	emit_runs(p, &runs);
	p->at[IOCTL] = p->n;
	emit_ioctl_runs(p, wide, rules);
	p->at[SELF] = p->n;
	load_data(p, offsetof(struct seccomp_data, args));
	if_equal(p, FILTER_SELF, ALLOW, KILL);
	finish(p);
}

/* ---- its proof ---- */

static bool
jump_taken(const struct sock_filter *f, uint32_t a)
{
	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
		return a == f->k;
	case BPF_JGE:
		return a >= f->k;
	case BPF_JSET:
		return (a & f->k) != 0;
	default:
		fail("unknown jump");
		return false;
	}
}

/* What the kernel will answer. */
static bool
allows(const struct program *p, const struct seccomp_data *data)
{
	uint32_t a = 0, x = 0;

	for (size_t pc = 0; pc < p->n; pc++) {
		const struct sock_filter *f = &p->insn[pc];

		switch (f->code) {
		case BPF_LD | BPF_IMM:
			a = f->k;
			break;
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const uint8_t *)data + f->k, sizeof(a));
			break;
		case BPF_MISC | BPF_TAX:
			x = a;
			break;
		case BPF_ALU | BPF_RSH | BPF_X:
			if (x >= 32)
				fail("shift out of range");
			a >>= x;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f->k;
			break;
		case BPF_RET | BPF_K:
			return f->k == SECCOMP_RET_ALLOW;
		default:
			if (BPF_CLASS(f->code) != BPF_JMP)
				fail("unknown instruction");
			pc += jump_taken(f, a) ? f->jt : f->jf;
		}
	}
	fail("program without an end");
	return false;
}

static bool
should_allow(const struct rules *rules, const struct seccomp_data *data)
{
	const struct special *s = special_of((uint32_t)data->nr);
	uint32_t arg;

	if (data->arch != AUDIT_ARCH_X86_64 || data->nr < 0 || data->nr >= CALLS_MAX)
		return false;
	if (s == NULL || rules->call[data->nr])
		return rules->call[data->nr];
	arg = (uint32_t)data->args[s->arg];
	return s->what == IS_LISTED ? lists_ioctl(rules, arg)
	       : s->what == IS_SELF ? arg == FILTER_SELF
				    : (arg & PROT_EXEC) == 0;
}

/* Every call, of this and of the other tables, with arguments that matter to any of the filters and
 * some that do not.  second: of a process that has both, or NULL. */
static void
prove(const struct program *p, const struct program *second, const struct rules *rules,
      const struct rules *all)
{
	static const uint32_t arches[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386};
	static const uint32_t tables[] = {0, 0x40000000u /* x32 */, 0x80000000u};
	uint32_t values[COUNT(all->ioctl) + 9] = {0,
						  1,
						  PROT_EXEC,
						  PROT_READ | PROT_WRITE | PROT_EXEC,
						  FILTER_SELF,
						  FILTER_SELF + 1,
						  TIOCSTI,
						  ~0u,
						  KVM_GET_SUPPORTED_CPUID};

	for (size_t i = 0; i < all->nioctls; i++)
		values[9 + i] = (uint32_t)all->ioctl[i];
	for (size_t v = 0; v < 9 + all->nioctls; v++)
		for (size_t t = 0; t < COUNT(tables) * COUNT(arches); t++)
			for (uint32_t nr = 0; nr < 2 * CALLS_MAX; nr++) {
				struct seccomp_data data = {
				    .nr = (int)(nr | tables[t % COUNT(tables)]),
				    .arch = arches[t / COUNT(tables)],
				    .args = {values[v], values[v], values[v]},
				};
				bool allowed =
				    allows(p, &data) && (second == NULL || allows(second, &data));

				if (allowed != should_allow(rules, &data))
					fail("the program does not do what the lists say");
			}
}

static void
write_program(FILE *out, const char *name, const struct program *p)
{
	fprintf(out, "static struct sock_filter %s[] = {\n", name);
	for (size_t i = 0; i < p->n; i++)
		fprintf(out, "\t{0x%02x, %u, %u, 0x%08x},\n", p->insn[i].code, p->insn[i].jt,
			p->insn[i].jf, p->insn[i].k);
	fprintf(out, "};\n");
}

/* One that is alone. */
static void
make(FILE *out, const char *name, const struct rules *rules, const struct rules *all, bool once)
{
	static struct program p;

	build(&p, rules, once);
	prove(&p, NULL, rules, all);
	write_program(out, name, &p);
}

/* One that is added to that of the wider rules. */
static void
make_narrower(FILE *out, const char *name, const struct rules *wide, const struct rules *rules,
	      const struct rules *all)
{
	static struct program first, p;

	build(&first, wide, true);
	build_narrower(&p, wide, rules);
	prove(&first, &p, rules, all);
	write_program(out, name, &p);
}

int
main(int argc, char **argv)
{
	FILE *out = argc == 2 ? fopen(argv[1], "w") : NULL;
	static struct rules run, served, debug, zygote, all;

	if (out == NULL)
		fail("output file");
	allow_calls(&run, run_calls, COUNT(run_calls));
	allow_ioctls(&run, run_ioctls, COUNT(run_ioctls));
	served = run;
	allow_calls(&served, served_calls, COUNT(served_calls));
	allow_ioctls(&served, served_ioctls, COUNT(served_ioctls));
	debug = zygote = served;
	allow_calls(&debug, debug_calls, COUNT(debug_calls));
	allow_ioctls(&debug, debug_ioctls, COUNT(debug_ioctls));
	allow_calls(&zygote, zygote_calls, COUNT(zygote_calls));
	allow_ioctls(&zygote, zygote_ioctls, COUNT(zygote_ioctls));
	all = debug;
	allow_ioctls(&all, zygote_ioctls, COUNT(zygote_ioctls));
	make(out, "run_program", &run, &all, false);
	make(out, "served_program", &served, &all, false);
	make(out, "debug_program", &debug, &all, false);
	make(out, "zygote_program", &zygote, &all, true);
	make_narrower(out, "child_program", &zygote, &served, &all);
	return fclose(out) == 0 ? 0 : 1;
}
