/* SPDX-License-Identifier: ISC */
/* test_timeout.c: the timeout heaps against a plain array; the wall clock jumps. */
#include <setjmp.h>
#include <stdlib.h>
#include "glue.h"
#include <cmocka.h>

#define NEVER UINT64_MAX

static uint64_t model[GLUE_TIMEOUTS]; /* deadline, NEVER = not pending */
static bool on_wall[GLUE_TIMEOUTS];   /* of the wall clock */

/* On the clock that never jumps. */
static uint64_t
due_at(unsigned id)
{
	if (model[id] == NEVER || !on_wall[id])
		return model[id];
	return model[id] > glue_wall_offset ? model[id] - glue_wall_offset : 0;
}

static uint64_t
model_next(void)
{
	uint64_t next = NEVER;

	for (unsigned i = 0; i < GLUE_TIMEOUTS; i++)
		next = due_at(i) < next ? due_at(i) : next;
	return next;
}

/* Everything due has fired, on each clock in order of deadlines, and nothing else has. */
static void
check_run(uint64_t now)
{
	uint64_t last[2] = {0, 0};
	unsigned due = 0;

	for (unsigned i = 0; i < GLUE_TIMEOUTS; i++)
		due += due_at(i) <= now;
	glue_nfired = 0;
	timeout_run(now);
	assert_int_equal(glue_nfired, due);
	for (unsigned i = 0; i < glue_nfired; i++) {
		unsigned id = glue_fired[i];

		assert_true(due_at(id) <= now && model[id] >= last[on_wall[id]]);
		last[on_wall[id]] = model[id];
		model[id] = NEVER;
	}
}

static void
test_model(void **state)
{
	uint64_t now = 0;

	(void)state;
	srand(1);
	for (unsigned i = 0; i < GLUE_TIMEOUTS; i++) {
		model[i] = NEVER;
		assert_int_equal(glue_timeout_reserve(i), 0);
	}
	for (unsigned step = 0; step < 200000; step++) {
		unsigned id = (unsigned)rand() % GLUE_TIMEOUTS, what = (unsigned)rand() % 16;

		if (what < 9) {
			on_wall[id] = what < 4;
			model[id] = now + (unsigned)rand() % 1000;
			if (on_wall[id])
				model[id] += glue_wall_offset;
			glue_timeout_add(id, model[id], on_wall[id]);
		} else if (what < 15) {
			assert_int_equal(glue_timeout_del(id), model[id] != NEVER);
			model[id] = NEVER;
		} else if (rand() % 8 == 0) {
			glue_wall_offset = (unsigned)rand() % 3000;
		} else {
			now += (unsigned)rand() % 50;
			check_run(now);
		}
		assert_int_equal(glue_timeout_pending(id), model[id] != NEVER);
		assert_true(timeout_next() == model_next());
	}
	check_run(now + 5000);
	for (unsigned i = 0; i < GLUE_TIMEOUTS; i++)
		glue_timeout_release(i);
	assert_true(timeout_next() == NEVER);
}

/* One that is always due again must not keep timeout_run() from returning. */
static void
test_rearm(void **state)
{
	(void)state;
	assert_int_equal(glue_timeout_reserve(0), 0);
	glue_timeout_add(0, 5, false);
	glue_rearm = 1;
	glue_nfired = 0;
	timeout_run(10);
	assert_int_equal(glue_nfired, 1);
	timeout_run(10);
	assert_int_equal(glue_nfired, 2);
	glue_rearm = 0;
	glue_timeout_release(0);
}

static void
test_no_memory(void **state)
{
	unsigned n;

	(void)state;
	assert_int_equal(glue_timeout_reserve(0), 0);
	for (n = 1; n < GLUE_TIMEOUTS; n++) {
		glue_fail_alloc = 1;
		if (glue_timeout_reserve(n) != 0)
			break;
	}
	glue_fail_alloc = 0;
	assert_in_range(n, 2, GLUE_TIMEOUTS - 1);
	/* Within the room that is there reserving needs no memory. */
	for (unsigned i = 0; i < n; i++)
		glue_timeout_add(i, i, i % 2 != 0);
	for (unsigned i = 0; i < n; i++)
		glue_timeout_release(i);
	assert_true(timeout_next() == NEVER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_memory),
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_rearm),
	};

	return cmocka_run_group_tests_name("kernel timeouts", tests, NULL, NULL);
}
