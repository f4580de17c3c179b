/* SPDX-License-Identifier: ISC */
/*
 * driver.c: random forks of every kind, and exec, exit, kill, stop, wait and trace among the
 * processes that come of them, which keep a count of what they do; after each round the statistics
 * must equal that count and nothing may be left behind.
 *
 * Every process takes random steps of its own; stress_fork.h says how none is ended between a fork
 * and its being counted.  Nothing is mapped or unmapped meanwhile, so that every address space has
 * the same number of pages.  The exit status of a process follows from its pid.
 *
 * usage: stress_fork SEED ROUNDS, or SEED SECONDS`s'
 */
#include "stress_fork.h"

enum { ROUND_OPS = 3000 };

/* Objects and frames that the kernel makes once, when it first needs them: in any round. */
enum { MADE_ONCE = 3 };

/* Slots of what is gone are free again; returns how many are in use. */
static int
collect(void)
{
	int used = 0;

	for (int s = 1; s < NSLOTS; s++) {
		unsigned w = word_of(s);

		if (W_CODE(w) == FREE)
			continue;
		used++;
		if (id_of(s) == 0 || !gone(s))
			continue;
		if (W_CODE(word_of(s)) != DEAD)
			FAIL("id %d (slot %d, word %#x) is gone, and nobody ended it", id_of(s), s,
			     word_of(s));
		slot_free(s);
	}
	return used;
}

static void
reap_some(struct self *me)
{
	while (wait_by_pid(me, -1, __WALL | WNOHANG | WUNTRACED) > 0)
		;
}

static void
driver_fork(struct self *me)
{
	lock(0);
	make_child(me, by_fork, WORK);
}

static void
check_failed(void)
{
	if (atomic_load(&COMMON->failed) == 0)
		return;
	while (atomic_load(&COMMON->failed) != 2)
		sched_yield();
	dprintf(2, "%s\n", COMMON->message);
	_exit(1);
}

/* For a while the table of processes is full. */
static void
scarcity(struct self *me, bool on)
{
	const char *name = one_in(me, 2) ? "kern.maxproc" : "kern.maxthread";

	set_var("kern.maxproc", 1000);
	set_var("kern.maxthread", 1000);
	if (on)
		set_var(name, var("kern.nthreads") + (long)below(me, 8));
}

/* The driver comes before all others: it sleeps until they have taken some steps.  The time is for
 * when none of them can. */
static void
let_run(void)
{
	const struct timespec timeout = {0, 2000000};

	CALL(SYS_futex, &COMMON->turns, 0 /* wait */, atomic_load(&COMMON->turns), &timeout);
}

static void
busy_time(struct self *me)
{
	uint64_t end = atomic_load(&COMMON->ops) + ROUND_OPS;

	for (uint64_t i = 1; atomic_load(&COMMON->ops) < end; i++) {
		check_failed();
		driver_fork(me);
		kill_slot(1 + (int)below(me, NSLOTS - 1), SIGKILL);
		reap_some(me);
		collect();
		if (i % 4 == 0)
			kill(-1, SIGCONT);
		if (i % 64 == 0)
			scarcity(me, i % 256 == 0);
		let_run();
	}
}

/* What a thread sleeps for. */
static void
show_file(const char *fmt, int a, int b)
{
	char path[64], text[1024];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), fmt, a, b);
	if ((fd = open(path, O_RDONLY)) < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	dprintf(2, "  %s: %.*s\n", path, (int)n, text);
}

static void
show_slots(void)
{
	for (int s = 1; s < NSLOTS; s++) {
		unsigned w = word_of(s);

		if (W_CODE(w) != FREE) {
			dprintf(2, "slot %d: id %d, process %d, leader %d, %d, state %c\n", s,
				id_of(s), W_OWNER(w), W_LEADER(w) - 1, W_CODE(w),
				id_of(s) > 0 ? proc_state(id_of(s)) : ' ');
			show_file("/proc/%d/task/%d/wchan", id_of(W_OWNER(w)), id_of(s));
			show_file("/proc/%d/task/%d/status", id_of(W_OWNER(w)), id_of(s));
		}
	}
}

/* All end; nothing but the driver is left. */
static void
come_to_rest(struct self *me, long nprocs)
{
	time_t start = time(NULL);

	atomic_store(&COMMON->stop, 1);
	scarcity(me, false);
	while (collect() > 0 || var("kern.nprocs") != nprocs) {
		check_failed();
		kill(-1, SIGCONT);
		for (int s = 1; s < NSLOTS; s++) {
			kill_slot(s, SIGKILL);
			if (W_CODE(word_of(s)) == DEAD && W_OWNER(word_of(s)) == s)
				kill(id_of(s), SIGKILL); /* its tracer may have stopped it */
		}
		reap_some(me);
		let_run();
		if (start != 0 && time(NULL) - start > 60) {
			show_slots(); /* for whoever finds it hanging */
			start = 0;
		}
	}
	if (debug_kernel())
		set_var("kern.fork_fail_at", 0);
	atomic_store(&COMMON->stop, 0);
}

static void
round_of(struct self *me, int n)
{
	static const char *const policies[] = {"random", "sequential", "modulus"};
	static struct snapshot before, after, first;
	static struct common had;

	set_text("kern.pidpolicy", policies[n % 3]);
	set_var("kern.fast_vfork", n % 4 != 3);
	atomic_store(&COMMON->fast_vfork, n % 4 != 3);
	memcpy(&had, COMMON, sizeof(had));
	look(&before);
	busy_time(me);
	come_to_rest(me, (long)before.st.nprocesses);
	look(&after);
	compare(&before, &after, &had);
	printf("round %d: %ld frames, %ld objects\n", n, after.frames, after.objects);
	if (n == 0)
		first = after;
	CHECK(after.objects <= first.objects + MADE_ONCE);
	CHECK(after.frames >= first.frames - MADE_ONCE);
}

static void
setup(struct self *me, uint64_t seed)
{
	umask(0);
	map_common(O_CREAT | O_TRUNC);
	memset(stacks, 1, sizeof(stacks)); /* pages that would come one by one */
	atomic_store(&COMMON->slot[0].id, getpid());
	atomic_store(&COMMON->slot[0].word, WORD(0, 0, OPEN));
	*me = (struct self){.rnd = seed * 0x9e3779b97f4a7c15UL | 1};
	measure_pages();
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, -20), 0); /* it looks after all others */
	set_actions();
	set_var("kern.randompid", 1000);
	scarcity(me, false);
}

int
main(int argc, char **argv)
{
	time_t start = time(NULL);
	struct self me;
	uint64_t limit;
	bool seconds;

	if (argc == 5)
		after_exec(argv);
	CHECK(argc == 3);
	limit = strtoul(argv[2], NULL, 10);
	seconds = strchr(argv[2], 's') != NULL;
	setup(&me, strtoul(argv[1], NULL, 0));
	for (int n = 0; seconds ? (uint64_t)(time(NULL) - start) < limit : (uint64_t)n < limit; n++)
		round_of(&me, n);
	printf("%lu steps, %lu forks, %lu vforks, %lu rforks, %lu threads, %lu execs, "
	       "%lu EAGAIN, %lu ENOMEM\n",
	       COMMON->ops, COMMON->forks[FORK], COMMON->forks[VFORK], COMMON->forks[RFORK],
	       COMMON->forks[TFORK], COMMON->execs, COMMON->eagain, COMMON->enomem);
	return ok();
}
