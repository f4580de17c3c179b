/* SPDX-License-Identifier: ISC */
/*
 * mmu.c: a processor's view of page tables, with all the memory of the past that x86 allows it.
 *
 * Translations and pointers to leaf tables stay cached until invlpg, a new CR3, or a fault at the
 * address drops them (SDM vol. 3, 4.10.4.1); invlpg drops every pointer to a table.  A kernel that
 * forgets to flush shows a program memory that is no longer its own.
 */
#include <machine/cpufunc.h>
#include <machine/pte.h>
#include "fake_kernel.h"

#define NCACHED 64

struct cached {
	vaddr_t va; /* page or 2 MiB; ~0 = unused */
	uint64_t value;
	uint64_t mask; /* of the write bit on the way */
};
static struct cached tlb[NCACHED], tables[NCACHED];
static paddr_t cr3;

static struct cached *
slot(struct cached *c, vaddr_t va, int shift)
{
	return &c[(va >> shift ^ va >> (shift + 9)) % NCACHED];
}

void
invlpg(vaddr_t va)
{
	slot(tlb, va, 12)->va = ~0UL;
	for (int i = 0; i < NCACHED; i++)
		tables[i].va = ~0UL;
}

void
lcr3(uint64_t value)
{
	cr3 = value;
	for (int i = 0; i < NCACHED; i++)
		tlb[i].va = tables[i].va = ~0UL;
}

static void
fault_drops(vaddr_t va)
{
	slot(tlb, va, 12)->va = ~0UL;
	slot(tables, va, 21)->va = ~0UL;
}

/* Walk down to the leaf table; false if there is none. */
static bool
find_table(vaddr_t va, struct cached *found)
{
	struct cached *c = slot(tables, va, 21);
	uint64_t e, *table = PHYS_TO_DM(cr3);

	if (c->va == va >> 21) {
		*found = *c;
		return true;
	}
	*found = (struct cached){va >> 21, 0, PTE_W};
	for (int level = PT_ROOT; level > PT_LEAF; level--) {
		e = table[pt_index(va, level)];
		if (!(e & PTE_P))
			return false;
		CHECK(e & PTE_U);
		found->mask &= e;
		table = pte_table(e);
		found->value = pte_pa(e);
	}
	*c = *found;
	return true;
}

static bool
allowed(uint64_t pte, int access)
{
	return (pte & PTE_P) && (!(access & VMF_WRITE) || (pte & PTE_W)) &&
	       (!(access & VMF_EXEC) || !(pte & PTE_NX));
}

static bool
translate(vaddr_t va, int access, paddr_t *pa)
{
	struct cached *c = slot(tlb, va, 12), table;
	uint64_t *pte, effective;

	if (c->va == va >> 12 && allowed(c->value, access)) {
		*pa = pte_pa(c->value);
		return true;
	}
	if (c->va == va >> 12 || !find_table(va, &table))
		return false;
	pte = (uint64_t *)PHYS_TO_DM(table.value) + pt_index(va, PT_LEAF);
	effective = *pte & (table.mask | ~PTE_W);
	if (!allowed(effective, access))
		return false;
	*pte |= PTE_A | (access & VMF_WRITE ? PTE_D : 0);
	*c = (struct cached){va >> 12, effective, 0};
	*pa = pte_pa(effective);
	return true;
}

int
mmu_access(struct vmspace *vm, vaddr_t va, int access, uint64_t *word)
{
	paddr_t pa;
	int error;
	char *p;

	pmap_activate(&vm->vm_pmap);
	CHECK_EQ(cr3, vm->vm_pmap.pm_cr3);
	for (int tries = 0; !translate(trunc_page(va), access, &pa); tries++) {
		CHECK(tries < 3);
		fault_drops(trunc_page(va));
		if ((error = vm_fault(vm, va, access)) != 0)
			return error;
	}
	p = (char *)PHYS_TO_DM(pa) + (va & PAGE_MASK);
	if (access & VMF_WRITE)
		memcpy(p, word, sizeof(*word));
	else
		memcpy(word, p, sizeof(*word));
	return 0;
}
