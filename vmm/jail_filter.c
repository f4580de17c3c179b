/* SPDX-License-Identifier: ISC */
/* jail_filter.c: the system calls that are left to each thread of a VMM process. */
#include <errno.h>
#include <linux/kvm.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "jail.h"
#include "vmm.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

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
    SCMP_SYS(write),
    SCMP_SYS(writev),
};

/* The rings' client: descriptors that are open already. */
static const int io_calls[] = {
    SCMP_SYS(accept4),    SCMP_SYS(close),   SCMP_SYS(epoll_ctl),  SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_wait), SCMP_SYS(fstat),   SCMP_SYS(newfstatat), SCMP_SYS(poll),
    SCMP_SYS(recvfrom),   SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),    SCMP_SYS(sendto),
};

static const unsigned long vcpu_ioctls[] = {KVM_RUN, KVM_GET_REGS, KVM_GET_SREGS};

static const unsigned long io_ioctls[] = {
    KVM_SIGNAL_MSI,
    /* the debugger */
    KVM_GET_REGS,
    KVM_SET_REGS,
    KVM_GET_SREGS,
    KVM_SET_GUEST_DEBUG,
    KVM_TRANSLATE,
    /* the terminal */
    TCGETS,
    TCSETSW,
    TIOCGWINSZ,
};

static int
allow_calls(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	return r;
}

static int
allow_ioctls(scmp_filter_ctx ctx, const unsigned long *requests, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				     SCMP_A1_32(SCMP_CMP_EQ, (uint32_t)requests[i]));
	return r;
}

/* Memory that is not executable, signals to this process only. */
static int
allow_checked(scmp_filter_ctx ctx)
{
	uint32_t self = (uint32_t)getpid();
	int r;

	r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
			     SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				     SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				     SCMP_A0_32(SCMP_CMP_EQ, self));
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1,
				     SCMP_A0_32(SCMP_CMP_EQ, self));
	return r;
}

static int
load_filter(bool io)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (ctx == NULL)
		return -ENOMEM;
	r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0); /* jail_process() has set it */
	if (r == 0)
		r = allow_calls(ctx, common_calls, COUNT(common_calls));
	if (r == 0)
		r = allow_checked(ctx);
	if (r == 0 && io)
		r = allow_calls(ctx, io_calls, COUNT(io_calls));
	if (r == 0)
		r = io ? allow_ioctls(ctx, io_ioctls, COUNT(io_ioctls))
		       : allow_ioctls(ctx, vcpu_ioctls, COUNT(vcpu_ioctls));
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}

/* The sanitizers make system calls of their own, at any time. */
#if defined(__SANITIZE_ADDRESS__)
#define FILTERED 0
#else
#define FILTERED 1
#endif

int
jail_io_thread(struct tine_error *error)
{
	int r = FILTERED ? load_filter(true) : 0;

	return r == 0 ? 0
		      : tine_error_set(error, -r, "jail-failed", "system call filter: %s",
				       strerror(-r));
}

void
jail_vcpu_thread(void)
{
	if (FILTERED && load_filter(false) != 0) {
		fputs("tine: cannot confine the vCPU thread\n", stderr);
		abort();
	}
}
