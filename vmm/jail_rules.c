/* SPDX-License-Identifier: ISC */
/* jail_rules.c: the lists of system calls that processes of the jail may make. */
#include <linux/audit.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>

#include "jail_filter.h"
#include "jail_gen.h"

/* Of every process, and of both threads. */
static const int common_calls[] = {
    /* what the C library needs for memory, locks and the end of a thread; reading open files */
    SYS_brk,
    SYS_clock_gettime,
    SYS_exit,
    SYS_exit_group,
    SYS_futex,
    SYS_getpid,
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
    SYS_epoll_wait,
    SYS_fstat,
    SYS_newfstatat,
    SYS_poll,
    SYS_recvfrom,
    SYS_sendmsg, /* the control socket; of tine run, the guard's */
    SYS_sendto,
};

static const int served_calls[] = {
    SYS_getrandom, /* the identity of what is reset */
    SYS_pwrite64,  /* a template */
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
    SYS_seccomp,
    SYS_set_robust_list,
    /* The filter cannot say of which process: each child has another number. */
    SYS_tgkill,
};

static const unsigned long common_ioctls[] = {
    KVM_RUN,
    KVM_SIGNAL_MSI,
    /* where the guest was when it failed */
    KVM_GET_REGS,
    KVM_GET_SREGS,
};

/* Of `tine run'. */
static const unsigned long terminal_ioctls[] = {
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

const struct special specials[NSPECIALS] = {
    {SYS_ioctl, 1, IS_LISTED},
    {SYS_mmap, 2, NOT_EXEC}, /* memory that is not executable */
    {SYS_mprotect, 2, NOT_EXEC},
    {SYS_tgkill, 0, IS_SELF}, /* signals to this process only */
};

const struct special *
special_of(uint32_t call)
{
	for (size_t i = 0; i < COUNT(specials); i++)
		if (specials[i].call == call)
			return &specials[i];
	return NULL;
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

bool
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

void
make_lists(struct lists *l)
{
	allow_calls(&l->run, common_calls, COUNT(common_calls));
	allow_ioctls(&l->run, common_ioctls, COUNT(common_ioctls));
	l->served = l->run;
	allow_ioctls(&l->run, terminal_ioctls, COUNT(terminal_ioctls));
	allow_calls(&l->served, served_calls, COUNT(served_calls));
	allow_ioctls(&l->served, served_ioctls, COUNT(served_ioctls));
	l->debug = l->zygote = l->served;
	allow_ioctls(&l->debug, terminal_ioctls, COUNT(terminal_ioctls));
	allow_calls(&l->debug, debug_calls, COUNT(debug_calls));
	allow_ioctls(&l->debug, debug_ioctls, COUNT(debug_ioctls));
	allow_calls(&l->zygote, zygote_calls, COUNT(zygote_calls));
	allow_ioctls(&l->zygote, zygote_ioctls, COUNT(zygote_ioctls));
	l->all = l->debug;
	allow_ioctls(&l->all, zygote_ioctls, COUNT(zygote_ioctls));
}

bool
rules_allow(const struct rules *rules, const struct seccomp_data *data)
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
