/* SPDX-License-Identifier: ISC */
/*
 * jail_filter_gen.c: at build time, turn the lists of system calls into filter programs.
 *
 * Made when a sandbox starts, they would cost more than the making of its VM.
 */
#include <linux/filter.h>
#include <linux/kvm.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "jail_filter.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PROGRAM_MAX 4096

/* What the C library needs for memory, locks and the end of a thread; reading open files. */
static const int common_calls[] = {
    SCMP_SYS(brk),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(futex),
    SCMP_SYS(getpid),
    SCMP_SYS(getrandom),
    SCMP_SYS(gettid),
    SCMP_SYS(lseek),
    SCMP_SYS(madvise),
    SCMP_SYS(mremap),
    SCMP_SYS(munmap),
    SCMP_SYS(pread64),
    SCMP_SYS(read),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sysinfo), /* qsort() asks how much memory it may take */
    SCMP_SYS(write),
    SCMP_SYS(writev),
    /* the first word of a thread from its C library */
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
};

/* The rings' client: descriptors that are open already. */
static const int io_calls[] = {
    SCMP_SYS(close),      SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_wait), SCMP_SYS(fstat),     SCMP_SYS(newfstatat),
    SCMP_SYS(poll),       SCMP_SYS(recvfrom),  SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),    SCMP_SYS(sendto),    SCMP_SYS(pwrite64), /* a template */
};

static const int debug_calls[] = {
    SCMP_SYS(accept4),
};

static const unsigned long vcpu_ioctls[] = {
    KVM_RUN,
    KVM_GET_REGS,
    KVM_GET_SREGS,
};

static const unsigned long io_ioctls[] = {
    KVM_SIGNAL_MSI,
    KVM_GET_CLOCK, /* for a boot block */
    /* the log of written pages, for a freeze */
    KVM_SET_USER_MEMORY_REGION,
    KVM_GET_DIRTY_LOG,
    /* the vCPU's state, of a freeze and a reset */
    KVM_GET_REGS,
    KVM_GET_SREGS,
    KVM_GET_XCRS,
    KVM_GET_MSRS,
    KVM_GET_LAPIC,
    KVM_SET_REGS,
    KVM_SET_SREGS,
    KVM_SET_XCRS,
    KVM_SET_MSRS,
    KVM_SET_LAPIC,
    KVM_SET_VCPU_EVENTS,
    KVM_SET_MP_STATE,
    TCGETS,
    TCSETSW,
    TIOCGWINSZ,
};

static const unsigned long debug_ioctls[] = {
    KVM_GET_REGS, KVM_SET_REGS, KVM_GET_SREGS, KVM_SET_GUEST_DEBUG, KVM_TRANSLATE,
};

static void
check(int r, const char *what)
{
	if (r < 0) {
		fprintf(stderr, "jail_filter_gen: %s: error %d\n", what, r);
		exit(1);
	}
}

static void
allow_calls(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0), "call");
}

/* Only the low half of an argument of type int means anything. */
static void
allow_if(scmp_filter_ctx ctx, int call, unsigned arg, uint32_t mask, uint32_t value)
{
	struct scmp_arg_cmp cmp = SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, mask, value);

	check(seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, 1, &cmp), "condition");
}

static void
allow_ioctls(scmp_filter_ctx ctx, const unsigned long *requests, size_t n)
{
	for (size_t i = 0; i < n; i++)
		allow_if(ctx, SCMP_SYS(ioctl), 1, UINT32_MAX, (uint32_t)requests[i]);
}

static scmp_filter_ctx
begin(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);

	if (ctx == NULL)
		check(-1, "init");
	/* A tree, not a list. */
	check(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimize");
	allow_calls(ctx, common_calls, COUNT(common_calls));
	/* memory that is not executable, signals to this process only */
	allow_if(ctx, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
	allow_if(ctx, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
	allow_if(ctx, SCMP_SYS(tgkill), 0, UINT32_MAX, FILTER_SELF);
	allow_if(ctx, SCMP_SYS(kill), 0, UINT32_MAX, FILTER_SELF);
	return ctx;
}

static void
end(scmp_filter_ctx ctx, FILE *out, const char *name)
{
	static struct sock_filter program[PROGRAM_MAX];
	FILE *raw = tmpfile();
	size_t n;

	if (raw == NULL)
		check(-1, "tmpfile");
	check(seccomp_export_bpf(ctx, fileno(raw)), "export");
	rewind(raw);
	n = fread(program, sizeof(program[0]), PROGRAM_MAX, raw);
	fclose(raw);
	seccomp_release(ctx);
	fprintf(out, "static const struct sock_filter %s[] = {\n", name);
	/* When a filter is loaded the kernel runs it for every number there is, to learn what is
	 * always allowed; what that saves later is less than it costs here.  An instruction that it
	 * does not follow keeps it from that. */
	fprintf(out, "\t{0x%02x, 0, 0, 0},\n", BPF_LD | BPF_IMM);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "\t{0x%02x, %u, %u, 0x%08x},\n", program[i].code, program[i].jt,
			program[i].jf, program[i].k);
	fprintf(out, "};\n");
}

int
main(int argc, char **argv)
{
	FILE *out = argc == 2 ? fopen(argv[1], "w") : NULL;
	scmp_filter_ctx ctx;

	if (out == NULL)
		check(-1, "output file");
	ctx = begin();
	allow_ioctls(ctx, vcpu_ioctls, COUNT(vcpu_ioctls));
	end(ctx, out, "vcpu_program");
	for (int debug = 0; debug < 2; debug++) {
		ctx = begin();
		allow_calls(ctx, io_calls, COUNT(io_calls));
		allow_ioctls(ctx, io_ioctls, COUNT(io_ioctls));
		if (debug) {
			allow_calls(ctx, debug_calls, COUNT(debug_calls));
			allow_ioctls(ctx, debug_ioctls, COUNT(debug_ioctls));
		}
		end(ctx, out, debug ? "debug_program" : "io_program");
	}
	return fclose(out) == 0 ? 0 : 1;
}
