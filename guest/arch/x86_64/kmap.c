/* SPDX-License-Identifier: ISC */
/*
 * kmap.c: the kernel's own page tables: its image by section, and the direct map.
 *
 * Its top level is built once at boot and never changed, so that every address space can copy the
 * upper half of kernel_pml4.  The tables lie in RAM right behind the kernel, which the host hands
 * over as zeroes.
 */
#include <sys/types.h>
#include <sys/vm.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/pmap.h>
#include "abi/abi.h"
#include "abi/boot.h"

#define PTE_P 0x1UL
#define PTE_W 0x2UL
#define PTE_UNCACHED 0x18UL
#define PTE_PS 0x80UL
#define PTE_G 0x100UL
#define PTE_NX 0x8000000000000000UL
#define PTE_ADDR 0x000ffffffffff000UL

#define KMAP_RO (PTE_P | PTE_NX)
#define KMAP_RW (PTE_P | PTE_W | PTE_NX)
#define KMAP_RX PTE_P

#define APIC_GPA 0xfee00000UL

#define SIZE_4K 0x1000UL
#define SIZE_2M 0x200000UL
#define SIZE_1G 0x40000000UL

uint64_t *kernel_pml4;
static paddr_t next_table;

paddr_t
kva_to_pa(const void *va)
{
	uint64_t a = (uintptr_t)va;

	return a >= TINE_VA_KERNEL ? a - TINE_VA_KERNEL : DM_TO_PHYS(a);
}

/* Once the allocator runs (next_table is 0) a table may not be had: 0. */
static paddr_t
table_alloc(void)
{
	paddr_t pa = next_table;
	struct page *pg;

	if (pa != 0) {
		next_table += SIZE_4K;
		return pa;
	}
	pg = vm_page_alloc(PGA_ZERO | PGA_KERNEL);
	return pg != NULL ? page_to_pa(pg) : 0;
}

/* The entry for va in the table of the level whose entries span `size' bytes; NULL: no memory. */
static uint64_t *
entry_of(vaddr_t va, vsize_t size)
{
	uint64_t *table = kernel_pml4;

	for (int shift = 39;; shift -= 9) {
		uint64_t *e = &table[va >> shift & 511];

		if (1UL << shift == size)
			return e;
		if (*e == 0) {
			paddr_t pa = table_alloc();

			if (pa == 0)
				return NULL;
			*e = pa | PTE_P | PTE_W;
		}
		table = PHYS_TO_DM(*e & PTE_ADDR);
	}
}

/* The largest page that fits at the start of the range. */
static vsize_t
page_size_for(vaddr_t va, paddr_t pa, vsize_t len)
{
	if (cpu_has.gbpages && ((va | pa) & (SIZE_1G - 1)) == 0 && len >= SIZE_1G)
		return SIZE_1G;
	if (((va | pa) & (SIZE_2M - 1)) == 0 && len >= SIZE_2M)
		return SIZE_2M;
	return SIZE_4K;
}

static bool
kmap(vaddr_t va, paddr_t pa, vsize_t len, uint64_t flags)
{
	uint64_t *e;
	vsize_t size;

	flags |= cpu_has.pge ? PTE_G : 0;
	for (len = round_page(len); len > 0; va += size, pa += size, len -= size) {
		size = page_size_for(va, pa, len);
		if ((e = entry_of(va, size)) == NULL)
			return false;
		*e = pa | flags | (size > SIZE_4K ? PTE_PS : 0);
	}
	return true;
}

static bool
kmap_direct(paddr_t start, paddr_t end, uint64_t flags)
{
	return start >= end || kmap(VM_DIRECT_BASE + start, start, end - start, flags);
}

/* A clone of a kernel that has not mounted its root yet gets an image, of any size, only then.  It
 * lies under the same top-level entry as low RAM, so that every address space sees it. */
bool
kmap_rootfs(uint64_t size)
{
	static uint64_t mapped;
	uint64_t end = roundup(size, SIZE_2M), start = mapped;

	if (end <= mapped)
		return true;
	mapped = end;
	return kmap_direct(TINE_GPA_ROOTFS + start, TINE_GPA_ROOTFS + end, KMAP_RO);
}

static void
kmap_image(const char *start, const char *end, uint64_t flags)
{
	kmap((uintptr_t)start, kva_to_pa(start), (vsize_t)(end - start), flags);
}

paddr_t
kmap_init(const struct tine_bootblock *bb, paddr_t first_free)
{
	paddr_t text = kva_to_pa(__text_start), data = kva_to_pa(__data_start);

	next_table = first_free;
	kernel_pml4 = PHYS_TO_DM(table_alloc());

	kmap_image(__text_start, __text_end, KMAP_RX);
	kmap_image(__rodata_start, __rodata_end, KMAP_RO);
	kmap_image(__data_start, __kernel_end, KMAP_RW);

	/* No writable alias of text and constants. */
	kmap_direct(0, text, KMAP_RW);
	kmap_direct(text, data, KMAP_RO);
	kmap_direct(data, bb->ram_low, KMAP_RW);
	kmap_direct(TINE_GPA_HIGH, TINE_GPA_HIGH + bb->ram_high, KMAP_RW);
	kmap_direct(TINE_GPA_SHARED, TINE_GPA_SHARED + TINE_SHARED_SIZE, KMAP_RW);
	(void)kmap_rootfs(bb->rootfs_size);
	if (!cpu_has.x2apic)
		kmap_direct(APIC_GPA, APIC_GPA + SIZE_4K, KMAP_RW | PTE_UNCACHED);
	lcr3(DM_TO_PHYS(kernel_pml4));
	first_free = next_table;
	next_table = 0;
	return first_free;
}
