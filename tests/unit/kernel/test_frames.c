/* SPDX-License-Identifier: ISC */
/* test_frames.c: the allocator of page frames. */
#include "fake_kernel.h"

static bool
is_zero(const struct page *pg)
{
	const uint64_t *p = page_to_dm(pg);

	for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
		if (p[i] != 0)
			return false;
	return true;
}

/* Take every frame there is: all different, none of them reserved, zero where asked for. */
void
test_frames(void **state)
{
	struct usage before = usage_now();
	uint64_t n = 0, total = vm_frames_free();
	struct page *pg, *all = NULL;
	paddr_t pa;

	(void)state;
	CHECK_EQ(vm_frames_total(), total + 1); /* the frame of zeroes */
	while ((pg = vm_page_alloc(PGA_KERNEL | (n % 2 ? PGA_ZERO : 0))) != NULL) {
		pa = page_to_pa(pg);
		CHECK(pa_to_page(pa) == pg && pa != 0);
		CHECK((pa < 0x9f000) || (pa >= 0x345000 && pa < 0x1f77000) ||
		      (pa >= 0x100000000 && pa < 0x100533000));
		CHECK(n % 2 == 0 || is_zero(pg));
		CHECK_EQ(pg->pg_refs, 1);
		CHECK_EQ(pg->pg_check, 0);
		/* Marked as taken: would be found a second time otherwise. */
		pg->pg_check = 1;
		memset(page_to_dm(pg), 0x5a, PAGE_SIZE);
		pg->pg_owner = all;
		all = pg;
		n++;
	}
	CHECK_EQ(n, total);
	CHECK_EQ(vm_frames_free(), 0);
	CHECK(pa_to_page(0x1f77000) == NULL && pa_to_page(IMAGE_PA) == NULL);
	CHECK(pa_to_page(0x100533000) == NULL && pa_to_page(~0UL) == NULL);
	while ((pg = all) != NULL) {
		all = pg->pg_owner;
		pg->pg_check = 0;
		vm_page_release(pg);
	}
	usage_check(before);
	/* Users cannot have the last ones. */
	while ((pg = vm_page_alloc(0)) != NULL) {
		pg->pg_owner = all;
		all = pg;
	}
	CHECK(vm_frames_free() >= 64 && vm_page_alloc(0) == NULL);
	CHECK((pg = vm_page_alloc(PGA_KERNEL)) != NULL);
	vm_page_release(pg);
	while ((pg = all) != NULL) {
		all = pg->pg_owner;
		vm_page_release(pg);
	}
	usage_check(before);
}

/* Blocks of all sizes, freed in random order; then the largest can be had again. */
void
test_frames_random(void **state)
{
	static struct {
		struct page *pg;
		unsigned order;
	} slot[200];
	struct usage before = usage_now();
	uint64_t rnd = 42;
	struct page *pg;
	unsigned i;

	(void)state;
	for (hosted_step = 0; hosted_step < 200000; hosted_step++) {
		i = (unsigned)(rnd_next(&rnd) % nitems(slot));
		if ((pg = slot[i].pg) != NULL) {
			for (unsigned j = 0; j < 1U << slot[i].order; j++)
				CHECK_EQ(*(uint64_t *)page_to_dm(&pg[j]), page_to_pa(pg));
			vm_pages_free(pg, slot[i].order);
			slot[i].pg = NULL;
			continue;
		}
		slot[i].order = (unsigned)__builtin_ctzll(rnd_next(&rnd) | 1 << 8);
		slot[i].pg = pg = vm_pages_alloc(slot[i].order, PGA_KERNEL | PGA_ZERO);
		if (pg == NULL)
			continue;
		CHECK_EQ(page_to_pa(pg) & ((PAGE_SIZE << slot[i].order) - 1), 0);
		for (unsigned j = 0; j < 1U << slot[i].order; j++) {
			CHECK(is_zero(&pg[j]));
			*(uint64_t *)page_to_dm(&pg[j]) = page_to_pa(pg);
		}
	}
	for (i = 0; i < nitems(slot); i++)
		if (slot[i].pg != NULL)
			vm_pages_free(slot[i].pg, slot[i].order);
	usage_check(before);
	CHECK((pg = vm_pages_alloc(10, 0)) != NULL);
	vm_pages_free(pg, 10);
	CHECK(vm_pages_alloc(11, PGA_KERNEL) == NULL);
	usage_check(before);
}

/* A frame given back as zero is the one that is handed out where zeroes are wanted. */
void
test_clean_frames(void **state)
{
	struct page *clean, *dirty;
	struct usage before = usage_now();

	(void)state;
	CHECK((clean = vm_page_alloc(PGA_ZERO)) != NULL && (dirty = vm_page_alloc(0)) != NULL);
	*(char *)page_to_dm(dirty) = 1;
	vm_page_free_clean(clean);
	vm_page_release(dirty);
	CHECK(vm_page_alloc(PGA_ZERO) == clean);
	CHECK(vm_page_alloc(0) == dirty);
	vm_page_hold(dirty);
	CHECK_EQ(kstats->frames_shared, 1);
	vm_page_release(dirty);
	CHECK_EQ(kstats->frames_shared, 0);
	vm_page_release(dirty);
	vm_page_free_clean(clean);
	usage_check(before);
	pa_hold(vm_zero_pa); /* not counted */
	pa_release(vm_zero_pa);
	pa_release(vm_zero_pa);
	pa_hold(IMAGE_PA);
	pa_release(IMAGE_PA);
	usage_check(before);
}

/* Take all frames and write to them, or find them all zero but for the one at `poked'. */
static void
use_all_frames(int flags, paddr_t poked)
{
	struct page *pg, *all = NULL;

	while ((pg = vm_page_alloc(PGA_KERNEL | flags)) != NULL) {
		CHECK(!(flags & PGA_ZERO) || is_zero(pg) == (page_to_pa(pg) != poked));
		memset(page_to_dm(pg), 0x5a, PAGE_SIZE);
		pg->pg_owner = all;
		all = pg;
	}
	while ((pg = all) != NULL) {
		all = pg->pg_owner;
		vm_page_release(pg);
	}
}

/* Large blocks go back to the host when they have been free for a second, and come back clean. */
void
test_return(void **state)
{
	const paddr_t poked = 0x800000;
	struct usage before = usage_now();
	uint64_t left;
	struct page *pg;

	(void)state;
	vm_return_init();
	use_all_frames(0, 0);
	CHECK(fake_timeout());
	CHECK_EQ(fake_discarded, 0); /* seen for the first time */
	CHECK((pg = vm_pages_alloc(VM_MAX_ORDER, PGA_KERNEL)) != NULL);
	while (fake_timeout())
		;
	CHECK(fake_discarded > 4096 && fake_discarded == vm_frames_returned);
	left = fake_discarded;
	vm_pages_free(pg, VM_MAX_ORDER); /* was in use while the others went */
	CHECK(fake_timeout());
	CHECK_EQ(fake_discarded, left);
	CHECK(fake_timeout() && !fake_timeout());
	CHECK_EQ(fake_discarded, left + (1UL << VM_MAX_ORDER));
	usage_check(before);

	/* Frames that are known to be zero are not cleared once more, but for their first word. */
	*(char *)PHYS_TO_DM(poked + 8) = 1;
	use_all_frames(PGA_ZERO, poked);

	/* What the host does not take stays as it is. */
	fake_discard_error = EOPNOTSUPP;
	left = vm_frames_returned;
	while (fake_timeout())
		;
	fake_discard_error = 0;
	CHECK_EQ(vm_frames_returned, left);
	use_all_frames(PGA_ZERO, 0);
	while (fake_timeout())
		;
	usage_check(before);
}
