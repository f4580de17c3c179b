/* SPDX-License-Identifier: ISC */
/*
 * stress_vm.c: random changes of memory by a tree of processes over shared page tables, each
 * checked page by page against what it must find there.
 *
 * The first process only says who does what next: one worker acts at a time, so that the order of
 * everything follows from the seed.  A worker forks others, which get its memory and its model of
 * it.  The model of the pages that all share lies in memory that they share.
 *
 * usage: stress_vm [SEED [STEPS]]	also runs on Linux
 */
#include "guest.h"
#include <setjmp.h>
#include <stdbool.h>

#define NWORKERS 7
#define ZONE_PAGES 20
#define NZONES 5
#define BRK_ZONE (NZONES - 1) /* where the program break moves */
#define NPAGES (NZONES * ZONE_PAGES)
#define OBJ_PAGES 32
#define ANON_PAGES (1 << 20) /* of shared anonymous memory, in all of a run; each is used once */
#define OPS_A_TURN 6

/* Each zone straddles a border of page tables of some level; the last one is placed at start. */
static uintptr_t zone_base[NZONES] = {
    0x8000000000 - ZONE_PAGES / 2 * PAGE, 0x10040000000 - ZONE_PAGES / 2 * PAGE,
    0x10040200000 - ZONE_PAGES / 2 * PAGE, 0x7f0000200000 - ZONE_PAGES / 2 * PAGE};

struct words { /* at the start and near the end of a page */
	uint64_t w[2];
};

struct page {
	bool mapped, shared, own; /* own: val is what is there; else the object's page, or zeroes */
	int prot;
	int obj; /* page of the object, from OBJ_PAGES on shared anonymous; -1: private anonymous */
	struct words val;
};
static struct page model[NPAGES];

/* In memory that all processes share. */
static struct common {
	struct words object[OBJ_PAGES + ANON_PAGES];
	int anon_used;
	bool used[NWORKERS];
	bool failed;
	uint64_t forks, faults;
} * common;

struct turn {
	uint64_t seed;
	bool leave; /* exit when done */
};
static int turn_pipe[NWORKERS][2], done_pipe[2], born_pipe[2];
static bool newborn; /* its parent's turn, not its own */
static int object_fd, self;
static uint64_t rnd, next_value;

/* ---- the model ---- */

static uint64_t
below(uint64_t n)
{
	rnd ^= rnd << 13;
	rnd ^= rnd >> 7;
	rnd ^= rnd << 17;
	return (rnd >> 11) % n;
}

static char *
page_addr(int p)
{
	return (char *)(zone_base[p / ZONE_PAGES] + (uintptr_t)(p % ZONE_PAGES) * PAGE);
}

static volatile uint64_t *
word_addr(int p, int i)
{
	return (volatile uint64_t *)(void *)(page_addr(p) + (i == 0 ? 0 : PAGE - 8));
}

/* Where the two words of a page are kept. */
static struct words *
page_words(struct page *mp)
{
	return mp->own || mp->obj < 0 ? &mp->val : &common->object[mp->obj];
}

/* About to be written through its mapping: a private page becomes the process's own. */
static struct words *
written_words(struct page *mp)
{
	if (!mp->shared && !mp->own) {
		mp->val = *page_words(mp);
		mp->own = true;
	}
	return page_words(mp);
}

static void
forget(struct page *mp)
{
	mp->own = false;
	mp->val = (struct words){{0, 0}};
}

static uint64_t
new_value(void)
{
	return ++next_value << 8 | (uint64_t)self;
}

static int
pick_prot(void)
{
	static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE};

	return prots[below(5)];
}

/* A run of pages in one zone that mmap may change; returns its length. */
static int
pick_run(int *first)
{
	int zone = (int)below(BRK_ZONE), at = (int)below(ZONE_PAGES);

	*first = zone * ZONE_PAGES + at;
	return 1 +
	       (int)below(below(3) == 0 ? (uint64_t)(ZONE_PAGES - at) : 1 + (ZONE_PAGES - at) / 4U);
}

static bool
all_mapped(int p, int n)
{
	for (int i = p; i < p + n; i++)
		if (!model[i].mapped)
			return false;
	return true;
}

/* ---- faults ---- */

static sigjmp_buf fault_env;
static volatile sig_atomic_t fault_expected;

static void
on_fault(int sig)
{
	if (!fault_expected) {
		dprintf(2, "stress_vm: worker %d: unexpected signal %d\n", self, sig);
		common->failed = true;
		_exit(1);
	}
	siglongjmp(fault_env, 1);
}

/* Load or store one word; false: SIGSEGV. */
static bool
touch(int p, int i, uint64_t *load, const uint64_t *store)
{
	fault_expected = 1;
	if (sigsetjmp(fault_env, 1) != 0) {
		fault_expected = 0;
		common->faults++;
		return false;
	}
	if (store != NULL)
		*word_addr(p, i) = *store;
	else
		*load = *word_addr(p, i);
	fault_expected = 0;
	return true;
}

/* ---- operations ---- */

static void
op_store(void)
{
	int p = (int)below(NPAGES), i = (int)below(2);
	struct page *mp = &model[p];
	uint64_t v = new_value();

	CHECK_EQ(touch(p, i, NULL, &v), mp->mapped && mp->prot & PROT_WRITE);
	if (mp->mapped && mp->prot & PROT_WRITE)
		written_words(mp)->w[i] = v;
}

static void
op_load(void)
{
	int p = (int)below(NPAGES), i = (int)below(2);
	struct page *mp = &model[p];
	uint64_t v = 0;

	CHECK_EQ(touch(p, i, &v, NULL), mp->mapped && mp->prot != PROT_NONE);
	if (mp->mapped && mp->prot != PROT_NONE)
		CHECK_EQ(v, page_words(mp)->w[i]);
}

static void
op_map(void)
{
	int p, n = pick_run(&p), prot = pick_prot();
	bool shared = below(3) == 0, anon = below(2) == 0;
	int obj = anon ? -1 : (int)below((uint64_t)(OBJ_PAGES - n + 1));
	int flags = MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE) | (anon ? MAP_ANONYMOUS : 0);

	if (anon && shared) {
		if (common->anon_used + n > ANON_PAGES)
			return;
		obj = OBJ_PAGES + common->anon_used;
		common->anon_used += n;
	}
	CHECK(mmap(page_addr(p), (size_t)n * PAGE, prot, flags, anon ? -1 : object_fd,
		   anon ? 0 : (off_t)obj * (off_t)PAGE) == page_addr(p));
	for (int i = 0; i < n; i++)
		model[p + i] = (struct page){
		    .mapped = true, .shared = shared, .prot = prot, .obj = obj < 0 ? -1 : obj + i};
}

static void
unmap_pages(int p, int n)
{
	CHECK_EQ(munmap(page_addr(p), (size_t)n * PAGE), 0);
	for (int i = 0; i < n; i++)
		model[p + i] = (struct page){.obj = -1};
}

static void
op_unmap(void)
{
	int p, n = pick_run(&p);

	unmap_pages(p, n);
}

static void
op_protect(void)
{
	int p, n = pick_run(&p), prot = pick_prot();

	if (!all_mapped(p, n))
		return;
	CHECK_EQ(mprotect(page_addr(p), (size_t)n * PAGE, prot), 0);
	for (int i = 0; i < n; i++)
		model[p + i].prot = prot;
}

static void
op_discard(void)
{
	int p, n = pick_run(&p);

	if (!all_mapped(p, n))
		return;
	CHECK_EQ(madvise(page_addr(p), (size_t)n * PAGE, MADV_DONTNEED), 0);
	for (int i = 0; i < n; i++)
		if (!model[p + i].shared)
			forget(&model[p + i]);
}

/* Could these pages be one mapping? */
static bool
uniform(int p, int n)
{
	for (int i = p; i < p + n; i++)
		if (!model[i].mapped || model[i].prot != model[p].prot ||
		    model[i].shared != model[p].shared ||
		    model[i].obj != (model[p].obj < 0 ? -1 : model[p].obj + i - p))
			return false;
	return true;
}

/* Move a run, which may shrink or grow; what is at the destination goes. */
static void
op_move(void)
{
	int from, n = pick_run(&from), to, m = pick_run(&to);
	struct page moved[ZONE_PAGES], *mp = &model[from];
	void *at;

	if (from < to + m && to < from + n)
		return;
	if (!uniform(from, n) || (mp->obj >= OBJ_PAGES && m > n) ||
	    (mp->obj >= 0 && mp->obj < OBJ_PAGES && mp->obj + m > OBJ_PAGES))
		return; /* beyond the end of an object there is nothing to compare with */
	at = mremap(page_addr(from), (size_t)n * PAGE, (size_t)m * PAGE,
		    MREMAP_MAYMOVE | MREMAP_FIXED, page_addr(to));
	if (at == MAP_FAILED && errno == EFAULT) {
		unmap_pages(from, n); /* they were not one mapping; the destination may have gone */
		unmap_pages(to, m);
		return;
	}
	CHECK(at == page_addr(to));
	for (int i = 0; i < m; i++)
		moved[i] = i < n ? mp[i]
				 : (struct page){.mapped = true,
						 .shared = mp->shared,
						 .prot = mp->prot,
						 .obj = mp->obj < 0 ? -1 : mp->obj + i};
	for (int i = 0; i < n; i++)
		mp[i] = (struct page){.obj = -1};
	memcpy(&model[to], moved, (size_t)m * sizeof(moved[0]));
}

static void
op_brk(void)
{
	struct page *zone = &model[BRK_ZONE * ZONE_PAGES];
	int n = (int)below(ZONE_PAGES + 1);
	uintptr_t want = zone_base[BRK_ZONE] + (uintptr_t)n * PAGE;

	CHECK_EQ(syscall(SYS_brk, want), want);
	for (int i = 0; i < ZONE_PAGES; i++)
		if (i >= n)
			zone[i] = (struct page){.obj = -1};
		else if (!zone[i].mapped)
			zone[i] = (struct page){
			    .mapped = true, .prot = PROT_READ | PROT_WRITE, .obj = -1};
}

/* The kernel writes to the page: a word of the object is read into it. */
static void
op_read(void)
{
	int p = (int)below(NPAGES), i = (int)below(2), idx = (int)below(OBJ_PAGES);
	struct page *mp = &model[p];
	off_t off = (off_t)idx * (off_t)PAGE + (i == 0 ? 0 : (off_t)PAGE - 8);
	uint64_t v = common->object[idx].w[i];
	void *to = (void *)(uintptr_t)word_addr(p, i);

	if (!mp->mapped || !(mp->prot & PROT_WRITE)) {
		CHECK_ERR(pread(object_fd, to, 8, off), EFAULT);
		return;
	}
	CHECK_EQ(pread(object_fd, to, 8, off), 8);
	written_words(mp)->w[i] = v;
}

/* The kernel reads the page and changes the object. */
static void
op_write(void)
{
	int p = (int)below(NPAGES), i = (int)below(2), idx = (int)below(OBJ_PAGES);
	struct page *mp = &model[p];
	off_t off = (off_t)idx * (off_t)PAGE + (i == 0 ? 0 : (off_t)PAGE - 8);
	void *from = (void *)(uintptr_t)word_addr(p, i);

	if (!mp->mapped || mp->prot == PROT_NONE) {
		CHECK_ERR(pwrite(object_fd, from, 8, off), EFAULT);
		return;
	}
	CHECK_EQ(pwrite(object_fd, from, 8, off), 8);
	common->object[idx].w[i] = page_words(mp)->w[i];
}

static void
op_punch(void)
{
	int idx = (int)below(OBJ_PAGES);
	int n = 1 + (int)below((uint64_t)(OBJ_PAGES - idx) < 4 ? (uint64_t)(OBJ_PAGES - idx) : 4);

	CHECK_EQ(fallocate(object_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			   (off_t)idx * (off_t)PAGE, (off_t)n * (off_t)PAGE),
		 0);
	memset(&common->object[idx], 0, (size_t)n * sizeof(common->object[0]));
}

static void
op_fork(void)
{
	int slot = (int)below(NWORKERS);
	char born = 0;
	pid_t pid;

	if (common->used[slot])
		return;
	common->used[slot] = true;
	common->forks++;
	CHECK((pid = fork()) >= 0);
	if (pid == 0) {
		self = slot;
		newborn = true;
	} else {
		CHECK_EQ(read(born_pipe[0], &born, 1), 1);
	}
}

static void (*const ops[])(void) = {op_store, op_store, op_store, op_load, op_load,    op_map,
				    op_map,   op_unmap, op_move,  op_brk,  op_protect, op_discard,
				    op_read,  op_write, op_punch, op_fork, op_fork,    op_protect};

/* ---- workers ---- */

static void
check_all(void)
{
	for (int p = 0; p < NPAGES; p++) {
		struct page *mp = &model[p];

		if (!mp->mapped || mp->prot == PROT_NONE)
			continue;
		for (int i = 0; i < 2; i++)
			if (*word_addr(p, i) != page_words(mp)->w[i]) {
				dprintf(2, "stress_vm: worker %d, page %d at %p: %#lx, not %#lx\n",
					self, p, (void *)page_addr(p), (long)*word_addr(p, i),
					(long)page_words(mp)->w[i]);
				common->failed = true;
				_exit(1);
			}
	}
}

static void
take_turn(const struct turn *turn)
{
	char done = 0;

	rnd = turn->seed;
	for (int i = 0; i < OPS_A_TURN; i++) {
		ops[below(sizeof(ops) / sizeof(ops[0]))]();
		if (newborn) {
			newborn = false;
			check_all();
			CHECK_EQ(write(born_pipe[1], &done, 1), 1);
			return;
		}
	}
	check_all();
	if (turn->leave)
		common->used[self] = false;
	CHECK_EQ(write(done_pipe[1], &done, 1), 1);
	if (turn->leave)
		_exit(0);
}

static void
worker(void)
{
	struct turn turn;

	for (;;) {
		CHECK_EQ(read(turn_pipe[self][0], &turn, sizeof(turn)), sizeof(turn));
		take_turn(&turn);
	}
}

/* ---- the first process ---- */

static void
give_turn(int slot, bool leave)
{
	struct turn turn = {.seed = below(~0UL) | 1, .leave = leave};
	struct pollfd pfd = {.fd = done_pipe[0], .events = POLLIN};
	char done;

	CHECK_EQ(write(turn_pipe[slot][1], &turn, sizeof(turn)), sizeof(turn));
	while (poll(&pfd, 1, 1000) == 0)
		CHECK(!common->failed);
	CHECK_EQ(read(done_pipe[0], &done, 1), 1);
	CHECK(!common->failed);
}

static int
live(void)
{
	int n = 0;

	for (int i = 0; i < NWORKERS; i++)
		n += common->used[i];
	return n;
}

static void
setup(void)
{
	struct sigaction sa = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};

	common =
	    mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(common != MAP_FAILED);
	CHECK((object_fd = (int)syscall(SYS_memfd_create, "object", 0)) >= 0);
	CHECK_EQ(ftruncate(object_fd, OBJ_PAGES * (off_t)PAGE), 0);
	for (int i = 0; i < NWORKERS; i++)
		CHECK_EQ(pipe(turn_pipe[i]), 0);
	CHECK_EQ(pipe(done_pipe), 0);
	CHECK_EQ(pipe(born_pipe), 0);
	CHECK_EQ(sigaction(SIGSEGV, &sa, NULL), 0);
	CHECK_EQ(sigaction(SIGBUS, &sa, NULL), 0);
	CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR); /* nobody waits */
	zone_base[BRK_ZONE] = ((uintptr_t)syscall(SYS_brk, 0) + PAGE - 1) & -PAGE;
	CHECK_EQ(syscall(SYS_brk, zone_base[BRK_ZONE]), zone_base[BRK_ZONE]);
	for (int p = 0; p < NPAGES; p++)
		model[p].obj = -1;
}

int
main(int argc, char **argv)
{
	long steps = argc > 2 ? atol(argv[2]) : 3000;
	pid_t pid;

	setup();
	common->used[0] = true;
	CHECK((pid = fork()) >= 0);
	if (pid == 0)
		worker();
	rnd = (argc > 1 ? strtoul(argv[1], NULL, 0) : 1) * 0x9e3779b97f4a7c15UL;
	for (long step = 0; step < steps; step++) {
		int slot;

		do
			slot = (int)below(NWORKERS);
		while (!common->used[slot]);
		give_turn(slot, live() > 1 && below(6) == 0);
	}
	for (int slot = 0; slot < NWORKERS; slot++)
		if (common->used[slot])
			give_turn(slot, true);
	printf("%ld turns of %d operations, %lu forks, %lu faults\n", steps, OPS_A_TURN,
	       common->forks, common->faults);
	return ok();
}
