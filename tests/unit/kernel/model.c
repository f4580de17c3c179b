/* SPDX-License-Identifier: ISC */
/*
 * model.c: random operations on several address spaces, checked page by page against a model that
 * knows nothing of page tables, frames or sharing.
 *
 * The model says for each page of each address space what a program would find there.  After every
 * operation all of it is compared with what is in the page tables, without faulting, and the
 * reference counts of all tables and frames are added up.  The second test also fails every
 * allocation that an operation makes, one after the other: each failure must leave everything as
 * it was.
 */
#include "fake_kernel.h"

#define NSPACES 6
#define NOBJECTS 4
#define OBJ_PAGES 40
#define ZONE_PAGES 24
#define NZONES 5
#define NPAGES (NZONES * ZONE_PAGES)

/* Each zone straddles a border of tables of some level. */
static const vaddr_t zone_mid[NZONES] = {0x400000, 0x40000000, 0x40200000, 0x8000000000,
					 0x7f8000000000};

/* A page has two words: one at its start, one near its end. */
struct words {
	uint64_t w[2];
};
#define WORD_OFF(i) ((i) == 0 ? 0UL : PAGE_SIZE - 8)

struct mpage {
	bool mapped, shared, own, dontfork, wipe;
	uint8_t prot;
	int8_t obj;   /* -1: anonymous */
	uint32_t idx; /* page of the object */
	struct words val;
};
struct mobject {
	struct vm_object *ob;
	struct vnode vnode;
	uint64_t size;
	struct words page[OBJ_PAGES];
};
struct space {
	struct process *ps;
	struct mpage page[NPAGES];
};

static struct space spaces[NSPACES];
static struct mobject objects[NOBJECTS];
static uint64_t rnd, next_value;
static bool failing; /* the k-th allocation of the operation fails */

static uint64_t
below(uint64_t n)
{
	return rnd_next(&rnd) % n;
}

static vaddr_t
page_va(unsigned p)
{
	return zone_mid[p / ZONE_PAGES] + (p % ZONE_PAGES) * PAGE_SIZE - ZONE_PAGES / 2 * PAGE_SIZE;
}

static struct vmspace *
space_vm(const struct space *sp)
{
	return sp->ps->ps_vmspace;
}

static uint64_t
object_pages(const struct mobject *mo)
{
	return atop(round_page(mo->size));
}

/* What a program reads at the page, if it may. */
static struct words
page_value(const struct mpage *mp)
{
	if (mp->own || mp->obj < 0)
		return mp->own ? mp->val : (struct words){{0, 0}};
	return mp->idx < OBJ_PAGES ? objects[mp->obj].page[mp->idx] : (struct words){{0, 0}};
}

/* ---- comparison ---- */

static void
check_present(const struct mpage *mp, paddr_t pa, int prot)
{
	struct words want = page_value(mp);
	const char *p = PHYS_TO_DM(pa);

	CHECK(mp->mapped);
	CHECK_EQ(*(const uint64_t *)(const void *)(p + WORD_OFF(0)), want.w[0]);
	CHECK_EQ(*(const uint64_t *)(const void *)(p + WORD_OFF(1)), want.w[1]);
	CHECK((prot & ~(mp->prot | PROT_READ)) == 0);
	CHECK(mp->prot != 0 || prot == 0);
	CHECK(!(prot & PROT_WRITE) || mp->own || mp->shared);
	CHECK(mp->own || mp->obj < 0 || mp->idx < object_pages(&objects[mp->obj]));
}

static void
check_region(const struct mpage *mp, const struct region *r, vaddr_t va)
{
	CHECK_EQ(mp->mapped, r != NULL);
	if (r == NULL)
		return;
	CHECK_EQ(r->r_prot, mp->prot);
	CHECK_EQ((r->r_flags & R_SHARED) != 0, mp->shared);
	CHECK_EQ((r->r_flags & R_DONTFORK) != 0, mp->dontfork);
	CHECK_EQ((r->r_flags & R_WIPEONFORK) != 0, mp->wipe);
	CHECK(r->r_object == (mp->obj < 0 ? NULL : objects[mp->obj].ob));
	if (mp->obj >= 0)
		CHECK_EQ(atop(r->r_offset + (va - r->r_start)), mp->idx);
}

static void
check_map(const struct vm_map *map)
{
	uint64_t total = 0, data = 0, n;
	const struct region *r;

	for (uint32_t i = 0; i < map->m_count; i++) {
		r = &map->m_region[i];
		n = atop(r->r_end - r->r_start);
		CHECK(r->r_start < r->r_end && (i == 0 || r[-1].r_end <= r->r_start));
		total += n;
		if ((r->r_prot & PROT_WRITE) && !(r->r_flags & R_SHARED))
			data += n;
	}
	CHECK_EQ(map->m_total, total);
	CHECK_EQ(map->m_dsize, data);
	CHECK(map->m_count <= map->m_capacity);
}

static void
check_space(const struct space *sp)
{
	struct vmspace *vm = space_vm(sp);
	uint64_t resident = 0;
	const struct mpage *mp;
	paddr_t pa;
	int prot;

	check_map(vm->vm_map);
	for (unsigned p = 0; p < NPAGES; p++) {
		mp = &sp->page[p];
		check_region(mp, vm_map_lookup(vm->vm_map, page_va(p)), page_va(p));
		if (pmap_extract(&vm->vm_pmap, page_va(p), &pa, &prot)) {
			check_present(mp, pa, prot);
			resident++;
		} else
			CHECK(!mp->own);
	}
	CHECK_EQ(pmap_resident(&vm->vm_pmap, 0, VM_USER_MAX), resident);
}

static void
check_objects(void)
{
	uint32_t nmaps[NOBJECTS] = {0}, nwrite[NOBJECTS] = {0};
	const struct vm_map *map, *seen[NSPACES];
	int nseen = 0, j;

	for (struct space *sp = spaces; sp < &spaces[NSPACES]; sp++) {
		if (sp->ps == NULL)
			continue;
		map = space_vm(sp)->vm_map;
		for (j = 0; j < nseen && seen[j] != map; j++)
			;
		if (j < nseen)
			continue; /* shared by fork: counted once */
		seen[nseen++] = map;
		for (uint32_t i = 0; i < map->m_count; i++)
			for (j = 0; j < NOBJECTS; j++)
				if (map->m_region[i].r_object == objects[j].ob) {
					nmaps[j]++;
					nwrite[j] += (map->m_region[i].r_flags & R_SHARED) &&
						     (map->m_region[i].r_prot & PROT_WRITE);
				}
	}
	for (j = 0; j < NOBJECTS; j++) {
		CHECK_EQ(objects[j].ob->ob_nmaps, nmaps[j]);
		CHECK_EQ(objects[j].ob->ob_nwrite, nwrite[j]);
		CHECK_EQ(objects[j].ob->ob_refs, nmaps[j] + 1);
		CHECK_EQ(objects[j].vnode.v_refs, nmaps[j] + 1);
	}
}

static void
check_all(void)
{
	for (struct space *sp = spaces; sp < &spaces[NSPACES]; sp++)
		if (sp->ps != NULL)
			check_space(sp);
	check_objects();
	pmap_check_all();
}

/* ---- operations ---- */

enum opkind {
	OP_ACCESS,
	OP_MAP,
	OP_UNMAP,
	OP_PROTECT,
	OP_DISCARD,
	OP_MOVE,
	OP_FLAGS,
	OP_FORK,
	OP_EXIT,
	OP_OBJ_WRITE,
	OP_OBJ_TRUNCATE,
	OP_OBJ_PUNCH,
	OP_FORCE,
	NOPS
};

struct op {
	enum opkind kind;
	struct space *sp, *other; /* other: child of fork */
	unsigned p, n;            /* pages [p, p + n) of the model, n > 0 */
	vaddr_t start, end;       /* the same as addresses: may span zones */
	unsigned to, newn;        /* OP_MOVE */
	int prot, access, word;
	bool shared, flag, set;
	int obj;
	uint32_t idx;
	uint64_t value, size;
};

/* Has an allocation been made to fail in this operation? */
static bool
injected(void)
{
	return failing && kmem_fail_at == 0;
}

static bool
covered(const struct op *op)
{
	if (op->p / ZONE_PAGES != (op->p + op->n - 1) / ZONE_PAGES)
		return false; /* what lies between the zones is never mapped */
	for (unsigned p = op->p; p < op->p + op->n; p++)
		if (!op->sp->page[p].mapped)
			return false;
	return true;
}

/* May the page be accessed?  What vm_fault() says. */
static int
expect_access(const struct mpage *mp, int access)
{
	if (!mp->mapped)
		return EFAULT;
	if (mp->prot == 0 || ((access & VMF_WRITE) && !(mp->prot & PROT_WRITE)) ||
	    ((access & VMF_EXEC) && !(mp->prot & PROT_EXEC)))
		return EACCES;
	return mp->obj >= 0 && !mp->own && mp->idx >= object_pages(&objects[mp->obj]) ? EIO : 0;
}

static void
model_store(struct mpage *mp, int word, uint64_t value)
{
	if (mp->shared) {
		objects[mp->obj].page[mp->idx].w[word] = value;
		return;
	}
	if (!mp->own)
		mp->val = page_value(mp);
	mp->own = true;
	mp->val.w[word] = value;
}

static int
do_access(struct op *op)
{
	struct mpage *mp = &op->sp->page[op->p];
	int want = expect_access(mp, op->access), error;
	uint64_t word = op->value;

	error =
	    mmu_access(space_vm(op->sp), page_va(op->p) + WORD_OFF(op->word), op->access, &word);
	if (error == ENOMEM)
		return ENOMEM;
	CHECK_EQ(error, want);
	if (error != 0)
		return 0;
	if (op->access & VMF_WRITE)
		model_store(mp, op->word, op->value);
	else
		CHECK_EQ(word, page_value(mp).w[op->word]);
	return 0;
}

static int
do_map(struct op *op)
{
	struct mobject *mo = op->obj >= 0 ? &objects[op->obj] : NULL;
	struct map_args ma = {.addr = op->start,
			      .len = op->n * PAGE_SIZE,
			      .prot = op->prot,
			      .maxprot = PROT_ALL,
			      .rflags = op->shared ? R_SHARED : 0,
			      .fixed = true,
			      .object = mo != NULL ? mo->ob : NULL,
			      .offset = ptoa(op->idx),
			      .vnode = mo != NULL ? &mo->vnode : NULL};
	vaddr_t addr;
	int error = vm_map_enter(space_vm(op->sp), &ma, &addr);

	if (error != 0)
		return error;
	CHECK_EQ(addr, op->start);
	for (unsigned i = 0; i < op->n; i++)
		op->sp->page[op->p + i] = (struct mpage){.mapped = true,
							 .shared = op->shared,
							 .prot = (uint8_t)op->prot,
							 .obj = (int8_t)op->obj,
							 .idx = op->idx + i};
	return 0;
}

static int
do_unmap(struct op *op)
{
	int error = vm_map_remove(space_vm(op->sp), op->start, op->end);

	for (unsigned p = op->p; error == 0 && p < op->p + op->n; p++)
		op->sp->page[p] = (struct mpage){.mapped = false};
	return error;
}

static int
do_protect(struct op *op)
{
	int error = vm_map_protect(space_vm(op->sp), op->start, op->end, op->prot);

	if (!covered(op)) {
		CHECK_EQ(error, ENOMEM);
		return 0;
	}
	for (unsigned p = op->p; error == 0 && p < op->p + op->n; p++)
		op->sp->page[p].prot = (uint8_t)op->prot;
	return error;
}

static int
do_discard(struct op *op)
{
	int error = vm_map_advise_free(space_vm(op->sp), op->start, op->end);

	/* Holes are reported too, after the work is done. */
	CHECK(error == 0 || error == ENOMEM);
	if (error != 0 && (covered(op) || injected()))
		return error;
	for (unsigned p = op->p; p < op->p + op->n; p++)
		op->sp->page[p].own = false;
	return 0;
}

static int
do_flags(struct op *op)
{
	uint32_t flag = op->flag ? R_DONTFORK : R_WIPEONFORK;
	int error = vm_map_setflags(space_vm(op->sp), op->start, op->end, op->set ? flag : 0,
				    op->set ? 0 : flag);

	if (!covered(op)) {
		CHECK_EQ(error, ENOMEM);
		return 0;
	}
	for (unsigned p = op->p; error == 0 && p < op->p + op->n; p++)
		*(op->flag ? &op->sp->page[p].dontfork : &op->sp->page[p].wipe) = op->set;
	return error;
}

static bool
any_mapped(const struct space *sp, unsigned p, unsigned n)
{
	const struct region *r = vm_map_lookup_ge(space_vm(sp)->vm_map, page_va(p));

	return r != NULL && r->r_start < page_va(p) + n * PAGE_SIZE;
}

static int
do_move(struct op *op)
{
	struct mpage moved[ZONE_PAGES], *mp = op->sp->page;
	int error = vm_map_move(space_vm(op->sp), op->start, op->n * PAGE_SIZE, page_va(op->to),
				op->newn * PAGE_SIZE, op->flag);

	if (error == EFAULT)
		return 0; /* not one region */
	if (error != 0) {
		/* What was at the destination may be gone, all of it. */
		if (!any_mapped(op->sp, op->to, op->newn))
			memset(&mp[op->to], 0, op->newn * sizeof(*mp));
		return error;
	}
	memcpy(moved, &mp[op->p], op->n * sizeof(*mp));
	for (unsigned i = 0; i < op->n; i++) {
		if (!op->flag)
			mp[op->p + i] = (struct mpage){.mapped = false};
		mp[op->p + i].own = false;
	}
	for (unsigned i = 0; i < op->newn; i++) {
		mp[op->to + i] = i < op->n ? moved[i] : moved[0];
		mp[op->to + i].idx = moved[0].idx + i;
		if (i >= op->n)
			mp[op->to + i].own = false;
	}
	return 0;
}

static int
do_fork(struct op *op)
{
	struct vmspace *child = vmspace_fork(space_vm(op->sp), page_va(op->p));

	if (child == NULL)
		return ENOMEM;
	op->other->ps = fake_process(child);
	memcpy(op->other->page, op->sp->page, sizeof(op->sp->page));
	for (struct mpage *mp = op->other->page; mp < &op->other->page[NPAGES]; mp++) {
		if (mp->dontfork)
			*mp = (struct mpage){.mapped = false};
		if (mp->wipe)
			mp->own = false;
	}
	return 0;
}

static int
do_exit(struct op *op)
{
	fake_process_free(op->sp->ps);
	op->sp->ps = NULL;
	return 0;
}

static int
do_obj_write(struct op *op)
{
	struct mobject *mo = &objects[op->obj];
	uint64_t off = ptoa(op->idx) + WORD_OFF(op->word), word = op->value;
	int error;

	if (off + sizeof(word) > mo->size)
		return 0;
	error = vm_object_rw(mo->ob, off, &word, sizeof(word), op->set, false);
	if (error == 0 && op->set)
		mo->page[op->idx].w[op->word] = op->value;
	else if (error == 0)
		CHECK_EQ(word, mo->page[op->idx].w[op->word]);
	return error;
}

static int
do_obj_truncate(struct op *op)
{
	struct mobject *mo = &objects[op->obj];
	int error = vm_object_truncate(mo->ob, op->size);

	if (error != 0)
		return error;
	/* Bytes past the end of the last page do not survive a change of size in either direction.
	 */
	for (unsigned i = 0; op->size != mo->size && i < OBJ_PAGES; i++)
		for (int w = 0; w < 2; w++)
			if (ptoa(i) + WORD_OFF(w) >= MIN(op->size, mo->size))
				mo->page[i].w[w] = 0;
	mo->size = op->size;
	return 0;
}

static int
do_obj_punch(struct op *op)
{
	struct mobject *mo = &objects[op->obj];
	uint64_t start = ptoa(op->idx) + WORD_OFF(op->word), end = start + op->size;
	int error = vm_object_punch(mo->ob, start, end);

	if (error != 0)
		return error;
	for (unsigned i = 0; i < object_pages(mo); i++)
		for (int w = 0; w < 2; w++)
			if (ptoa(i) + WORD_OFF(w) >= start && ptoa(i) + WORD_OFF(w) < end)
				mo->page[i].w[w] = 0;
	return 0;
}

/* A tracer's access: may write where the program may not. */
static int
do_force(struct op *op)
{
	struct mpage *mp = &op->sp->page[op->p];
	bool write = op->set;
	uint64_t word = op->value;
	int want = expect_access(mp, write ? VMF_WRITE : VMF_READ), error;

	if (write && want == EACCES && mp->prot != 0 && !mp->shared)
		want = expect_access(mp, VMF_READ);
	error = vmspace_rw(space_vm(op->sp), page_va(op->p) + WORD_OFF(op->word), &word,
			   sizeof(word), write, true);
	if (error == ENOMEM)
		return ENOMEM;
	CHECK_EQ(error, want);
	if (error == 0 && write)
		model_store(mp, op->word, op->value);
	else if (error == 0)
		CHECK_EQ(word, page_value(mp).w[op->word]);
	return 0;
}

typedef int op_fn(struct op *);
static op_fn *const op_do[NOPS] = {
    do_access, do_map,  do_unmap,     do_protect,      do_discard,   do_move,  do_flags,
    do_fork,   do_exit, do_obj_write, do_obj_truncate, do_obj_punch, do_force,
};

/* ---- choice ---- */

static const unsigned op_weight[NOPS] = {48, 8, 6, 6, 3, 3, 2, 6, 3, 5, 1, 1, 3};

static enum opkind
pick_kind(void)
{
	unsigned total = 0, x;
	enum opkind kind;

	for (int i = 0; i < NOPS; i++)
		total += op_weight[i];
	x = (unsigned)below(total);
	for (kind = 0; x >= op_weight[kind]; kind++)
		x -= op_weight[kind];
	return kind;
}

static struct space *
pick_space(bool used)
{
	unsigned i = (unsigned)below(NSPACES);

	for (unsigned n = 0; n < NSPACES; n++, i = (i + 1) % NSPACES)
		if ((spaces[i].ps != NULL) == used)
			return &spaces[i];
	return NULL;
}

/* A range of one zone, or from one zone into a later one with all that lies between. */
static void
pick_range(struct op *op, bool wide)
{
	unsigned zone = (unsigned)below(NZONES), first = (unsigned)below(ZONE_PAGES), last;

	op->p = zone * ZONE_PAGES + first;
	if (wide && below(3) == 0)
		last = op->p + (unsigned)below(NPAGES - op->p);
	else
		last = op->p + (unsigned)below(ZONE_PAGES - first);
	op->n = last - op->p + 1;
	op->start = page_va(op->p);
	op->end = page_va(last) + PAGE_SIZE;
}

static void
pick_page(struct op *op, unsigned p)
{
	op->p = p;
	op->n = 1;
	op->start = page_va(p);
	op->end = op->start + PAGE_SIZE;
}

static void
pick_move(struct op *op)
{
	unsigned room;

	op->n = 1 + (unsigned)below(MIN(op->n, 6U));
	do
		op->to = (unsigned)below(NPAGES);
	while (op->to / ZONE_PAGES == op->p / ZONE_PAGES);
	room = ZONE_PAGES - op->to % ZONE_PAGES;
	op->newn = 1 + (unsigned)below(MIN(room, 8U));
	op->flag = op->n <= op->newn && below(4) == 0;
}

static struct space *recent;
static unsigned recent_page;

static bool
pick_op(struct op *op)
{
	static const int accesses[] = {VMF_READ, VMF_WRITE, VMF_WRITE, VMF_EXEC};
	static const int prots[] = {0, 1, 3, 3, 3, 5, 7};
	bool wide;

	/* Stay with an address space and a page for a while, so that stale caches are noticed. */
	*op = (struct op){.kind = pick_kind(), .sp = recent};
	if (op->sp == NULL || op->sp->ps == NULL || below(3) == 0)
		op->sp = recent = pick_space(true);
	wide = op->kind == OP_UNMAP || op->kind == OP_DISCARD || op->kind == OP_PROTECT;
	pick_range(op, wide);
	if (below(3) == 0 && !wide && op->kind != OP_MAP && op->kind != OP_MOVE)
		pick_page(op, recent_page);
	recent_page = op->p;
	op->prot = prots[below(nitems(prots))];
	op->access = accesses[below(nitems(accesses))];
	op->word = (int)below(2);
	op->flag = below(2);
	op->set = below(2);
	op->obj = (int)below(NOBJECTS + 3) - 3; /* negative: anonymous */
	if (op->obj < 0)
		op->obj = op->kind == OP_MAP ? -1 : 0;
	op->shared = op->obj >= 0 && below(2);
	op->idx = (uint32_t)below(OBJ_PAGES);
	op->value = ++next_value;
	op->size = below(ptoa(OBJ_PAGES)) & ~7UL;
	if (op->kind == OP_MOVE)
		pick_move(op);
	if (op->kind == OP_FORK && (op->other = pick_space(false)) == NULL)
		return false;
	/* Never the last one. */
	if (op->kind == OP_EXIT) {
		unsigned n = 0;

		for (unsigned i = 0; i < NSPACES; i++)
			n += spaces[i].ps != NULL;
		return n > 1;
	}
	return true;
}

static const char *const op_name[NOPS] = {
    "access", "map",  "unmap", "protect",  "discard", "move",  "flags",
    "fork",   "exit", "write", "truncate", "punch",   "force",
};

static int
run(struct op *op)
{
	hosted_what = op_name[op->kind];
	return op_do[op->kind](op);
}

/* ---- set-up ---- */

static void
objects_create(void)
{
	struct words *image;

	for (int i = 0; i < NOBJECTS; i++) {
		struct mobject *mo = &objects[i];

		*mo = (struct mobject){.size = ptoa(OBJ_PAGES) - (i == 1 ? 1000 : 0)};
		CHECK((mo->ob = vm_object_create(mo->size)) != NULL);
		mo->vnode.v_refs = 1;
		if (i >= 2)
			continue;
		/* The first two lie in the image, the second only in part. */
		mo->ob->ob_backing = IMAGE_PA;
		mo->ob->ob_backing_len = ptoa(i == 0 ? OBJ_PAGES : 10);
		for (unsigned p = 0; p < (i == 0 ? OBJ_PAGES : 10); p++) {
			image = PHYS_TO_DM(IMAGE_PA + ptoa(p));
			image->w[0] = mo->page[p].w[0] = 0x1000 + p;
			image = PHYS_TO_DM(IMAGE_PA + ptoa(p) + WORD_OFF(1));
			image->w[0] = mo->page[p].w[1] = 0x2000 + p;
		}
	}
}

static void
objects_destroy(void)
{
	const struct words *image;

	for (unsigned p = 0; p < OBJ_PAGES; p++) { /* read-only, by what the host says */
		image = PHYS_TO_DM(IMAGE_PA + ptoa(p));
		CHECK_EQ(image->w[0], 0x1000 + p);
		image = PHYS_TO_DM(IMAGE_PA + ptoa(p) + WORD_OFF(1));
		CHECK_EQ(image->w[0], 0x2000 + p);
	}
	for (int i = 0; i < NOBJECTS; i++) {
		CHECK_EQ(objects[i].ob->ob_refs, 1);
		CHECK_EQ(objects[i].vnode.v_refs, 1);
		vm_object_release(objects[i].ob);
	}
}

static void
run_begin(uint64_t seed)
{
	hosted_seed = rnd = seed;
	rnd_next(&rnd);
	memset(spaces, 0, sizeof(spaces));
	recent = NULL;
	objects_create();
	spaces[0].ps = fake_process(vmspace_create());
}

static void
run_end(struct usage before)
{
	struct op op = {.kind = OP_EXIT};

	for (op.sp = spaces; op.sp < &spaces[NSPACES]; op.sp++)
		if (op.sp->ps != NULL)
			do_exit(&op);
	pmap_activate_kernel();
	objects_destroy();
	usage_check(before);
	CHECK_EQ(kstats->frames_pt, 0);
	CHECK_EQ(kstats->frames_shared, 0);
}

/* ---- tests ---- */

void
test_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct usage before = usage_now();
		struct op op;

		run_begin(seed * 0x9e3779b97f4a7c15ULL);
		for (hosted_step = 0; hosted_step < 5000; hosted_step++) {
			if (!pick_op(&op))
				continue;
			CHECK_EQ(run(&op), 0);
			check_all();
		}
		run_end(before);
	}
}

/* Fail the first allocation, then the second ..., until the operation needs no more of them. */
static void
run_failing(struct op *op)
{
	struct usage before = usage_now();
	int error;

	failing = true;
	for (uint64_t k = 1;; k++) {
		kmem_fail_at = k;
		error = run(op);
		if (kmem_fail_at != 0)
			break; /* not reached: the operation has happened */
		check_all();
		if (op->kind == OP_FORK) {
			if (error == 0) /* only what would have saved faults was given up */
				do_exit(&(struct op){.sp = op->other});
			usage_check(before);
		} else
			CHECK_EQ(error, ENOMEM);
		CHECK(k < 1000);
	}
	kmem_fail_at = 0;
	failing = false;
	CHECK_EQ(error, 0);
}

void
test_model_nomem(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct usage before = usage_now();
		struct op op;

		run_begin(seed * 0xd1342543de82ef95ULL);
		for (hosted_step = 0; hosted_step < 3000; hosted_step++) {
			if (!pick_op(&op))
				continue;
			run_failing(&op);
			check_all();
		}
		run_end(before);
	}
}
