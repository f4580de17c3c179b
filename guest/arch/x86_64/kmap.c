/* SPDX-License-Identifier: ISC */
/*
 * kmap.c: the kernel's own page tables: its image by section, the region shared with the host, and
 * the direct map.
 *
 * Its top level is built once at boot and never changed, so that every address space can copy the
 * upper half of kernel_pml4.  The tables lie in RAM right behind the kernel, which the host hands
 * over as zeroes.
 *
 * To nested paging each step through a table is a write, whatever is in it (AMD APM 2, 15.25; on
 * Intel with accessed and dirty bits in the EPT): each table that the kernel needs to run is a page
 * that no clone shares.  So everything lies under one entry of the top level, the 2 MiB around the
 * image have one table for image and direct map, and the shared region is one large page in the
 * image's directory.
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
#define PTE_A 0x20UL
#define PTE_D 0x40UL
#define PTE_PS 0x80UL
#define PTE_G 0x100UL
#define PTE_NX 0x8000000000000000UL
#define PTE_ADDR 0x000ffffffffff000UL

/* The processor would set A and D by a locked update at first use. */
#define KMAP_RO (PTE_P | PTE_A | PTE_NX)
#define KMAP_RW (PTE_P | PTE_A | PTE_D | PTE_W | PTE_NX)
#define KMAP_RX (PTE_P | PTE_A)
#define KMAP_TABLE (PTE_P | PTE_A | PTE_W)

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
			*e = pa | KMAP_TABLE;
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
	static uint64_t mapped __resume_data;
	uint64_t end = roundup(size, SIZE_2M), start = mapped;

	if (end <= mapped)
		return true;
	mapped = end;
	return kmap_direct(TINE_GPA_ROOTFS + start, TINE_GPA_ROOTFS + end, KMAP_RO);
}

static void
kmap_image(paddr_t start, paddr_t end, uint64_t flags)
{
	kmap(TINE_VA_KERNEL + start, start, end - start, flags);
}

/* Image and direct map of the block of 2 MiB that shared region and image lie in (kernel.ld sees to
 * that): they differ in nothing, since there must be no writable alias of text and constants
 * anyway.  Before the shared region nothing is mapped, and behind it what cannot be written to. */
static void
kmap_image_block(paddr_t block)
{
	_Static_assert(VM_SHARED_BASE == TINE_VA_KERNEL + TINE_GPA_SHARED &&
			   TINE_GPA_SHARED % SIZE_2M == 0 &&
			   TINE_GPA_SHARED + TINE_SHARED_SIZE == TINE_GPA_KERNEL_MIN,
		       "one page table maps the shared region and the image");
	paddr_t text = kva_to_pa(__text_start), rodata = kva_to_pa(__rodata_start),
		data = kva_to_pa(__data_start);

	kmap_image(block, text, KMAP_RW);
	kmap_image(text, rodata, KMAP_RX);
	kmap_image(rodata, data, KMAP_RO);
	kmap_image(data, block + SIZE_2M, KMAP_RW);
	*entry_of(VM_DIRECT_BASE + block, SIZE_2M) = *entry_of(TINE_VA_KERNEL + block, SIZE_2M);
}

paddr_t
kmap_init(const struct tine_bootblock *bb, paddr_t first_free)
{
	paddr_t block = kva_to_pa(__text_start) & ~(SIZE_2M - 1);

	_Static_assert(TINE_VA_DIRECT == VM_DIRECT_BASE &&
			   TINE_GPA_ROOTFS + TINE_ROOTFS_MAX <= TINE_VA_KERNEL - TINE_VA_DIRECT,
		       "the direct map ends before the image");
	next_table = first_free;
	kernel_pml4 = PHYS_TO_DM(table_alloc());

	kmap_image_block(block);
	kmap_direct(0, block, KMAP_RW);
	kmap_direct(block + SIZE_2M, bb->ram_low, KMAP_RW);
	kmap_direct(TINE_GPA_HIGH, TINE_GPA_HIGH + bb->ram_high, KMAP_RW);
	(void)kmap_rootfs(bb->rootfs_size);
	if (!cpu_has.x2apic)
		kmap_direct(APIC_GPA, APIC_GPA + SIZE_4K, KMAP_RW | PTE_UNCACHED);
	lcr3(DM_TO_PHYS(kernel_pml4));
	first_free = next_table;
	next_table = 0;
	return first_free;
}
