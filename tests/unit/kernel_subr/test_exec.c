/* SPDX-License-Identifier: ISC */
/* test_exec.c: "#!" lines and limits of the argument block. */
#include <errno.h>
#include <setjmp.h>
#include <string.h>
#include "glue.h"
#include <cmocka.h>

static void
script(const char *line, const char *want_interp, const char *want_argv)
{
	char interp[300], argv[600];

	assert_int_equal(glue_script(line, strlen(line), interp, argv, sizeof(interp)), 0);
	assert_string_equal(interp, want_interp);
	assert_string_equal(argv, want_argv);
}

static void
no_script(const char *head, size_t len)
{
	char interp[300], argv[600];

	assert_int_equal(glue_script(head, len, interp, argv, sizeof(interp)), ENOEXEC);
}

static void
test_lines(void **state)
{
	(void)state;
	script("#!/bin/sh\n", "/bin/sh", "/bin/sh|/script|one|ENV=1|");
	script("#!/bin/sh", "/bin/sh", "/bin/sh|/script|one|ENV=1|");
	script("#! \t/bin/sh  \nmore", "/bin/sh", "/bin/sh|/script|one|ENV=1|");
	script("#!/bin/env -S a  b \t\n", "/bin/env", "/bin/env|-S a  b|/script|one|ENV=1|");
	no_script("#!", 2);
	no_script("#!\n", 3);
	no_script("#!   \n/bin/sh\n", 14);
	no_script("# /bin/sh\n", 10);
	no_script("\x7f"
		  "ELF",
		  4);
}

/* A line of 255 characters and its newline fit; one more does not. */
static void
test_long_line(void **state)
{
	char head[256], interp[300], argv[600];

	(void)state;
	memset(head, 'x', sizeof(head));
	memcpy(head, "#!/", 3);
	head[255] = '\n';
	assert_int_equal(glue_script(head, 256, interp, argv, sizeof(interp)), 0);
	assert_int_equal(strlen(interp), 253);
	head[255] = 'x';
	no_script(head, 256);
}

static void
test_limits(void **state)
{
	(void)state;
	assert_int_equal(glue_args_fill(1, 131071), 0);
	assert_int_equal(glue_args_fill(1, 131072), E2BIG);
	assert_int_equal(glue_args_fill(15, 131071), 0);
	assert_int_equal(glue_args_fill(16, 131071), E2BIG);
	/* Empty strings cost their pointers. */
	assert_int_equal(glue_args_fill(233000, 0), 0);
	assert_int_equal(glue_args_fill(233100, 0), E2BIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_long_line),
	    cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("kernel exec", tests, NULL, NULL);
}
