/* SPDX-License-Identifier: ISC */
/* test_text.c: ksnprintf against the C library's, numbers in text, the log ring. */
#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "glue.h"
#include <cmocka.h>

#define SAME(...)                                                                                  \
	do {                                                                                       \
		char want_[256], got_[256];                                                        \
		int w_ = snprintf(want_, sizeof(want_), __VA_ARGS__);                              \
		int g_ = ksnprintf(got_, sizeof(got_), __VA_ARGS__);                               \
		assert_string_equal(got_, want_);                                                  \
		assert_int_equal(g_, w_);                                                          \
	} while (0)

static void
test_formats(void **state)
{
	(void)state;
	SAME("plain %% text");
	SAME("%d %i %d %d", 0, -1, INT_MAX, INT_MIN);
	SAME("%u %x %X %o", UINT_MAX, 0xdeadbeefu, 0xabcu, 0777u);
	SAME("%ld %lu %lx", LONG_MIN, ULONG_MAX, ULONG_MAX);
	SAME("%lld %llu %zu %zd", LLONG_MIN, ULLONG_MAX, SIZE_MAX, (ssize_t)-5);
	SAME("%hhd %hhu %hd %hu", (signed char)-3, (unsigned char)200, (short)-30000,
	     (unsigned short)65535);
	SAME("[%5d] [%-5d] [%05d] [%+d] [% d] [%+05d]", 42, 42, 42, 42, 42, -42);
	SAME("[%8x] [%-8x] [%08x] [%#x] [%#010x] [%#x]", 0xbeefu, 0xbeefu, 0xbeefu, 0xbeefu,
	     0xbeefu, 0u);
	SAME("[%.3d] [%8.3d] [%-8.3d]", 7, 7, 7);
	SAME("[%s] [%10s] [%-10s] [%.2s] [%10.2s] [%.*s] [%*s]", "abc", "abc", "abc", "abc", "abc",
	     1, "abc", -6, "abc");
	SAME("%c%c[%3c][%-3c]", 'a', 'b', 'c', 'd');
	SAME("%p", (void *)0x1234);
}

static void
test_truncation(void **state)
{
	char buf[8];

	(void)state;
	memset(buf, 'Z', sizeof(buf));
	assert_int_equal(ksnprintf(buf, 4, "%s", "abcdefgh"), 8);
	assert_string_equal(buf, "abc");
	assert_int_equal(buf[4], 'Z');
	assert_int_equal(ksnprintf(buf, 1, "%d", 12345), 5);
	assert_string_equal(buf, "");
	buf[0] = 'Q';
	assert_int_equal(ksnprintf(buf, 0, "%d", 12345), 5);
	assert_int_equal(buf[0], 'Q');
	assert_int_equal(ksnprintf(buf, 7, "%s", "123456"), 6);
	assert_string_equal(buf, "123456");
}

static void
good(const char *s, int base, int64_t want)
{
	int64_t v = 99;

	assert_true(strtoi64(s, base, &v));
	assert_true(v == want);
}

static void
bad(const char *s, int base)
{
	int64_t v = 99;

	assert_false(strtoi64(s, base, &v));
	assert_true(v == 99);
}

static void
test_numbers(void **state)
{
	(void)state;
	good("0", 0, 0);
	good("-1", 0, -1);
	good("+7", 10, 7);
	good("0x1f", 0, 31);
	good("0X1F", 16, 31);
	good("1f", 16, 31);
	good("777", 8, 511);
	good("9223372036854775807", 0, INT64_MAX);
	good("-9223372036854775808", 0, INT64_MIN);
	good("-0x8000000000000000", 0, INT64_MIN);
	good("010", 0, 10);
	bad("", 0);
	bad("-", 0);
	bad("0x", 0);
	bad(" 1", 0);
	bad("1 ", 0);
	bad("1x", 10);
	bad("8", 8);
	bad("9223372036854775808", 0);
	bad("-9223372036854775809", 0);
	bad("99999999999999999999999", 0);
}

static void
test_strings(void **state)
{
	char buf[4];

	(void)state;
	assert_int_equal(kern_strlcpy(buf, "abcdef", sizeof(buf)), 6);
	assert_string_equal(buf, "abc");
	assert_int_equal(kern_strlcpy(buf, "", sizeof(buf)), 0);
	assert_string_equal(buf, "");
	assert_string_equal(kern_strrchr("/usr/bin/env", '/'), "/env");
	assert_null(kern_strrchr("env", '/'));
	assert_true(kern_strncmp("abc", "abd", 2) == 0);
	assert_true(kern_strncmp("abc", "abd", 3) < 0);
	assert_true(kern_strncmp("\xff", "a", 1) > 0);
}

static void
test_msgbuf(void **state)
{
	char out[20000], line[32];
	size_t n;

	(void)state;
	msgbuf_clear();
	msgbuf_append(6, 1500000000, "hello", 5);
	n = msgbuf_read(out, sizeof(out), 0);
	assert_int_equal(n, msgbuf_used());
	out[n] = '\0';
	assert_string_equal(out, "<6>[    1.500000] hello\n");
	for (int i = 0; i < 2000; i++)
		msgbuf_append(6, 0, line, (size_t)snprintf(line, sizeof(line), "line %d", i));
	n = msgbuf_read(out, sizeof(out) - 1, 0);
	assert_int_equal(n, 16384);
	out[n] = '\0';
	assert_string_equal(out + n - 10, "line 1999\n");
	assert_int_equal(msgbuf_read(out, 5, n - 2), 2);
	assert_int_equal(msgbuf_read(out, 5, n), 0);
	msgbuf_clear();
	assert_int_equal(msgbuf_used(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_formats), cmocka_unit_test(test_truncation),
	    cmocka_unit_test(test_numbers), cmocka_unit_test(test_strings),
	    cmocka_unit_test(test_msgbuf),
	};

	return cmocka_run_group_tests_name("kernel text", tests, NULL, NULL);
}
