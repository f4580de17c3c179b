/* SPDX-License-Identifier: ISC */
/* vcpu_state.c: read and set the registers of a vCPU. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vcpu_state.h"
#include "vmm.h"

#define MSR_TSC 0x10
#define MSR_TSC_ADJUST 0x3b
#define MSR_TSC_DEADLINE 0x6e0

#define APIC_LVT_TIMER 0x320
#define LVT_TIMER_MODE 0x60000u
#define LVT_TSC_DEADLINE 0x40000u

#define CR0_TS 0x8u
/* Bits that are always set. */
#define DR6_RESET 0xffff0ff0u
#define DR7_RESET 0x400u

/* The TSC goes on where it stood, so that no difference of two readings is ever negative. */
static const uint32_t kept_msrs[] = {
    MSR_TSC,                      /* first: unset_tsc() */
    MSR_TSC_ADJUST,               /* what a guest's writes to it add up to */
    0x174,                        /* SYSENTER_CS, ESP, EIP */
    0x175,          0x176, 0x277, /* PAT */
    0xc0000081,                   /* STAR */
    0xc0000082,                   /* LSTAR */
    0xc0000083,                   /* CSTAR */
    0xc0000084,                   /* SFMASK */
    0xc0000102,                   /* KERNEL_GS_BASE */
    0xc0000103,                   /* TSC_AUX */
    0x4b564d01, /* KVM_SYSTEM_TIME: where kvmclock's page is; KVM fills it in anew */
};
#define NKEPT (sizeof(kept_msrs) / sizeof(kept_msrs[0]))
_Static_assert(NKEPT <= VCPU_MSRS, "vcpu_state.msr");

struct msr_list {
	struct kvm_msrs head;
	struct kvm_msr_entry entry[VCPU_MSRS + 1];
};

static int
failed(struct tine_error *error, const char *what)
{
	return tine_error_set(error, errno, "kvm-failed", "%s: %s", what, strerror(errno));
}

/* One by one: a CPU may lack some. */
static void
get_msrs(int vcpu_fd, struct vcpu_state *state)
{
	for (size_t i = 0; i < NKEPT; i++) {
		struct msr_list list = {.head.nmsrs = 1, .entry[0].index = kept_msrs[i]};

		if (ioctl(vcpu_fd, KVM_GET_MSRS, &list) == 1)
			state->msr[state->nmsrs++] = list.entry[0];
	}
}

int
vcpu_state_get(int vcpu_fd, struct vcpu_state *state, struct tine_error *error)
{
	struct kvm_xcrs xcrs;

	memset(state, 0, sizeof(*state));
	if (ioctl(vcpu_fd, KVM_GET_REGS, &state->regs) < 0)
		return failed(error, "KVM_GET_REGS");
	if (ioctl(vcpu_fd, KVM_GET_SREGS, &state->sregs) < 0)
		return failed(error, "KVM_GET_SREGS");
	if (ioctl(vcpu_fd, KVM_GET_XCRS, &xcrs) == 0 && xcrs.nr_xcrs > 0)
		state->xcr0 = xcrs.xcrs[0].value;
	if (ioctl(vcpu_fd, KVM_GET_LAPIC, &state->lapic) < 0)
		return failed(error, "KVM_GET_LAPIC");
	get_msrs(vcpu_fd, state);
	return 0;
}

static int
set_xcr0(int vcpu_fd, const struct vcpu_state *state, struct tine_error *error)
{
	const struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs[0].value = state->xcr0};

	if (state->xcr0 != 0 && ioctl(vcpu_fd, KVM_SET_XCRS, &xcrs) < 0)
		return failed(error, "KVM_SET_XCRS");
	return 0;
}

/* No timer is armed: the guest does that when it goes on. */
static int
set_msrs(int vcpu_fd, const struct vcpu_state *state, struct tine_error *error)
{
	struct msr_list list = {.head.nmsrs = state->nmsrs + 1};
	int n;

	memcpy(list.entry, state->msr, state->nmsrs * sizeof(list.entry[0]));
	list.entry[state->nmsrs].index = MSR_TSC_DEADLINE;
	n = ioctl(vcpu_fd, KVM_SET_MSRS, &list);
	if (n < 0)
		return failed(error, "KVM_SET_MSRS");
	if ((uint32_t)n != list.head.nmsrs)
		return tine_error_set(error, EINVAL, "template-cpu",
				      "this CPU refuses MSR %#x of the template",
				      list.entry[n].index);
	return 0;
}

/* KVM takes a TSC that is less than a second off what it expects for an attempt to synchronize
 * CPUs, and keeps its own, which could be behind the template's: first it is set to something else.
 */
static int
unset_tsc(int vcpu_fd, const struct vcpu_state *state, struct tine_error *error)
{
	struct msr_list list = {.head.nmsrs = 1, .entry[0].index = MSR_TSC};

	if (state->nmsrs == 0 || state->msr[0].index != MSR_TSC)
		return 0;
	list.entry[0].data = state->msr[0].data + (1ull << 50);
	return ioctl(vcpu_fd, KVM_SET_MSRS, &list) != 1 ? failed(error, "KVM_SET_MSRS") : 0;
}

/* The local APIC comes after the system registers, which have its mode, and after the MSRs: it
 * would start a timer that has a deadline.  (In another mode that cannot be cleared, but a change
 * of mode does.) */
int
vcpu_state_set(int vcpu_fd, const struct vcpu_state *state, struct tine_error *error)
{
	int r;

	if (ioctl(vcpu_fd, KVM_SET_SREGS, &state->sregs) < 0)
		return failed(error, "KVM_SET_SREGS");
	r = set_xcr0(vcpu_fd, state, error);
	if (r == 0 && ioctl(vcpu_fd, KVM_SET_REGS, &state->regs) < 0)
		r = failed(error, "KVM_SET_REGS");
	if (r == 0)
		r = unset_tsc(vcpu_fd, state, error);
	if (r == 0)
		r = set_msrs(vcpu_fd, state, error);
	if (r == 0 && ioctl(vcpu_fd, KVM_SET_LAPIC, &state->lapic) < 0)
		r = failed(error, "KVM_SET_LAPIC");
	return r;
}

/* Most often nothing has changed, and to set it KVM makes its map of all local APICs anew.  A timer
 * that counts could have gone off without a trace in the registers. */
static int
reset_lapic(int vcpu_fd, const struct kvm_lapic_state *state, struct tine_error *error)
{
	struct kvm_lapic_state now;
	uint32_t lvt_timer;

	memcpy(&lvt_timer, state->regs + APIC_LVT_TIMER, sizeof(lvt_timer));
	if ((lvt_timer & LVT_TIMER_MODE) == LVT_TSC_DEADLINE &&
	    ioctl(vcpu_fd, KVM_GET_LAPIC, &now) == 0 && memcmp(&now, state, sizeof(now)) == 0)
		return 0;
	return ioctl(vcpu_fd, KVM_SET_LAPIC, state) < 0 ? failed(error, "KVM_SET_LAPIC") : 0;
}

/* To KVM, does paging change?  Only then it drops the translations that the CPU has cached. */
static bool
paging_differs(const struct kvm_sregs *a, const struct kvm_sregs *b)
{
	return a->cr0 != b->cr0 || a->cr3 != b->cr3 || a->cr4 != b->cr4 || a->efer != b->efer;
}

/*
 * The system registers are set by KVM_RUN, which can do it at less cost.  They have to be set
 * before if they are to change the mode of the local APIC, which comes after it; and if KVM would
 * keep translations of the page tables that were there: then with another CR0 than at last.
 */
static int
prepare_sregs(int vcpu_fd, const struct kvm_sregs *now, const struct kvm_sregs *sregs,
	      struct tine_error *error)
{
	struct kvm_sregs other = *sregs;

	if (now->apic_base == sregs->apic_base && paging_differs(now, sregs))
		return 0;
	other.cr0 ^= CR0_TS;
	return ioctl(vcpu_fd, KVM_SET_SREGS, &other) < 0 ? failed(error, "KVM_SET_SREGS") : 0;
}

/* In the order of vcpu_state_set(), but for what KVM_RUN does (KVM_CAP_SYNC_REGS, older than the
 * log of written pages that a reset needs).  It also says what there is at the next reset. */
int
vcpu_state_reset(int vcpu_fd, struct kvm_run *run, const struct vcpu_state *state,
		 struct tine_error *error)
{
	static const struct kvm_vcpu_events no_events = {.flags = KVM_VCPUEVENT_VALID_NMI_PENDING |
								  KVM_VCPUEVENT_VALID_SHADOW |
								  KVM_VCPUEVENT_VALID_SMM};
	static const struct kvm_debugregs no_breakpoints = {.dr6 = DR6_RESET, .dr7 = DR7_RESET};
	struct kvm_mp_state runnable = {.mp_state = KVM_MP_STATE_RUNNABLE};
	int r = prepare_sregs(vcpu_fd, &run->s.regs.sregs, &state->sregs, error);

	if (r == 0)
		r = set_xcr0(vcpu_fd, state, error);
	if (r == 0)
		r = set_msrs(vcpu_fd, state, error);
	if (r == 0)
		r = reset_lapic(vcpu_fd, &state->lapic, error);
	if (r == 0 && ioctl(vcpu_fd, KVM_SET_DEBUGREGS, &no_breakpoints) < 0)
		r = failed(error, "KVM_SET_DEBUGREGS");
	if (r == 0 && ioctl(vcpu_fd, KVM_SET_MP_STATE, &runnable) < 0)
		r = failed(error, "KVM_SET_MP_STATE");
	run->s.regs.regs = state->regs;
	run->s.regs.sregs = state->sregs;
	run->s.regs.events = no_events;
	run->kvm_valid_regs = KVM_SYNC_X86_SREGS;
	run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
	return r;
}

static bool
is_kept(uint32_t index)
{
	for (size_t i = 0; i < NKEPT; i++)
		if (kept_msrs[i] == index)
			return true;
	return false;
}

int
vcpu_state_valid(const struct vcpu_state *state)
{
	if (state->nmsrs > VCPU_MSRS)
		return 0;
	for (uint32_t i = 0; i < state->nmsrs; i++)
		if (!is_kept(state->msr[i].index))
			return 0;
	return 1;
}
