/* SPDX-License-Identifier: ISC */
/* test_atfork.c: hooks run in order with what they were promised; counts of removal.  rows: D2 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include "glue.h"
#include <cmocka.h>

static char trace[16];
static int parent, child;

static void
note(char c, void *p, void *q, uint32_t flags)
{
	size_t n = strlen(trace);

	assert_ptr_equal(p, &parent);
	assert_ptr_equal(q, &child);
	assert_int_equal(flags, 0x1234);
	trace[n] = c;
	trace[n + 1] = '\0';
}

static void
hook_a(void *p, void *q, uint32_t flags)
{
	note('a', p, q, flags);
}

static void
hook_b(void *p, void *q, uint32_t flags)
{
	note('b', p, q, flags);
}

static void
hook_once(void *p, void *q, uint32_t flags)
{
	note('o', p, q, flags);
	glue_rm_at_fork(hook_once);
}

static void
run(const char *want)
{
	trace[0] = '\0';
	glue_atfork_run(&parent, &child, 0x1234);
	assert_string_equal(trace, want);
}

static void
test_order(void **state)
{
	(void)state;
	run("");
	assert_int_equal(glue_at_fork(hook_b), 0);
	assert_int_equal(glue_at_fork(hook_a), 0);
	run("ba");
	assert_int_equal(glue_rm_at_fork(hook_b), 1);
	assert_int_equal(glue_rm_at_fork(hook_b), 0);
	run("a");
	assert_int_equal(glue_at_fork(hook_b), 0);
	run("ab");
	assert_int_equal(glue_rm_at_fork(hook_a) + glue_rm_at_fork(hook_b), 2);
	assert_int_equal(glue_blocks, 0);
}

/* This is a debug kernel's: the second registration replaces the first, with a warning. */
static void
test_twice(void **state)
{
	int warnings = glue_warnings;

	(void)state;
	assert_int_equal(glue_at_fork(hook_a), 0);
	assert_int_equal(glue_at_fork(hook_b), 0);
	assert_int_equal(glue_warnings, warnings);
	assert_int_equal(glue_at_fork(hook_a), 0);
	assert_int_equal(glue_warnings, warnings + 1);
	run("ba");
	assert_int_equal(glue_rm_at_fork(hook_a), 1);
	assert_int_equal(glue_rm_at_fork(hook_b), 1);
}

static void
test_no_memory(void **state)
{
	(void)state;
	glue_fail_alloc = 1;
	assert_int_equal(glue_at_fork(hook_a), ENOMEM);
	run("");
	assert_int_equal(glue_rm_at_fork(hook_a), 0);
}

static void
test_removes_itself(void **state)
{
	(void)state;
	glue_at_fork(hook_a);
	glue_at_fork(hook_once);
	glue_at_fork(hook_b);
	run("aob");
	run("ab");
	assert_int_equal(glue_rm_at_fork(hook_a) + glue_rm_at_fork(hook_b), 2);
	assert_int_equal(glue_blocks, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_twice),
	    cmocka_unit_test(test_no_memory),
	    cmocka_unit_test(test_removes_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
