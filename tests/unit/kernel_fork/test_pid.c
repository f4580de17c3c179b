/* SPDX-License-Identifier: ISC */
/* test_pid.c: process ids against a plain array, under each policy.  rows: C6 C7 C8 C10 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include "glue.h"
#include <cmocka.h>

enum { REST = 128, RANDOM = 0, SEQUENTIAL = 1, MODULUS = 2 };

static int32_t resting[REST]; /* ids freed last, oldest at next */
static unsigned next;
static int live[40000], nlive;

static int
rests(int32_t id)
{
	for (int i = 0; i < REST; i++)
		if (resting[i] == id)
			return 1;
	return 0;
}

static void
take(int32_t id)
{
	assert_true(id > 0 && id <= pid_max);
	assert_false(glue_used[id]);
	assert_false(rests(id));
	glue_used[id] = true;
	live[nlive++] = id;
}

static void
give(int i)
{
	int32_t id = live[i];

	live[i] = live[--nlive];
	glue_used[id] = false;
	pid_release(id);
	resting[next] = id;
	next = (next + 1) % REST;
}

static int
setup(void **state)
{
	int32_t id;

	(void)state;
	pid_init();
	/* Row C10: what the kernel makes before anybody else gets the lowest ids. */
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(pid_alloc(true, &id), 0);
		assert_int_equal(id, i);
		glue_used[id] = true;
	}
	assert_int_equal(lastpid, 0);
	return 0;
}

static void
churn(int policy, int population, int steps)
{
	int32_t id;

	pidpolicy = policy;
	for (int step = 0; step < steps; step++) {
		if (nlive < population && random() % 3 != 0) {
			assert_int_equal(pid_alloc(false, &id), 0);
			assert_true(id > 3);
			assert_int_equal(lastpid, id);
			take(id);
		} else if (random() % 8 == 0) {
			assert_int_equal(tid_alloc(&id), 0);
			take(id);
		} else if (nlive > 0) {
			give((int)(random() % nlive));
		}
	}
	while (nlive > 0)
		give(nlive - 1);
}

static void
test_model(void **state)
{
	(void)state;
	assert_int_equal(pid_set_max(1000), 0);
	randompid = 100;
	for (int policy = RANDOM; policy <= MODULUS; policy++) {
		churn(policy, 20, 50000);
		churn(policy, 700, 50000);
	}
	assert_int_equal(pid_set_max(32766), 0);
	churn(RANDOM, 30000, 100000);
}

/* Every id can be handed out, and then there is none. */
static void
test_full(void **state)
{
	int32_t id = 0;

	(void)state;
	assert_int_equal(pid_set_max(1000), 0);
	for (int policy = RANDOM; policy <= MODULUS; policy++) {
		pidpolicy = policy;
		while (pid_alloc(false, &id) == 0)
			take(id);
		assert_in_range(nlive, 1000 - 3 - REST, 1000 - 3);
		assert_int_equal(pid_alloc_high(&id), EAGAIN);
		assert_int_equal(tid_alloc(&id), EAGAIN);
		while (nlive > 0)
			give(nlive - 1);
	}
	assert_int_equal(pid_set_max(32766), 0);
}

static void
test_sequential(void **state)
{
	int32_t id;

	(void)state;
	pidpolicy = SEQUENTIAL;
	lastpid = 20000;
	for (int i = 1; i <= 5; i++) {
		assert_int_equal(pid_alloc(false, &id), 0);
		assert_int_equal(id, 20000 + i);
		take(id);
	}
	lastpid = 32766; /* wraps above the daemons */
	assert_int_equal(pid_alloc(false, &id), 0);
	assert_in_range(id, 100, 100 + 2 * REST);
	take(id);
	/* RFHIGHPID */
	lastpid = 2;
	assert_int_equal(pid_alloc_high(&id), 0);
	assert_true(id >= 10);
	assert_int_equal(lastpid, 2);
	take(id);
	while (nlive > 0)
		give(nlive - 1);
}

static void
test_clamp(void **state)
{
	(void)state;
	assert_int_equal(pid_clamp_randompid(-1), 32666);
	assert_int_equal(pid_clamp_randompid(32667), 32666);
	assert_int_equal(pid_clamp_randompid(32666), 32666);
	assert_int_equal(pid_clamp_randompid(0), 0);
	assert_int_equal(pid_clamp_randompid(1), 0);
	assert_int_equal(pid_clamp_randompid(2), 100);
	assert_int_equal(pid_clamp_randompid(100), 100);
	assert_int_equal(pid_clamp_randompid(101), 101);
}

static void
test_wanted(void **state)
{
	(void)state;
	assert_int_equal(pid_alloc_wanted(0), EINVAL);
	assert_int_equal(pid_alloc_wanted(32767), EINVAL);
	assert_int_equal(pid_alloc_wanted(1), EEXIST);
	assert_int_equal(pid_alloc_wanted(31000), 0);
	assert_int_equal(pid_alloc_wanted(31000), EEXIST);
	pid_unalloc(31000);
	assert_int_equal(pid_alloc_wanted(31000), 0);
	pid_unalloc(31000);
	assert_int_equal(pid_set_max(100), EINVAL);
	assert_int_equal(pid_set_max(5000000), EINVAL);
	glue_fail_alloc = 1;
	assert_int_equal(pid_set_max(4000000), ENOMEM);
	assert_int_equal(pid_max, 32766);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_clamp),      cmocka_unit_test(test_wanted),
	    cmocka_unit_test(test_sequential), cmocka_unit_test(test_model),
	    cmocka_unit_test(test_full),
	};

	srandom(1);
	return cmocka_run_group_tests(tests, setup, NULL);
}
