/* SPDX-License-Identifier: ISC */
/* test_vm.c: address spaces: search for space, merging, brk, stacks, moves, the cost of fork. */
#include "fake_kernel.h"

static vaddr_t
map_anon(struct vmspace *vm, vaddr_t addr, vsize_t len, uint32_t rflags, bool fixed)
{
	struct map_args ma = {.addr = addr,
			      .len = len,
			      .prot = PROT_READ | PROT_WRITE,
			      .maxprot = PROT_ALL,
			      .rflags = rflags,
			      .fixed = fixed};
	vaddr_t at = 0;

	return vm_map_enter(vm, &ma, &at) == 0 ? at : 0;
}

static void
store(struct vmspace *vm, vaddr_t va, uint64_t word)
{
	CHECK_EQ(mmu_access(vm, va, VMF_WRITE, &word), 0);
}

static uint64_t
load(struct vmspace *vm, vaddr_t va)
{
	uint64_t word = 0;

	CHECK_EQ(mmu_access(vm, va, VMF_READ, &word), 0);
	return word;
}

/* The reference: highest hole below the base, found by looking at every page. */
static vaddr_t
slow_search(const struct vmspace *vm, vsize_t len)
{
	vaddr_t va = vm->vm_mmap_base - len;
	const struct region *r;

	while ((r = vm_map_lookup_ge(vm->vm_map, va)) != NULL && r->r_start < va + len)
		va -= PAGE_SIZE;
	return va;
}

void
test_space_search(void **state)
{
	struct usage before = usage_now();
	struct vmspace *vm = vmspace_create();
	uint64_t rnd = 99;
	vaddr_t va, want;
	vsize_t len;

	(void)state;
	for (hosted_step = 0; hosted_step < 3000; hosted_step++) {
		len = ptoa(1 + rnd_next(&rnd) % 8);
		if (rnd_next(&rnd) % 3 != 0) {
			want = slow_search(vm, len);
			/* Different flags, so that neighbours do not merge. */
			CHECK_EQ(map_anon(vm, 0, len, hosted_step % 2 ? R_NORESERVE : 0, false),
				 want);
			continue;
		}
		va = vm->vm_mmap_base - ptoa(rnd_next(&rnd) % 4000);
		CHECK_EQ(vm_map_remove(vm, va, va + len), 0);
	}
	CHECK(vm_map_findspace(vm, 0x12345678, PAGE_SIZE, false) == 0x12345000);
	CHECK(vm_map_findspace(vm, 0, PAGE_SIZE, true) == 0x80000000 - PAGE_SIZE);
	CHECK(vm_map_findspace(vm, 0, VM_USER_MAX, false) == 0);
	CHECK(vm_map_findspace(vm, 0, 0x7e0000000000, false) != 0);
	vmspace_release(vm);
	usage_check(before);
}

void
test_merge(void **state)
{
	struct vmspace *vm = vmspace_create();
	const vaddr_t a = 0x10000000;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		CHECK(map_anon(vm, a + ptoa(i * 37 % 100), PAGE_SIZE, 0, true) != 0);
	CHECK_EQ(vm->vm_map->m_count, 1);
	CHECK_EQ(vm_map_protect(vm, a + ptoa(10), a + ptoa(20), PROT_READ), 0);
	CHECK_EQ(vm->vm_map->m_count, 3);
	CHECK_EQ(vm->vm_map->m_dsize, 90);
	CHECK_EQ(vm_map_protect(vm, a, a + ptoa(101), PROT_READ), ENOMEM);
	CHECK_EQ(vm_map_protect(vm, a + ptoa(10), a + ptoa(20), 3), 0);
	CHECK_EQ(vm->vm_map->m_count, 1);
	/* One page in two: as many regions as there may be, and no more. */
	for (unsigned i = 0; i < VM_MAX_REGIONS - 1; i++)
		CHECK(map_anon(vm, a * 2 + ptoa(2 * i), PAGE_SIZE, 0, true) != 0);
	CHECK(map_anon(vm, a * 8, PAGE_SIZE, 0, true) == 0);
	CHECK_EQ(vm_map_protect(vm, a, a + PAGE_SIZE, 0), ENOMEM);
	CHECK_EQ(vm_map_remove(vm, a + PAGE_SIZE, a + ptoa(2)), 0);
	CHECK_EQ(vm_map_remove(vm, a, VM_USER_MAX), 0);
	CHECK_EQ(vm->vm_map->m_total, 0);
	vmspace_release(vm);
}

void
test_brk(void **state)
{
	struct vmspace *vm = vmspace_create();

	(void)state;
	vm->vm_brk = vm->vm_brk_start = 0x601000;
	CHECK_EQ(vm_brk(vm, 0x601008), 0);
	store(vm, 0x601000, 5);
	CHECK_EQ(vm_brk(vm, 0x700000), 0);
	store(vm, 0x6ff000, 6);
	CHECK_EQ(vm->vm_map->m_count, 1);
	CHECK_EQ(vm_brk(vm, 0x602000), 0);
	CHECK_EQ(vm_brk(vm, 0x700000), 0);
	CHECK_EQ(load(vm, 0x6ff000), 0);
	CHECK_EQ(load(vm, 0x601000), 5);
	CHECK_EQ(vm_brk(vm, 0x600000), ENOMEM);
	CHECK(map_anon(vm, 0x800000, PAGE_SIZE, 0, true) != 0);
	CHECK_EQ(vm_brk(vm, 0x801000), ENOMEM);
	CHECK_EQ(vm->vm_brk, 0x700000);
	CHECK_EQ(vm_brk(vm, VM_USER_MAX), ENOMEM);
	vmspace_release(vm);
}

void
test_stack(void **state)
{
	struct vmspace *vm = vmspace_create();
	const vaddr_t top = VM_STACK_TOP;
	uint64_t word = 0;

	(void)state;
	CHECK(map_anon(vm, top - ptoa(4), ptoa(4), R_STACK, true) != 0);
	CHECK_EQ(vm->vm_map->m_ssize, 4);
	store(vm, top - ptoa(30), 1);
	CHECK_EQ(vm->vm_map->m_ssize, 30);
	CHECK(!vm_map_growstack(vm, top - ptoa(40), ptoa(39)));
	CHECK(vm_map_growstack(vm, top - ptoa(40), ptoa(40)));
	/* It keeps its distance from what is below. */
	CHECK(map_anon(vm, top - ptoa(400), PAGE_SIZE, 0, true) != 0);
	CHECK_EQ(mmu_access(vm, top - ptoa(144), VMF_WRITE, &word), EFAULT);
	CHECK_EQ(mmu_access(vm, top - ptoa(143), VMF_WRITE, &word), 0);
	CHECK_EQ(mmu_access(vm, VM_USER_MAX, VMF_READ, &word), EFAULT);
	vmspace_release(vm);
}

void
test_move(void **state)
{
	struct process *ps = fake_process(vmspace_create()), *child;
	const vaddr_t a = 0x40000000, b = 0x8000000000;
	struct vmspace *vm = ps->ps_vmspace;

	(void)state;
	/* Whole tables that a child still shares: its pages must not become writable by the move.
	 */
	CHECK(map_anon(vm, a, 4UL << 20, 0, true) != 0);
	for (unsigned i = 0; i < 1024; i += 100)
		store(vm, a + ptoa(i), i);
	child = fake_process(vmspace_fork(vm, VM_USER_MAX));
	CHECK_EQ(vm_map_move(vm, a, 4UL << 20, b, 4UL << 20, false), 0);
	pmap_check_all();
	for (unsigned i = 0; i < 1024; i += 100) {
		store(child->ps_vmspace, a + ptoa(i), i + 1);
		CHECK_EQ(load(vm, b + ptoa(i)), i);
		store(vm, b + ptoa(i), i + 2);
		CHECK_EQ(load(child->ps_vmspace, a + ptoa(i)), i + 1);
	}
	pmap_check_all();
	CHECK_EQ(vm_map_move(vm, a, PAGE_SIZE, b, PAGE_SIZE, false), EFAULT);
	fake_process_free(ps);
	fake_process_free(child);
}

/* What the processor remembers must go when the kernel changes it behind the program's back. */
void
test_stale(void **state)
{
	struct process *ps = fake_process(vmspace_create()), *child;
	struct vmspace *vm = ps->ps_vmspace, *cvm;
	const vaddr_t a = 0x10000000, b = a + PAGE_SIZE;
	uint64_t word = 7;

	(void)state;
	CHECK(map_anon(vm, a, ptoa(4), 0, true) != 0);
	/* A read fault has entered the frame of zeroes; a tracer writes. */
	CHECK_EQ(load(vm, a), 0);
	CHECK_EQ(vmspace_rw(vm, a, &word, sizeof(word), true, false), 0);
	CHECK_EQ(load(vm, a), 7);
	/*
	 * The child leaves the shared table for one of its own while the processor knows where the
	 * old one is; then the parent, which has the old one to itself now, changes there.
	 */
	store(vm, b, 1);
	child = fake_process(cvm = vmspace_fork(vm, VM_USER_MAX));
	CHECK_EQ(load(cvm, a), 7);
	CHECK_EQ(vmspace_rw(cvm, a + ptoa(2), &word, sizeof(word), true, false), 0);
	word = 2;
	CHECK_EQ(vmspace_rw(vm, b, &word, sizeof(word), true, false), 0);
	CHECK_EQ(load(cvm, b), 1);
	CHECK_EQ(load(vm, b), 2);
	fake_process_free(child);
	fake_process_free(ps);
}

/* A page of an object goes from tables that the running address space shares with another. */
void
test_stale_object(void **state)
{
	struct process *ps = fake_process(vmspace_create()), *child;
	struct vm_object *ob = vm_object_create(ptoa(8));
	struct map_args ma = {.addr = 0x10000000,
			      .len = ptoa(8),
			      .prot = PROT_READ,
			      .maxprot = PROT_ALL,
			      .fixed = true,
			      .object = ob};
	uint64_t word = 5;
	vaddr_t va;

	(void)state;
	CHECK_EQ(vm_map_enter(ps->ps_vmspace, &ma, &va), 0);
	CHECK_EQ(load(ps->ps_vmspace, va), 0);
	/* Something else in the table, which stays. */
	CHECK(map_anon(ps->ps_vmspace, va + ptoa(8), PAGE_SIZE, 0, true) != 0);
	store(ps->ps_vmspace, va + ptoa(8), 1);
	/* The child is the first of all processes, the parent the one that runs. */
	child = fake_process(vmspace_fork(ps->ps_vmspace, VM_USER_MAX));
	CHECK_EQ(load(ps->ps_vmspace, va), 0);
	CHECK_EQ(vm_object_rw(ob, 0, &word, sizeof(word), true, false), 0);
	CHECK_EQ(load(ps->ps_vmspace, va), 5);
	CHECK_EQ(vm_object_truncate(ob, 0), 0);
	CHECK_EQ(mmu_access(ps->ps_vmspace, va, VMF_READ, &word), EIO);
	pmap_check_all();
	fake_process_free(child);
	fake_process_free(ps);
	vm_object_release(ob);
}

/* Fork and exit touch neither frames nor tables, however large the process is. */
void
test_fork_cost(void **state)
{
	struct process *ps = fake_process(vmspace_create()), *child;
	struct vmspace *vm = ps->ps_vmspace;
	const vaddr_t a = 0x10000000;
	uint64_t frames, shared;

	(void)state;
	CHECK(map_anon(vm, a, 16UL << 20, 0, true) != 0);
	for (vaddr_t va = a; va < a + (16UL << 20); va += PAGE_SIZE)
		store(vm, va, va);
	CHECK_EQ(vmspace_rss(vm), 4096);
	frames = vm_frames_free();
	shared = kstats->pt_pages_shared;
	child = fake_process(vmspace_fork(vm, VM_USER_MAX));
	CHECK_EQ(frames - vm_frames_free(), 1); /* the root */
	CHECK_EQ(kstats->pt_pages_shared - shared, 1);
	/* One write: three tables and the page. */
	frames = vm_frames_free();
	store(child->ps_vmspace, a, 1);
	CHECK_EQ(frames - vm_frames_free(), 4);
	pmap_check_all();
	fake_process_free(child);
	/* The path the child has left is ours again: nothing is copied. */
	frames = vm_frames_free();
	store(vm, a + PAGE_SIZE, 1);
	store(vm, a, 2);
	CHECK_EQ(vm_frames_free(), frames);
	pmap_check_all();
	fake_process_free(ps);
}

/* Users run out before the kernel does, and everything comes back. */
void
test_exhaustion(void **state)
{
	struct usage before = usage_now();
	struct vmspace *vm = vmspace_create();
	const vaddr_t a = 0x10000000;
	uint64_t word = 1;
	void *block;
	vaddr_t va;
	int error;

	(void)state;
	CHECK(map_anon(vm, a, 1UL << 32, 0, true) != 0);
	for (va = a; (error = mmu_access(vm, va, VMF_WRITE, &word)) == 0; va += PAGE_SIZE)
		;
	CHECK_EQ(error, ENOMEM);
	CHECK((block = kmalloc(PAGE_SIZE, 0)) != NULL);
	kfree(block);
	vmspace_release(vm);
	usage_check(before);
}

void
test_fork_exceptions(void **state)
{
	struct process *ps = fake_process(vmspace_create()), *child;
	struct vmspace *vm = ps->ps_vmspace;
	const vaddr_t a = 0x10000000;
	uint64_t word;

	(void)state;
	CHECK(map_anon(vm, a, ptoa(30), 0, true) != 0);
	for (unsigned i = 0; i < 30; i++)
		store(vm, a + ptoa(i), i + 1);
	CHECK_EQ(vm_map_setflags(vm, a + ptoa(5), a + ptoa(10), R_DONTFORK, 0), 0);
	CHECK_EQ(vm_map_setflags(vm, a + ptoa(15), a + ptoa(20), R_WIPEONFORK, 0), 0);
	child = fake_process(vmspace_fork(vm, VM_USER_MAX));
	for (unsigned i = 0; i < 30; i++) {
		CHECK_EQ(load(vm, a + ptoa(i)), i + 1);
		CHECK_EQ(mmu_access(child->ps_vmspace, a + ptoa(i), VMF_READ, &word),
			 i / 5 == 1 ? EFAULT : 0);
		if (i / 5 != 1)
			CHECK_EQ(word, i / 5 == 3 ? 0 : i + 1);
	}
	pmap_check_all();
	fake_process_free(child);
	fake_process_free(ps);
}
