/* SPDX-License-Identifier: ISC */
/* test_random.c: ChaCha20 against RFC 8439; properties of the generator on top of it. */
#include <setjmp.h>
#include <string.h>
#include "glue.h"
#include <cmocka.h>

/* RFC 8439, section 2.3.2. */
static void
test_block(void **state)
{
	static const uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,
					0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
					0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c,
					0x00000001, 0x09000000, 0x4a000000, 0x00000000};
	static const uint32_t want[16] = {0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3,
					  0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
					  0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
					  0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
	uint32_t out[16];

	(void)state;
	chacha20_block(in, out);
	assert_memory_equal(out, want, sizeof(want));
}

/* RFC 8439, appendix A.1, test vector 1: all-zero key, nonce and counter. */
static void
test_zero_block(void **state)
{
	static const uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
	static const uint8_t want[16] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
					 0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
	uint32_t out[16];

	(void)state;
	chacha20_block(in, out);
	assert_memory_equal(out, want, sizeof(want));
}

/* Seeding mixes: the same seed twice from one state gives different output, as the state moved. */
static void
test_seed(void **state)
{
	uint8_t seed[64], a[700], b[700], zero[700] = {0};

	(void)state;
	memset(seed, 7, sizeof(seed));
	random_seed(seed, sizeof(seed));
	kern_arc4random_buf(a, sizeof(a));
	random_seed(seed, sizeof(seed));
	kern_arc4random_buf(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, zero, sizeof(a));
	random_seed(seed, 5);
	random_seed(seed, 33);
}

/* No 16 bytes of a long stream repeat, however it is cut into requests. */
static void
test_stream(void **state)
{
	static uint8_t buf[8192];
	size_t at = 0, n = 1;

	(void)state;
	for (; at < sizeof(buf); at += n, n = n * 3 % 509 + 1) {
		if (n > sizeof(buf) - at)
			n = sizeof(buf) - at;
		kern_arc4random_buf(buf + at, n);
	}
	for (size_t i = 0; i + 16 <= sizeof(buf); i += 16)
		for (size_t j = i + 16; j + 16 <= sizeof(buf); j += 16)
			assert_memory_not_equal(buf + i, buf + j, 16);
}

static void
test_uniform(void **state)
{
	unsigned count[6] = {0};

	(void)state;
	assert_int_equal(kern_arc4random_uniform(0), 0);
	assert_int_equal(kern_arc4random_uniform(1), 0);
	for (int i = 0; i < 60000; i++)
		count[kern_arc4random_uniform(6)]++;
	for (int i = 0; i < 6; i++)
		assert_in_range(count[i], 9400, 10600); /* 6.6 standard deviations */
	for (int i = 0; i < 1000; i++)
		assert_in_range(kern_arc4random_uniform(0x80000001u), 0, 0x80000000u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_block),   cmocka_unit_test(test_zero_block),
	    cmocka_unit_test(test_seed),    cmocka_unit_test(test_stream),
	    cmocka_unit_test(test_uniform),
	};

	return cmocka_run_group_tests_name("kernel random", tests, NULL, NULL);
}
