/* SPDX-License-Identifier: ISC */
/*
 * vm_page.c: page frames: a buddy allocator in front of which stand stacks of frames just freed.
 *
 * A frame that the guest touches for the first time costs a fault in the host, many times what
 * zeroing costs.  So frames are looked for in this order: the stacks of recently freed ones (hot in
 * the cache), the buddy lists of freed blocks, and only then untouched RAM, which is handed out by
 * a moving edge, from behind the kernel on, and known to be zero.
 */
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <machine/stats.h>

#define HOT_ORDERS 2 /* page tables and data; kernel stacks */
#define MAX_RANGES 8 /* two of them from what the frame table divides */

#define HIGH_FRAME (0x100000000UL >> PAGE_SHIFT)
struct page *vm_frames;
uint64_t vm_low_frames;
static uint64_t high_frames;

/* Frame numbers of RAM never handed out; [next, end). */
static struct fresh {
	uint64_t next, end;
} fresh[MAX_RANGES] __resume_data;
static int nfresh;

struct stack {
	struct page *top; /* linked by pg_next */
	uint32_t count;
};
static struct stack clean __resume_data, hot[HOT_ORDERS] __resume_data;
static const uint32_t stack_max[HOT_ORDERS] = {512, 16};
_Static_assert(KSTACK_ORDER == HOT_ORDERS - 1, "kernel stacks are taken from the last one");

static uint32_t freelist[VM_MAX_ORDER + 1] __resume_data; /* heads, frame numbers */
static uint64_t nfree __resume_data, ntotal, reserve;

static struct page *
frame_page(uint64_t fn)
{
	return pa_to_page(ptoa(fn));
}

static uint64_t
page_frame(const struct page *pg)
{
	return atop(page_to_pa(pg));
}

struct page *
pa_to_page_high(paddr_t pa)
{
	uint64_t i = atop(pa) - HIGH_FRAME;

	return i < high_frames ? &vm_frames[vm_low_frames + i] : NULL;
}

paddr_t
page_to_pa_high(const struct page *pg)
{
	return ptoa((uint64_t)(pg - vm_frames) - vm_low_frames + HIGH_FRAME);
}

static void
set_free(uint64_t n)
{
	nfree = n;
	STAT_SET(frames_free, n);
}

/* ---- buddy lists ---- */

static void
list_insert(struct page *pg, unsigned order)
{
	uint32_t fn = (uint32_t)page_frame(pg), next = freelist[order];

	pg->pg_flags |= PG_FREE;
	pg->pg_order = (uint8_t)order;
	pg->pg_list.prev = 0;
	pg->pg_list.next = next;
	if (next != 0)
		frame_page(next)->pg_list.prev = fn;
	freelist[order] = fn;
}

static void
list_remove(struct page *pg, unsigned order)
{
	uint32_t next = pg->pg_list.next, prev = pg->pg_list.prev;

	pg->pg_flags &= (uint8_t) ~(PG_FREE | PG_SEEN);
	if (next != 0)
		frame_page(next)->pg_list.prev = prev;
	if (prev != 0)
		frame_page(prev)->pg_list.next = next;
	else
		freelist[order] = next;
}

/* Enter a block into the lists, merged with its buddy as often as that one is free too. */
static void
block_free(struct page *pg, unsigned order)
{
	uint64_t fn = page_frame(pg);
	struct page *buddy;

	for (; order < VM_MAX_ORDER; order++) {
		buddy = frame_page(fn ^ 1UL << order);
		if (buddy == NULL || !(buddy->pg_flags & PG_FREE) || buddy->pg_order != order)
			break;
		list_remove(buddy, order);
		fn &= ~(1UL << order);
	}
	list_insert(frame_page(fn), order);
	if (order >= VM_RETURN_ORDER)
		vm_return_soon();
}

struct page *
vm_free_block(unsigned order, const struct page *after)
{
	uint32_t fn = after == NULL ? freelist[order] : after->pg_list.next;

	return fn != 0 ? frame_page(fn) : NULL;
}

static struct page *
block_alloc(unsigned order)
{
	struct page *pg;
	unsigned o;

	for (o = order; freelist[o] == 0; o++)
		if (o == VM_MAX_ORDER)
			return NULL;
	pg = frame_page(freelist[o]);
	list_remove(pg, o);
	while (o > order) {
		o--;
		list_insert(pg + (1UL << o), o);
	}
	return pg;
}

/* Move the edge; frames skipped for alignment become free blocks. */
static struct page *
fresh_alloc(unsigned order)
{
	uint64_t n = 1UL << order, fn;
	struct fresh *fr;

	for (fr = fresh; fr < &fresh[nfresh]; fr++) {
		fn = (fr->next + n - 1) & ~(n - 1);
		if (fn + n > fr->end)
			continue;
		while (fr->next < fn)
			block_free(frame_page(fr->next++), 0);
		fr->next += n;
		return frame_page(fn);
	}
	return NULL;
}

/* ---- stacks of recently freed frames ---- */

static void
stack_push(struct stack *st, struct page *pg)
{
	pg->pg_next = st->top;
	st->top = pg;
	st->count++;
}

static struct page *
stack_pop(struct stack *st)
{
	struct page *pg = st->top;

	if (pg != NULL) {
		st->top = pg->pg_next;
		st->count--;
	}
	return pg;
}

/* Give everything back to the buddy lists, where it can merge. */
void
vm_page_drain(void)
{
	struct page *pg;

	while ((pg = stack_pop(&clean)) != NULL)
		block_free(pg, 0);
	for (unsigned order = 0; order < HOT_ORDERS; order++)
		while ((pg = stack_pop(&hot[order])) != NULL)
			block_free(pg, order);
}

/* ---- allocation ---- */

/* Users leave a reserve to the kernel, so that it can still serve and kill them. */
static bool
alloc_refused(uint64_t n, int flags)
{
	return KMEM_FAIL() || nfree < n + (flags & PGA_KERNEL ? 0 : reserve);
}

static struct page *
cold_alloc(void)
{
	struct page *pg;

	if ((pg = block_alloc(0)) != NULL || (pg = fresh_alloc(0)) != NULL)
		return pg;
	vm_page_drain(); /* what is free hides in the stacks of larger blocks */
	return block_alloc(0);
}

/* A page that has not been used since the host gave it is zero.  Its first access has to be a write
 * all the same: for one that reads the host maps zeroes, and the next one is a fault there again.
 */
static void
zero(struct page *pg)
{
	if (pg->pg_flags & PG_DIRTY)
		vm_zero_page(page_to_dm(pg));
	else
		*(volatile uint64_t *)page_to_dm(pg) = 0;
}

struct page *
vm_page_alloc(int flags)
{
	struct page *pg;
	bool zeroed = flags & PGA_ZERO;

	if (alloc_refused(1, flags))
		return NULL;
	if ((pg = stack_pop(zeroed ? &clean : &hot[0])) == NULL &&
	    (pg = stack_pop(zeroed ? &hot[0] : &clean)) == NULL)
		pg = cold_alloc();
	KASSERT(pg != NULL && pg->pg_refs == 0);
	set_free(nfree - 1);
	if (zeroed)
		zero(pg);
	pg->pg_flags = PG_DIRTY;
	pg->pg_order = 0;
	pg->pg_refs = 1;
	pg->pg_owner = NULL;
	return pg;
}

static struct page *
find_block(unsigned order)
{
	struct page *pg = order < HOT_ORDERS ? stack_pop(&hot[order]) : NULL;

	if (pg == NULL && (pg = block_alloc(order)) == NULL && (pg = fresh_alloc(order)) == NULL) {
		vm_page_drain();
		pg = block_alloc(order);
	}
	return pg;
}

struct page *
vm_pages_alloc(unsigned order, int flags)
{
	uint64_t n = 1UL << order;
	struct page *pg;

	if (order == 0)
		return vm_page_alloc(flags);
	if (order > VM_MAX_ORDER || alloc_refused(n, flags) || (pg = find_block(order)) == NULL)
		return NULL;
	set_free(nfree - n);
	for (uint64_t i = 0; i < n; i++) {
		if (flags & PGA_ZERO)
			zero(&pg[i]);
		pg[i].pg_flags = PG_DIRTY;
	}
	pg->pg_order = (uint8_t)order;
	pg->pg_refs = 1;
	pg->pg_owner = NULL;
	return pg;
}

void
vm_pages_free(struct page *pg, unsigned order)
{
	KASSERT(pg->pg_refs <= 1 && !(pg->pg_flags & PG_FREE));
	pg->pg_refs = 0;
	pg->pg_flags = PG_DIRTY;
	if (order < HOT_ORDERS && hot[order].count < stack_max[order])
		stack_push(&hot[order], pg);
	else
		block_free(pg, order);
	set_free(nfree + (1UL << order));
}

#ifdef TINE_DEBUG
static void
check_clean(const struct page *pg)
{
	const uint64_t *p = page_to_dm(pg);

	for (size_t i = 0; i < PAGE_SIZE / sizeof(*p); i++)
		if (p[i] != 0)
			panic("frame %#lx is not clean: %#lx at %zu", page_to_pa(pg), p[i], i);
}
#else
#define check_clean(pg) ((void)0)
#endif

void
vm_page_free_clean(struct page *pg)
{
	KASSERT(pg->pg_refs <= 1);
	check_clean(pg);
	pg->pg_refs = 0;
	pg->pg_flags = 0;
	if (clean.count < stack_max[0])
		stack_push(&clean, pg);
	else
		block_free(pg, 0);
	set_free(nfree + 1);
}

/* ---- references by address ---- */

/* The kernel's own pages (the zero frame) can be mapped without being counted: never freed. */
static struct page *
counted(paddr_t pa)
{
	struct page *pg = pa_to_page(pa);

	return pg != NULL && !(pg->pg_flags & PG_KERNEL) ? pg : NULL;
}

void
pa_hold(paddr_t pa)
{
	struct page *pg = counted(pa);

	if (pg != NULL)
		vm_page_hold(pg);
}

void
pa_release(paddr_t pa)
{
	struct page *pg = counted(pa);

	if (pg != NULL)
		vm_page_release(pg);
}

uint64_t
vm_frames_free(void)
{
	return nfree;
}

uint64_t
vm_frames_total(void)
{
	return ntotal;
}

/* Files are memory that nobody can be killed for.  They leave enough for programs to run that
 * remove them. */
uint64_t
vm_frames_for_files(void)
{
	uint64_t kept = ntotal / 16;

	return nfree > kept ? nfree - kept : 0;
}

/* ---- boot ---- */

/*
 * Cut the frame table out of the first range with room for it.  What is handed out first has its
 * entries in one page, and lies with them in one block of 2 MiB, which is the kernel's as well:
 * that takes one page table of the host and one of nested paging.
 */
static void
table_place(void)
{
	const uint64_t entries = PAGE_SIZE / sizeof(struct page), block = 1UL << 9;
	uint64_t pages = howmany(vm_low_frames + high_frames, entries);
	struct fresh *r = fresh;

	while (r->end - r->next < pages)
		if (++r == &fresh[nfresh])
			panic("no room for the frame table");
	uint64_t start = r->next, edge = roundup(start, block);
	uint64_t at = edge - howmany(edge, entries);

	if (at < start || at + pages > r->end)
		at = start;
	uint64_t first = MIN(roundup(start, entries), at);

	memmove(r + 1, r, (size_t)(&fresh[nfresh++] - r) * sizeof(*r));
	r[0] = (struct fresh){first, at};
	r[1].next = at + pages;
	fresh[nfresh++] = (struct fresh){start, first};
	/* Untouched RAM: the table is zero, which says "never used" of every frame. */
	vm_frames = PHYS_TO_DM(ptoa(at));
}

void
vm_page_init(void)
{
	struct ramrange ram[MAX_RANGES];
	int n = md_ram_ranges(ram, MAX_RANGES - 2);
	uint64_t low_end = 0, high_end = HIGH_FRAME, start, end;

	for (int i = 0; i < n; i++) {
		start = MAX(atop(ram[i].start), 1UL); /* number 0 ends the lists */
		end = atop(ram[i].end);
		if (start >= end)
			continue;
		if (end > HIGH_FRAME)
			high_end = MAX(high_end, end);
		else
			low_end = MAX(low_end, end);
		fresh[nfresh++] = (struct fresh){start, end};
	}
	vm_low_frames = low_end;
	high_frames = high_end - HIGH_FRAME;
	table_place();
	for (int i = 0; i < nfresh; i++)
		nfree += fresh[i].end - fresh[i].next;
	ntotal = nfree;
	reserve = MIN(MAX(ntotal / 64, 64UL), 1024UL);
	STAT_SET(frames_total, ntotal);
	set_free(nfree);
}
