/* SPDX-License-Identifier: ISC */
/*
 * vcpu_state.h: the registers of a vCPU at the quiescent point (abi/hypercall.h, TINE_HC_READY).
 *
 * What a new vCPU does not get from here it does not need: the guest kernel has put FPU registers
 * into memory, arms its timer anew when it resumes, and has no exception, interrupt or NMI under
 * way.  All else is set here, by one call where the guest would take a VM exit for each register.
 */
#ifndef TINE_VMM_VCPU_STATE_H
#define TINE_VMM_VCPU_STATE_H

#include <linux/kvm.h>
#include <stdint.h>

struct tine_error;

#define VCPU_MSRS 16u

struct vcpu_state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	uint64_t xcr0; /* 0: the CPU has no XSAVE */
	uint32_t nmsrs;
	uint32_t pad;
	struct kvm_msr_entry msr[VCPU_MSRS];
	struct kvm_lapic_state lapic;
};

/* The vCPU thread stands still, its last exit is completed. */
int vcpu_state_get(int vcpu_fd, struct vcpu_state *state, struct tine_error *error);
/* state has been checked with vcpu_state_valid(), so far as that is possible: KVM does the rest. */
int vcpu_state_set(int vcpu_fd, const struct vcpu_state *state, struct tine_error *error);
/* The same for a vCPU that has run: also drops whatever was under way in it.  The rest of it
 * happens in the next KVM_RUN; run is that of the last. */
int vcpu_state_reset(int vcpu_fd, struct kvm_run *run, const struct vcpu_state *state,
		     struct tine_error *error);
int vcpu_state_valid(const struct vcpu_state *state);

#endif
