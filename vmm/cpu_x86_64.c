/* SPDX-License-Identifier: ISC */
/* cpu_x86_64.c: CPUID, boot GDT and page tables, long-mode registers of a new vCPU. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cpu_x86_64.h"
#include "crc32c.h"
#include "memory.h"
#include "vmm.h"

#define CPUID_ENTRIES 256u

#define PTE_P 0x1ull
#define PTE_W 0x2ull
#define PTE_PS 0x80ull

#define CR0_PE (1u << 0)
#define CR0_MP (1u << 1)
#define CR0_ET (1u << 4)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_PG (1u << 31)
#define CR4_PAE (1u << 5)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)
#define EFER_NXE (1u << 11)
#define RFLAGS_FIXED 0x2u

/* leaf 1 */
#define F1C_MONITOR (1u << 3)
#define F1C_VMX (1u << 5)
#define F1C_TSC_DEADLINE (1u << 24)
#define F1C_HYPERVISOR (1u << 31)
#define F1D_HTT (1u << 28)
/* leaf 7 subleaf 0: AVX-512 F, DQ, IFMA, PF, ER, CD, BW, VL; VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ;
 * 4VNNIW, 4FMAPS, VP2INTERSECT, AMX-BF16, AVX512-FP16, AMX-TILE, AMX-INT8.  The guest kernel saves
 * FPU state up to AVX only: a context of 8 KiB per thread is no good trade in a sandbox. */
#define F7B_AVX512 0xdc230000u
#define F7C_AVX512 0x00005842u
#define F7D_AVX512 0x03c0010cu
#define F7C_PKU 0x18u
#define F71A_AVX512_AMX 0x00200020u /* leaf 7 subleaf 1: AVX512-BF16, AMX-FP16 */
/* leaf 0xd subleaf 0: x87, SSE, AVX */
#define XCR0_KEPT 0x7u
#define XCR0_AVX 0x4u
#define XSAVE_LEGACY 576u /* bytes of the save area without and with AVX */
#define XSAVE_AVX 832u
/* leaf 0x40000001: of KVM's paravirtual features the guest kernel uses its clock, and no other */
#define KVM_FEATURES_KEPT                                                                          \
	(1u << KVM_FEATURE_CLOCKSOURCE2 | 1u << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT)

static bool
clear_feature_leaf(struct kvm_cpuid_entry2 *e)
{
	switch (e->function) {
	case 1:
		e->ebx = (e->ebx & 0xff00ffffu) | 1u << 16; /* one logical CPU */
		e->ebx &= 0x00ffffffu;                      /* initial APIC id 0 */
		e->ecx &= ~(F1C_MONITOR | F1C_VMX);
		e->ecx |= F1C_TSC_DEADLINE | F1C_HYPERVISOR;
		e->edx &= ~F1D_HTT;
		return true;
	case 7:
		if (e->index == 0) {
			e->ebx &= ~F7B_AVX512;
			e->ecx &= ~(F7C_AVX512 | F7C_PKU);
			e->edx &= ~F7D_AVX512;
		} else if (e->index == 1) {
			e->eax &= ~F71A_AVX512_AMX;
		}
		return true;
	case 0xd:
		if (e->index == 0) {
			e->eax &= XCR0_KEPT;
			e->edx = 0;
			e->ecx = (e->eax & XCR0_AVX) != 0 ? XSAVE_AVX : XSAVE_LEGACY;
		} else if (e->index == 1) {
			e->ecx = e->edx = 0; /* no supervisor components */
		}
		/* Components that are not enabled have no leaf (index 2 is AVX). */
		return e->index <= 2;
	case KVM_CPUID_FEATURES:
		e->eax &= KVM_FEATURES_KEPT;
		e->edx = 0; /* hints */
		return true;
	default:
		return true;
	}
}

/* One CPU, one thread: levels, package and core counts.  False drops the leaf. */
static bool
clear_topology_leaf(struct kvm_cpuid_entry2 *e)
{
	switch (e->function) {
	case 4: /* Intel cache leaf: not shared, one core */
		e->eax &= 0x3fffu;
		return true;
	case 5:    /* MONITOR/MWAIT */
	case 0xa:  /* performance counters: the guest has none */
	case 0x14: /* processor trace */
	case 0x1d: /* AMX tiles */
	case 0x1e:
	case 0x24:       /* AVX10 */
	case 0x8000001e: /* AMD node and core ids */
		return false;
	case 0xb:
	case 0x1f:
		e->eax = 0;
		e->ebx = e->index == 0 ? 1 : 0;
		e->ecx = e->index | (e->index == 0 ? 1u << 8 : 0);
		e->edx = 0; /* x2APIC id */
		return true;
	case 0x80000008:
		e->ecx &= ~0xf0ffu; /* number of cores - 1 and the width of core ids */
		return true;
	case 0x80000001:
		e->ecx &= ~(1u << 1 | 1u << 2); /* no legacy multi-core, no nested SVM */
		return true;
	default:
		return true;
	}
}

static void
filter_cpuid(struct kvm_cpuid2 *cpuid)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 e = cpuid->entries[i];

		if (clear_feature_leaf(&e) && clear_topology_leaf(&e))
			cpuid->entries[kept++] = e;
	}
	cpuid->nent = kept;
}

/* The features of every guest of this process: asked for once. */
static struct {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[CPUID_ENTRIES];
} features;

int
cpu_load_features(int kvm_fd, struct tine_error *error)
{
	if (features.head.nent != 0)
		return 0;
	features.head.nent = CPUID_ENTRIES;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, &features) < 0) {
		features.head.nent = 0;
		return tine_error_set(error, errno, "kvm-failed", "KVM_GET_SUPPORTED_CPUID: %s",
				      strerror(errno));
	}
	filter_cpuid(&features.head);
	return 0;
}

int
cpu_set_cpuid(int kvm_fd, int vcpu_fd, struct tine_error *error)
{
	/* Without this the MSRs and hypercalls of every paravirtual feature work, whether or not
	 * the guest's CPUID has it: code of the host's kernel for a hostile guest to reach. */
	struct kvm_enable_cap enforce = {.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .args = {1}};
	int r = cpu_load_features(kvm_fd, error);

	if (r == 0 && ioctl(vcpu_fd, KVM_SET_CPUID2, &features) < 0)
		r = tine_error_set(error, errno, "kvm-failed", "KVM_SET_CPUID2: %s",
				   strerror(errno));
	if (r == 0 && ioctl(vcpu_fd, KVM_ENABLE_CAP, &enforce) < 0)
		r = tine_error_set(error, errno, "kvm-failed",
				   "KVM_CAP_ENFORCE_PV_FEATURE_CPUID: %s", strerror(errno));
	return r;
}

int
cpu_hash(uint32_t *hash, struct tine_error *error)
{
	int fd = features.head.nent == 0 ? open("/dev/kvm", O_RDWR | O_CLOEXEC) : -1, r;

	if (features.head.nent == 0 && fd < 0)
		return tine_error_set(error, errno, "kvm-failed", "/dev/kvm: %s", strerror(errno));
	r = cpu_load_features(fd, error);
	if (fd >= 0)
		close(fd);
	if (r == 0)
		*hash = crc32c(0, features.entry, features.head.nent * sizeof(features.entry[0]));
	return r;
}

/* Pages: PML4, PDPT of the low 4 GiB, PDPT of direct map and kernel base, four page directories. */
#define BOOT_PT_PAGES 7u
_Static_assert(TINE_GPA_BOOT_PT + BOOT_PT_PAGES * TINE_PAGE_SIZE <= TINE_GPA_BOOT_END,
	       "boot page tables");
_Static_assert(TINE_VA_DIRECT >> 39 == TINE_VA_KERNEL >> 39 && (TINE_VA_DIRECT >> 30 & 511) == 0,
	       "direct map and kernel base have one PDPT, which the direct map begins");

static void
fill_page_tables(uint64_t *pt)
{
	const uint64_t base = TINE_GPA_BOOT_PT, flags = PTE_P | PTE_W;
	uint64_t *pml4 = pt, *low = pt + 512, *kern = pt + 1024, *pd = pt + 1536;

	memset(pt, 0, BOOT_PT_PAGES * TINE_PAGE_SIZE);
	pml4[0] = (base + 1 * TINE_PAGE_SIZE) | flags;
	pml4[(TINE_VA_KERNEL >> 39) & 511] = (base + 2 * TINE_PAGE_SIZE) | flags;
	kern[(TINE_VA_KERNEL >> 30) & 511] = (base + 3 * TINE_PAGE_SIZE) | flags;
	for (uint64_t i = 0; i < 4; i++)
		low[i] = kern[i] = (base + (3 + i) * TINE_PAGE_SIZE) | flags;
	for (uint64_t i = 0; i < 2048; i++)
		pd[i] = i << 21 | flags | PTE_PS;
}

int
cpu_write_boot_tables(const struct guest_mem *mem, struct tine_error *error)
{
	/* null, 64-bit code, data */
	static const uint64_t gdt[3] = {0, 0x00af9b000000ffffull, 0x00cf93000000ffffull};
	uint64_t *pt = mem_at(mem, TINE_GPA_BOOT_PT, BOOT_PT_PAGES * TINE_PAGE_SIZE);

	if (pt == NULL || mem_write(mem, TINE_GPA_BOOT_GDT, gdt, sizeof(gdt)) != 0)
		return tine_error_set(error, EINVAL, "memory-size",
				      "the sandbox's memory is too small to boot in");
	fill_page_tables(pt);
	return 0;
}

static struct kvm_segment
flat_segment(uint16_t selector, bool code)
{
	return (struct kvm_segment){
	    .limit = 0xffffffffu,
	    .selector = selector,
	    .type = code ? 0xb : 0x3,
	    .present = 1,
	    .db = !code,
	    .s = 1,
	    .l = code,
	    .g = 1,
	};
}

static int
set_sregs(int vcpu_fd)
{
	struct kvm_segment data = flat_segment(TINE_BOOT_DS, false);
	struct kvm_sregs s;

	if (ioctl(vcpu_fd, KVM_GET_SREGS, &s) < 0)
		return -errno;
	s.cs = flat_segment(TINE_BOOT_CS, true);
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.gdt.base = TINE_GPA_BOOT_GDT;
	s.gdt.limit = 3 * 8 - 1;
	s.idt.base = 0;
	s.idt.limit = 0;
	s.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	s.cr3 = TINE_GPA_BOOT_PT;
	s.cr4 = CR4_PAE;
	s.efer = EFER_LME | EFER_LMA | EFER_NXE;
	return ioctl(vcpu_fd, KVM_SET_SREGS, &s) < 0 ? -errno : 0;
}

int
cpu_set_entry(int vcpu_fd, uint64_t rip, struct tine_error *error)
{
	struct kvm_regs regs = {
	    .rip = rip,
	    .rsp = TINE_GPA_BOOT_STACK_TOP,
	    .rdi = TINE_GPA_SHARED + TINE_SHARED_BOOT,
	    .rflags = RFLAGS_FIXED,
	};
	int r = set_sregs(vcpu_fd);

	if (r == 0 && ioctl(vcpu_fd, KVM_SET_REGS, &regs) < 0)
		r = -errno;
	if (r != 0)
		return tine_error_set(error, -r, "kvm-failed",
				      "KVM refused the initial registers: %s", strerror(-r));
	return 0;
}
