/* SPDX-License-Identifier: ISC */
/* row_pidcost.c: fork costs the same among 30,000 processes as among 100.  rows: C9 */
#include "native.h"

enum { FEW = 100, MANY = 30000, ROUNDS = 200, SAMPLES = 3 };

static uint64_t
cycles(void)
{
	return __builtin_ia32_rdtsc();
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Median cost of a fork; children are made stopped, so that nothing else is measured. */
static uint64_t
cost(void)
{
	static pid_t pids[ROUNDS];
	uint64_t t[SAMPLES];

	for (int s = 0; s < SAMPLES; s++) {
		uint64_t start = cycles();

		for (int i = 0; i < ROUNDS; i++)
			CHECK((pids[i] = spawn(RFPROC | RFSTOPPED)) > 0);
		t[s] = (cycles() - start) / ROUNDS;
		for (int i = 0; i < ROUNDS; i++)
			CHECK_EQ(kill(pids[i], SIGKILL), 0);
		for (int i = 0; i < ROUNDS; i++)
			CHECK_KILLED(pids[i], SIGKILL);
	}
	qsort(t, SAMPLES, sizeof(t[0]), compare);
	return t[SAMPLES / 2];
}

static void
populate(int n)
{
	while (var("kern.nprocs") < n)
		if (spawn(RFPROC | RFMEM | RFSTOPPED) < 0) {
			dprintf(2, "%ld processes: %s, %ld frames free\n", var("kern.nprocs"),
				strerror(errno), var("vm.frames_free"));
			_exit(1);
		}
}

int
main(void)
{
	static const char *const policies[] = {"random", "sequential", "modulus"};
	uint64_t few[3], many[3];
	int bad = 0;

	set_var("kern.maxproc", MANY + 2000);
	set_var("kern.maxthread", MANY + 2000);
	set_var("kern.randompid", 1000);
	populate(FEW);
	for (int i = 0; i < 3; i++) {
		set_text("kern.pidpolicy", policies[i]);
		few[i] = cost();
	}
	populate(MANY);
	for (int i = 0; i < 3; i++) {
		set_text("kern.pidpolicy", policies[i]);
		many[i] = cost();
		printf("%s: %lu cycles a fork among %d, %lu among %d, ratio %.2f\n", policies[i],
		       few[i], FEW, many[i], MANY, (double)many[i] / (double)few[i]);
		bad |= many[i] * 2 > few[i] * 3;
	}
	fflush(stdout);
	CHECK(!bad);
	return ok();
}
