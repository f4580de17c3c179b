/* SPDX-License-Identifier: ISC */
/* cpu.c: what the CPU can do, and switching it on. */
#include <sys/systm.h>
#include <sys/md.h>
#include <machine/asm.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>

#define CR0_PE 0x1UL
#define CR0_MP 0x2UL
#define CR0_ET 0x10UL
#define CR0_NE 0x20UL
#define CR0_WRITE_PROTECT 0x10000UL
#define CR0_PG 0x80000000UL

#define CR4_PAE 0x20UL
#define CR4_PGE 0x80UL
#define CR4_OSFXSR 0x200UL
#define CR4_OSXMMEXCPT 0x400UL
#define CR4_UMIP 0x800UL
#define CR4_FSGSBASE 0x10000UL
#define CR4_OSXSAVE 0x40000UL
#define CR4_SMEP 0x100000UL
#define CR4_SMAP 0x200000UL

#define EFER_SCE 0x1UL
#define EFER_LME 0x100UL
#define EFER_NXE 0x800UL

#define KVM_FEATURES 0x40000001
#define KVM_FEATURE_CLOCKSOURCE2 0x8

enum { EAX, EBX, ECX, EDX };

struct cpu_features cpu_has __resume_data;

extern uint8_t *__smap_patch_start[], *__smap_patch_end[];

static uint32_t
cpuid_reg(uint32_t leaf, int which)
{
	uint32_t max[4], r[4];

	cpuid(leaf & 0xc0000000, 0, max);
	if (max[EAX] < leaf)
		return 0;
	cpuid(leaf, 0, r);
	return r[which];
}

static bool
kvm_present(void)
{
	uint32_t r[4];

	if ((cpuid_reg(1, ECX) & 1U << 31) == 0)
		return false;
	cpuid(0x40000000, 0, r);
	return memcmp(&r[EBX], "KVMKVMKVM\0\0\0", 12) == 0;
}

void
cpu_identify(void)
{
	uint32_t c1 = cpuid_reg(1, ECX), d1 = cpuid_reg(1, EDX);
	uint32_t b7 = cpuid_reg(7, EBX), c7 = cpuid_reg(7, ECX);

	cpu_has = (struct cpu_features){
	    .pge = d1 & 1U << 13,
	    .gbpages = cpuid_reg(0x80000001, EDX) & 1U << 26,
	    .smep = b7 & 1U << 7,
	    .smap = b7 & 1U << 20,
	    .umip = c7 & 1U << 2,
	    .fsgsbase = b7 & 1U << 0,
	    .xsave = c1 & 1U << 26,
	    .x2apic = c1 & 1U << 21,
	    .tsc_deadline = c1 & 1U << 24,
	    .rdrand = c1 & 1U << 30,
	    .rdseed = b7 & 1U << 18,
	    .hwcap = d1,
	};
	if (kvm_present())
		cpu_has.kvmclock = cpuid_reg(KVM_FEATURES, EAX) & KVM_FEATURE_CLOCKSOURCE2;
}

void
cpu_patch_smap(void)
{
	static const uint8_t nop3[3] = {0x0f, 0x1f, 0x00};

	if (cpu_has.smap)
		return;
	for (uint8_t **p = __smap_patch_start; p < __smap_patch_end; p++)
		memcpy(*p, nop3, sizeof(nop3));
}

void
cpu_enable(void)
{
	uint64_t cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	cr4 |= cpu_has.pge ? CR4_PGE : 0;
	cr4 |= cpu_has.umip ? CR4_UMIP : 0;
	cr4 |= cpu_has.fsgsbase ? CR4_FSGSBASE : 0;
	cr4 |= cpu_has.xsave ? CR4_OSXSAVE : 0;
	cr4 |= cpu_has.smep ? CR4_SMEP : 0;
	cr4 |= cpu_has.smap ? CR4_SMAP : 0;
	lcr4(cr4);
	lcr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WRITE_PROTECT | CR0_PG);
	wrmsr(MSR_EFER, EFER_SCE | EFER_LME | EFER_NXE | (rdmsr(MSR_EFER) & 0x400));
	wrmsr(MSR_STAR, (uint64_t)SEL_UBASE << 48 | (uint64_t)SEL_KCODE << 32);
	wrmsr(MSR_LSTAR, (uintptr_t)syscall_entry);
	wrmsr(MSR_CSTAR, 0); /* there is no 32-bit code segment to come from */
	wrmsr(MSR_SFMASK,
	      RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC);
}

/* Programs then see no OSXSAVE, hence no AVX. */
void
cpu_disable_xsave(void)
{
	cpu_has.xsave = false;
	lcr4(rcr4() & ~CR4_OSXSAVE);
}

#define RANDOM_TRIES 10 /* as Intel's guide recommends */

bool
cpu_random64(uint64_t *out)
{
	bool ok = false;

	for (int i = 0; i < RANDOM_TRIES && !ok && cpu_has.rdseed; i++)
		__asm__ volatile("rdseed %0" : "=r"(*out), "=@ccc"(ok));
	for (int i = 0; i < RANDOM_TRIES && !ok && cpu_has.rdrand; i++)
		__asm__ volatile("rdrand %0" : "=r"(*out), "=@ccc"(ok));
	return ok;
}

uint64_t
cpu_hwcap(void)
{
	return cpu_has.hwcap;
}

#define HWCAP2_FSGSBASE 0x2

uint64_t
cpu_hwcap2(void)
{
	return cpu_has.fsgsbase ? HWCAP2_FSGSBASE : 0;
}

const char *
cpu_platform(void)
{
	return "x86_64";
}
