/* SPDX-License-Identifier: ISC */
/* vcpu_items.h: what vcpu.c compares; the test has the names. */
#ifndef VCPU_ITEMS_H
#define VCPU_ITEMS_H

#define VCPU_ITEMS(X)                                                                              \
	X(DR0)                                                                                     \
	X(DR1)                                                                                     \
	X(DR2)                                                                                     \
	X(DR3)                                                                                     \
	X(DR6)                                                                                     \
	X(DR7)                                                                                     \
	X(CR0)                                                                                     \
	X(CR2)                                                                                     \
	X(CR3)                                                                                     \
	X(CR4)                                                                                     \
	X(CR8)                                                                                     \
	X(XCR0)                                                                                    \
	X(RFLAGS)                                                                                  \
	X(EFER)                                                                                    \
	X(STAR)                                                                                    \
	X(LSTAR)                                                                                   \
	X(CSTAR)                                                                                   \
	X(SFMASK)                                                                                  \
	X(FS_BASE)                                                                                 \
	X(GS_BASE)                                                                                 \
	X(KERNEL_GS_BASE)                                                                          \
	X(TSC_AUX)                                                                                 \
	X(SYSENTER_CS)                                                                             \
	X(SYSENTER_ESP)                                                                            \
	X(SYSENTER_EIP)                                                                            \
	X(PAT)                                                                                     \
	X(APIC_BASE)                                                                               \
	X(KVM_SYSTEM_TIME)                                                                         \
	X(TSC_ADJUST)                                                                              \
	X(TSC_DEADLINE)                                                                            \
	X(APIC_TPR)                                                                                \
	X(APIC_LVT_TIMER)                                                                          \
	X(APIC_LVT_LINT0)                                                                          \
	X(APIC_IRR)                                                                                \
	X(APIC_ISR)                                                                                \
	X(NMIS)                                                                                    \
	X(TSC)                                                                                     \
	X(LATE_INTERRUPT)                                                                          \
	X(NMI_BLOCKED)

enum vcpu_item {
#define VCPU_ITEM_ENUM(name) VCPU_##name,
	VCPU_ITEMS(VCPU_ITEM_ENUM)
#undef VCPU_ITEM_ENUM
	    VCPU_NITEMS
};

#endif
