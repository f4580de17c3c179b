/* SPDX-License-Identifier: ISC */
/* rings_test.c: the rings against a model of the guest, and against a guest that writes garbage. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "rings.h"
#include "vmm.h"

static uint8_t *region;
static struct rings rings;

static int
setup(void **state)
{
	(void)state;
	region = aligned_alloc(4096, TINE_SHARED_SIZE);
	memset(region, 0, TINE_SHARED_SIZE);
	rings_init(&rings, region);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(region);
	return 0;
}

static struct tine_rings *
shared(void)
{
	return (struct tine_rings *)(void *)(region + TINE_SHARED_RINGS);
}

/* The guest's side of G2H. */
static void
guest_put(const struct tine_msg *m, const uint8_t *payload)
{
	uint32_t pos = shared()->g2h_tail.pos;
	uint8_t *ring = region + TINE_SHARED_G2H;

	for (uint32_t i = 0; i < sizeof(*m); i++)
		ring[(pos + i) % TINE_SHARED_G2H_SIZE] = ((const uint8_t *)m)[i];
	for (uint32_t i = 0; i < m->len; i++)
		ring[(pos + 16 + i) % TINE_SHARED_G2H_SIZE] = payload[i];
	shared()->g2h_tail.pos = pos + record_size(m->len);
}

/* The guest's side of H2G. */
static uint32_t
guest_get(struct record *rec)
{
	uint32_t pos = shared()->h2g_head.pos;
	const uint8_t *ring = region + TINE_SHARED_H2G;

	if (pos == shared()->h2g_tail.pos)
		return 0;
	for (uint32_t i = 0; i < sizeof(rec->hdr); i++)
		((uint8_t *)&rec->hdr)[i] = ring[(pos + i) % TINE_SHARED_H2G_SIZE];
	for (uint32_t i = 0; i < rec->hdr.len; i++)
		rec->payload[i] = ring[(pos + 16 + i) % TINE_SHARED_H2G_SIZE];
	shared()->h2g_head.pos = pos + record_size(rec->hdr.len);
	return record_size(rec->hdr.len);
}

static void
test_g2h_wraps(void **state)
{
	uint64_t seed = 1;
	struct record rec;
	uint8_t payload[TINE_MSG_FRAG];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct tine_msg m = {.type = TINE_MSG_OUT, .id = 7, .arg = 1};

		m.len = (uint32_t)(test_random(&seed) % (TINE_MSG_FRAG + 1));
		memset(payload, i, m.len);
		guest_put(&m, payload);
		assert_int_equal(rings_get(&rings, &rec, NULL), 1);
		assert_int_equal(rec.hdr.len, m.len);
		assert_memory_equal(rec.payload, payload, m.len);
		assert_int_equal(rings_get(&rings, &rec, NULL), 0);
	}
	/* so far that the free-running positions have wrapped the ring, not 32 bits */
	assert_true(rings.head > TINE_SHARED_G2H_SIZE);
}

static void
test_positions_wrap_32_bits(void **state)
{
	struct tine_msg m = {.type = TINE_MSG_OUT, .id = 7, .arg = 1, .len = 100};
	uint8_t payload[100] = {1};
	struct record rec;

	(void)state;
	shared()->g2h_tail.pos = shared()->g2h_head.pos = 0xffffffc0u;
	shared()->h2g_tail.pos = shared()->h2g_head.pos = 0xffffffc0u;
	rings_init(&rings, region);
	guest_put(&m, payload);
	assert_true(shared()->g2h_tail.pos < 0x100);
	assert_int_equal(rings_get(&rings, &rec, NULL), 1);
	assert_memory_equal(rec.payload, payload, 100);
	m.type = TINE_MSG_STDIN;
	assert_int_equal(rings_put(&rings, &m, payload, NULL), 1);
	assert_int_equal(guest_get(&rec), record_size(100));
	assert_memory_equal(rec.payload, payload, 100);
}

static void
test_h2g_fills_and_blocks(void **state)
{
	struct tine_msg m = {.type = TINE_MSG_STDIN, .id = 1, .len = 8000};
	static uint8_t payload[8000];
	struct record rec;
	int put = 0;

	(void)state;
	while (rings_put(&rings, &m, payload, NULL) == 1)
		put++;
	assert_int_equal(put, TINE_SHARED_H2G_SIZE / record_size(8000));
	assert_int_equal(shared()->h2g_tail.flag, 1);
	assert_true(guest_get(&rec) > 0);
	assert_int_equal(rings_put(&rings, &m, payload, NULL), 1);
	assert_int_equal(shared()->h2g_tail.flag, 0);
	while (guest_get(&rec) > 0)
		put--;
	assert_int_equal(put, 0);
}

static void
test_padding_is_zero(void **state)
{
	struct tine_msg m = {.type = TINE_MSG_STDIN, .id = 1, .len = 3};

	(void)state;
	memset(region + TINE_SHARED_H2G, 0xff, 64);
	assert_int_equal(rings_put(&rings, &m, "abc", NULL), 1);
	assert_memory_equal(region + TINE_SHARED_H2G + 16, "abc\0\0\0\0\0", 8);
	assert_int_equal(region[TINE_SHARED_H2G + 24], 0xff);
}

static void
test_waiting_and_blocked(void **state)
{
	struct tine_msg m = {.type = TINE_MSG_READY};

	(void)state;
	assert_true(rings_may_sleep(&rings));
	assert_int_equal(shared()->g2h_head.flag, 1);
	guest_put(&m, NULL);
	assert_false(rings_may_sleep(&rings));
	rings_wake(&rings);
	assert_int_equal(shared()->g2h_head.flag, 0);
	assert_false(rings_put_wakes(&rings));
	shared()->h2g_head.flag = 1;
	assert_true(rings_put_wakes(&rings));
	shared()->g2h_tail.flag = 1;
	assert_true(rings_get_wakes(&rings));
}

static void
expect_protocol_error(void)
{
	struct tine_error error;
	struct record rec;

	assert_int_equal(rings_get(&rings, &rec, &error), -EPROTO);
	assert_string_equal(error.type, "guest-protocol");
}

static void
test_bad_tails(void **state)
{
	static const uint32_t bad[] = {4,           8,           TINE_SHARED_G2H_SIZE + 8,
				       0x80000000u, 0xfffffff8u, 17};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		teardown(state);
		setup(state);
		shared()->g2h_tail.pos = bad[i];
		expect_protocol_error();
	}
}

static void
test_bad_heads(void **state)
{
	static const uint32_t bad[] = {8, 4, 0x80000000u, 0u - (TINE_SHARED_H2G_SIZE + 8), 1};
	struct tine_msg m = {.type = TINE_MSG_PROCS, .id = 1};
	struct tine_error error;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		teardown(state);
		setup(state);
		shared()->h2g_head.pos = bad[i];
		assert_int_equal(rings_put(&rings, &m, NULL, &error), -EPROTO);
	}
}

static void
test_record_longer_than_written(void **state)
{
	struct tine_msg m = {.type = TINE_MSG_OUT, .id = 1, .arg = 1, .len = 64};
	static uint8_t payload[64];

	(void)state;
	guest_put(&m, payload);
	shared()->g2h_tail.pos -= 8;
	expect_protocol_error();
}

/* What the host keeps for itself must not come back from the shared page. */
static void
test_own_positions_are_private(void **state)
{
	struct tine_msg m = {.type = TINE_MSG_PROCS, .id = 1};
	struct record rec;

	(void)state;
	assert_int_equal(rings_put(&rings, &m, NULL, NULL), 1);
	shared()->h2g_tail.pos = 0x12345678; /* the guest scribbles over it */
	shared()->g2h_head.pos = 0x12345678;
	assert_int_equal(rings_get(&rings, &rec, NULL), 0);
	assert_int_equal(rings_put(&rings, &m, NULL, NULL), 1);
	assert_int_equal(shared()->h2g_tail.pos, 32);
}

/* Random bytes everywhere: any answer is right except a crash or an endless loop. */
static void
test_garbage(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15ull;
	struct record rec;

	for (int round = 0; round < 3000; round++) {
		uint32_t *words = (uint32_t *)(void *)(region + TINE_SHARED_RINGS);

		for (int i = 0; i < 64; i++)
			words[test_random(&seed) % 64] = (uint32_t)test_random(&seed);
		if (round % 2 == 0) { /* a plausible position, so that records are looked at */
			shared()->g2h_tail.pos =
			    rings.head + ((uint32_t)test_random(&seed) % 20000 & ~7u);
			shared()->h2g_head.pos = rings.tail;
		}
		for (int i = 0; i < 256; i++)
			region[TINE_SHARED_G2H +
			       (rings.head + (uint32_t)i) % TINE_SHARED_G2H_SIZE] =
			    (uint8_t)(test_random(&seed) & (round % 3 == 0 ? 0x23 : 0xff));
		for (int i = 0; i < 100 && rings_get(&rings, &rec, NULL) == 1; i++)
			assert_true(rec.hdr.len <= TINE_MSG_FRAG);
		rec.hdr = (struct tine_msg){.type = TINE_MSG_STDIN, .id = 1, .len = 5000};
		assert_in_range(rings_put(&rings, &rec.hdr, rec.payload, NULL) + EPROTO, 0,
				EPROTO + 1);
	}
	(void)state;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_g2h_wraps),
	    T(test_positions_wrap_32_bits),
	    T(test_h2g_fills_and_blocks),
	    T(test_padding_is_zero),
	    T(test_waiting_and_blocked),
	    T(test_bad_tails),
	    T(test_bad_heads),
	    T(test_record_longer_than_written),
	    T(test_own_positions_are_private),
	    T(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
