/* SPDX-License-Identifier: ISC */
/*
 * vcpu.c: the state of a vCPU: remembered in a template, compared in a clone, and left behind by a
 * clone that is going to be reset, as different as a guest can make it.
 */
#include "abi/abi.h"
#include "fakeguest.h"
#include "vcpu_items.h"

#define CPUID_XSAVE (1u << 26)
#define CPUID_X2APIC (1u << 21)
#define CR0_TS 0x8u
#define CR4_OSXSAVE (1u << 18)
#define CR4_DIRTY (1u << 2 | 1u << 3 | 1u << 7 | 1u << 9) /* TSD, DE, PGE, OSFXSR */
#define EFER_SCE 0x1u
#define DR7_EXEC_0 0x2u /* breakpoint 0, on execution */
#define APIC_BASE_X2 0x400u

#define APIC_ICR 0x300
#define APIC_ICR_HIGH 0x310
#define ICR_SELF 0x44000u
#define ICR_NMI 0x4400u /* to APIC 0 */
#define LVT_DEADLINE 0x40000u
#define MSR_TSC 0x10
#define MSR_APIC_BASE 0x1b
#define MSR_KVM_SYSTEM_TIME 0x4b564d01
#define MSR_TSC_DEADLINE 0x6e0

#define VECTOR_UNENDED 0x51u
#define VECTOR_WAITING 0x41u /* never delivered: interrupts are off */
#define VECTOR_TIMER 0x42u

#define DEADLINE_MS 20u

static const struct {
	enum vcpu_item item;
	uint32_t msr;
	uint64_t dirty;
} msrs[] = {
    {VCPU_EFER, 0xc0000080, 0}, /* see below */
    {VCPU_STAR, 0xc0000081, 0x0123456700000000},
    {VCPU_LSTAR, 0xc0000082, 0x1000},
    {VCPU_CSTAR, 0xc0000083, 0x2000},
    {VCPU_SFMASK, 0xc0000084, 0x700},
    {VCPU_FS_BASE, 0xc0000100, 0x3000},
    {VCPU_GS_BASE, 0xc0000101, 0x4000},
    {VCPU_KERNEL_GS_BASE, 0xc0000102, 0x5000},
    {VCPU_TSC_AUX, 0xc0000103, 7},
    {VCPU_SYSENTER_CS, 0x174, 8},
    {VCPU_SYSENTER_ESP, 0x175, 0x6000},
    {VCPU_SYSENTER_EIP, 0x176, 0x7000},
    {VCPU_PAT, 0x277, 0x0606060606060606},
    {VCPU_APIC_BASE, MSR_APIC_BASE, 0},
    {VCPU_KVM_SYSTEM_TIME, MSR_KVM_SYSTEM_TIME, 0},
    {VCPU_TSC_ADJUST, 0x3b, 0}, /* changed by a write to the TSC */
    {VCPU_TSC_DEADLINE, MSR_TSC_DEADLINE, 0},
};

static uint64_t tsc_khz;
static uint64_t saved[VCPU_NITEMS];
static uint8_t clock_page[2][64] __attribute__((aligned(64)));

static uint64_t
rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static void
wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
}

static uint64_t
rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

/* Leaf 1, and a VM exit: only after one is XCR0 what the host believes it to be. */
static uint32_t
features(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c;
}

#define GET(reg, v) __asm__ volatile("mov %%" reg ", %0" : "=r"(v))
#define SET(reg, v) __asm__ volatile("mov %0, %%" reg : : "r"((uint64_t)(v)) : "memory")

static uint64_t
xcr0(void)
{
	uint32_t lo, hi;

	if ((features() & CPUID_XSAVE) == 0)
		return 0;
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

static uint64_t
any_of(uint32_t reg)
{
	uint32_t any = 0;

	for (uint32_t i = 0; i < 8; i++)
		any |= APIC(reg + i * 0x10);
	return any;
}

static void
capture(uint64_t v[VCPU_NITEMS])
{
	GET("db0", v[VCPU_DR0]);
	GET("db1", v[VCPU_DR1]);
	GET("db2", v[VCPU_DR2]);
	GET("db3", v[VCPU_DR3]);
	GET("db6", v[VCPU_DR6]);
	GET("db7", v[VCPU_DR7]);
	GET("cr0", v[VCPU_CR0]);
	GET("cr2", v[VCPU_CR2]);
	GET("cr3", v[VCPU_CR3]);
	GET("cr4", v[VCPU_CR4]);
	GET("cr8", v[VCPU_CR8]);
	v[VCPU_XCR0] = xcr0();
	/* of the flags only those that instructions here do not change */
	__asm__ volatile("pushfq; popq %0" : "=r"(v[VCPU_RFLAGS]));
	v[VCPU_RFLAGS] &= 0x3f7700;
	for (unsigned i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++)
		v[msrs[i].item] = rdmsr(msrs[i].msr);
	v[VCPU_APIC_TPR] = APIC(0x80);
	v[VCPU_APIC_LVT_TIMER] = APIC(0x320);
	v[VCPU_APIC_LVT_LINT0] = APIC(0x350);
	v[VCPU_APIC_IRR] = any_of(0x200);
	v[VCPU_APIC_ISR] = any_of(0x100);
	v[VCPU_NMIS] = nmis;
	/* What has no value to be compared. */
	v[VCPU_TSC] = v[VCPU_LATE_INTERRUPT] = v[VCPU_NMI_BLOCKED] = 0;
}

void
vcpu_init(uint64_t khz)
{
	uint64_t cr4;

	tsc_khz = khz;
	set_gate(2, nmi_interrupt);
	set_gate(VECTOR_UNENDED, unended_interrupt);
	APIC(0x320) = VECTOR_TIMER | LVT_DEADLINE;
	wrmsr(MSR_KVM_SYSTEM_TIME, PHYS(clock_page[0]) | 1);
	if ((features() & CPUID_XSAVE) != 0) {
		GET("cr4", cr4);
		SET("cr4", cr4 | CR4_OSXSAVE);
	}
}

/* ---- in the template and in its clones ---- */

void
vcpu_remember(void)
{
	capture(saved);
	saved[VCPU_TSC] = rdtsc();
}

/* Long enough for what has been armed before: nothing of it goes off. */
static bool
interrupted_late(void)
{
	uint64_t start = rdtsc();

	while (rdtsc() - start < 2 * DEADLINE_MS * tsc_khz)
		__asm__ volatile("pause");
	return (any_of(0x200) | any_of(0x100) | nmis) != 0;
}

static void
send_nmi(void)
{
	APIC(APIC_ICR_HIGH) = 0;
	APIC(APIC_ICR) = ICR_NMI;
	(void)features(); /* it is there after an exit at the latest */
}

static bool
nmi_comes(void)
{
	send_nmi();
	return nmis == 1;
}

uint32_t
vcpu_wrong(void)
{
	uint64_t now[VCPU_NITEMS], passed = rdtsc() - saved[VCPU_TSC];

	capture(now);
	now[VCPU_TSC] = saved[VCPU_TSC] + (passed >> 40);
	now[VCPU_LATE_INTERRUPT] = interrupted_late();
	now[VCPU_NMI_BLOCKED] = !nmi_comes();
	for (uint32_t i = 0; i < VCPU_NITEMS; i++)
		if (now[i] != saved[i])
			return i + 1;
	return 0;
}

/* ---- what a clone leaves behind ---- */

static void
arm_timer(void)
{
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + DEADLINE_MS * tsc_khz);
}

void
prog_halted(const char *arg)
{
	(void)arg;
	arm_timer();
	say_out("left\n");
	for (;;)
		__asm__ volatile("cli; hlt");
}

static void
dirty_registers(void)
{
	uint64_t cr0, cr4;

	SET("db0", 0x5555);
	SET("db1", 0x1111);
	SET("db2", 0x2222);
	SET("db3", 0x3333);
	SET("db6", 0xffff0ff1);
	SET("db7", 0x400 | DR7_EXEC_0);
	SET("cr2", 0x4444);
	SET("cr8", 5);
	for (unsigned i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++)
		if (msrs[i].dirty != 0)
			wrmsr(msrs[i].msr, msrs[i].dirty);
	wrmsr(0xc0000080, rdmsr(0xc0000080) | EFER_SCE);
	wrmsr(MSR_KVM_SYSTEM_TIME, PHYS(clock_page[1]) | 1);
	wrmsr(MSR_TSC, rdtsc() + (1ull << 44));
	if ((features() & CPUID_XSAVE) != 0)
		__asm__ volatile("xsetbv" : : "c"(0), "a"(3), "d"(0));
	GET("cr4", cr4);
	SET("cr4", cr4 | CR4_DIRTY);
	GET("cr0", cr0);
	SET("cr0", cr0 | CR0_TS);
}

void
prog_dirty(const char *arg)
{
	(void)arg;
	APIC(0x350) = 0x10000;
	APIC(APIC_ICR) = ICR_SELF | VECTOR_UNENDED;
	__asm__ volatile("sti; nop; cli");
	APIC(APIC_ICR) = ICR_SELF | VECTOR_WAITING;
	dirty_registers();
	arm_timer();
	if ((features() & CPUID_X2APIC) != 0)
		wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_X2);
	say_out("left\n");
	for (;;)
		__asm__ volatile("pause");
}

void
prog_nmi(const char *arg)
{
	(void)arg;
	nmi_stay = 1;
	send_nmi();
	for (;;)
		__asm__ volatile("pause");
}

/* No other one comes until this one ends: it waits. */
void
vcpu_in_nmi(void)
{
	send_nmi();
	say_out("left\n");
	for (;;)
		__asm__ volatile("pause");
}
