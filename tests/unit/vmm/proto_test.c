/* SPDX-License-Identifier: ISC */
/* proto_test.c: rules of single messages and of conversations. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "joiner.h"
#include "proto.h"
#include "vmm.h"

static struct proto proto;
static const uint8_t zeros[TINE_MSG_FRAG];

static int
setup(void **state)
{
	(void)state;
	proto_init(&proto);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	proto_free(&proto);
	return 0;
}

static int
check(uint16_t type, uint32_t len, uint16_t flags, uint32_t id, uint32_t arg, bool to_guest)
{
	struct tine_msg m = {.len = len, .type = type, .flags = flags, .id = id, .arg = arg};

	return msg_check(&m, to_guest, NULL);
}

static void
test_msg_check(void **state)
{
	(void)state;
	assert_int_equal(check(TINE_MSG_LAUNCH, 100, 0, 1, 0, true), 0);
	assert_int_equal(check(TINE_MSG_LAUNCH, 100, TINE_MSG_MORE, 1, 0, true), 0);
	assert_int_equal(check(TINE_MSG_READY, 0, 0, 0, 0, false), 0);
	assert_int_equal(check(TINE_MSG_OUT, 0, 0, 1, 1, false), 0);
	/* wrong direction, unknown, out of the table */
	assert_int_equal(check(TINE_MSG_LAUNCH, 100, 0, 1, 0, false), -EPROTO);
	assert_int_equal(check(TINE_MSG_OUT, 1, 0, 1, 1, true), -EPROTO);
	assert_int_equal(check(0, 0, 0, 1, 0, true), -EPROTO);
	assert_int_equal(check(30, 0, 0, 1, 0, true), -EPROTO);
	assert_int_equal(check(31, 0, 0, 1, 0, false), -EPROTO);
	assert_int_equal(check(60, 0, 0, 1, 0, false), -EPROTO);
	assert_int_equal(check(0xffff, 0, 0, 1, 0, false), -EPROTO);
	/* length, flags, id, stream */
	assert_int_equal(check(TINE_MSG_OUT, TINE_MSG_FRAG + 1, 0, 1, 1, false), -EPROTO);
	assert_int_equal(check(TINE_MSG_OUT, 1, 2, 1, 1, false), -EPROTO);
	assert_int_equal(check(TINE_MSG_OUT, 0, TINE_MSG_MORE, 1, 1, false), -EPROTO);
	assert_int_equal(check(TINE_MSG_OUT, 1, 0, 0, 1, false), -EPROTO);
	assert_int_equal(check(TINE_MSG_OUT, 1, 0, 1, 0, false), -EPROTO);
	assert_int_equal(check(TINE_MSG_OUT, 1, 0, 1, 3, false), -EPROTO);
	assert_int_equal(check(TINE_MSG_EXITED, 63, 0, 1, 0, false), -EPROTO);
	assert_int_equal(check(TINE_MSG_EXITED, 64, TINE_MSG_MORE, 1, 0, false), -EPROTO);
	assert_int_equal(check(TINE_MSG_EVENT, 55, 0, 0, 0, false), -EPROTO);
	assert_int_equal(check(TINE_MSG_READY, 1, 0, 0, 0, false), -EPROTO);
}

static int
to_guest(uint16_t type, uint32_t id, uint32_t arg, uint16_t flags, const void *payload,
	 uint32_t len)
{
	struct tine_msg m = {.len = len, .type = type, .flags = flags, .id = id, .arg = arg};

	return proto_to_guest(&proto, &m, payload, NULL);
}

static int
from_guest(uint16_t type, uint32_t id, uint32_t arg, uint16_t flags, const void *payload,
	   uint32_t len, bool *ignore)
{
	struct tine_msg m = {.len = len, .type = type, .flags = flags, .id = id, .arg = arg};
	bool none;

	return proto_from_guest(&proto, &m, payload, ignore != NULL ? ignore : &none, NULL);
}

static void
launch(uint32_t id, uint32_t flags)
{
	struct tine_launch l = {.flags = flags, .argc = 1};

	assert_int_equal(to_guest(TINE_MSG_LAUNCH, id, 0, 0, &l, sizeof(l)), 0);
	assert_int_equal(from_guest(TINE_MSG_REPLY, id, 0, 0, zeros, 8, NULL), 0);
}

static void
test_ids(void **state)
{
	(void)state;
	assert_int_equal(to_guest(TINE_MSG_PROCS, 5, 0, 0, NULL, 0), 0);
	assert_int_equal(to_guest(TINE_MSG_PROCS, 5, 0, 0, NULL, 0), -EEXIST);
	assert_int_equal(from_guest(TINE_MSG_REPLY, 6, 0, 0, NULL, 0, NULL), -EPROTO);
	assert_int_equal(from_guest(TINE_MSG_REPLY, 5, 0, 0, zeros, 104, NULL), 0);
	assert_int_equal(from_guest(TINE_MSG_REPLY, 5, 0, 0, zeros, 104, NULL), -EPROTO);
	assert_int_equal(to_guest(TINE_MSG_PROCS, 5, 0, 0, NULL, 0), 0);
}

static void
test_launch_life(void **state)
{
	bool ignore;

	(void)state;
	launch(1, 0);
	assert_int_equal(from_guest(TINE_MSG_REPLY, 1, 0, 0, zeros, 8, NULL), -EPROTO);
	assert_int_equal(to_guest(TINE_MSG_PROCS, 1, 0, 0, NULL, 0), -EEXIST);
	assert_int_equal(from_guest(TINE_MSG_OUT, 1, 1, 0, zeros, 10, NULL), 0);
	assert_int_equal(from_guest(TINE_MSG_EXITED, 1, 0, 0, zeros, 64, NULL), 0);
	assert_int_equal(from_guest(TINE_MSG_EXITED, 1, 0, 0, zeros, 64, NULL), -EPROTO);
	/* a background process still writes */
	assert_int_equal(from_guest(TINE_MSG_OUT, 1, 2, 0, zeros, 10, NULL), 0);
	assert_int_equal(from_guest(TINE_MSG_OUT, 1, 1, 0, NULL, 0, NULL), 0);
	assert_int_equal(from_guest(TINE_MSG_OUT, 1, 1, 0, zeros, 1, NULL), -EPROTO);
	assert_int_equal(from_guest(TINE_MSG_OUT, 1, 2, 0, NULL, 0, NULL), 0);
	/* over: what comes late is ignored if it is harmless */
	assert_int_equal(from_guest(TINE_MSG_OUT, 1, 2, 0, NULL, 0, &ignore), 0);
	assert_true(ignore);
	assert_int_equal(from_guest(TINE_MSG_CREDIT, 1, 0, 0, zeros, 4, &ignore), 0);
	assert_true(ignore);
	assert_int_equal(to_guest(TINE_MSG_STDIN, 1, 0, 0, zeros, 100), 0);
	launch(1, 0);
}

static void
test_failed_launch(void **state)
{
	struct tine_launch l = {.argc = 1};

	(void)state;
	assert_int_equal(to_guest(TINE_MSG_LAUNCH, 1, 0, 0, &l, sizeof(l)), 0);
	assert_int_equal(from_guest(TINE_MSG_EXITED, 1, 0, 0, zeros, 64, NULL), -EPROTO);
	assert_int_equal(from_guest(TINE_MSG_REPLY, 1, ENOENT, 0, NULL, 0, NULL), 0);
	assert_int_equal(from_guest(TINE_MSG_EXITED, 1, 0, 0, zeros, 64, NULL), -EPROTO);
	assert_int_equal(to_guest(TINE_MSG_LAUNCH, 1, 0, 0, &l, 4), -EINVAL);
}

static void
test_output_credit(void **state)
{
	uint32_t more = 100, left = TINE_STREAM_CREDIT;

	(void)state;
	launch(1, 0);
	while (left > 0) {
		assert_int_equal(from_guest(TINE_MSG_OUT, 1, 1, 0, zeros, TINE_MSG_FRAG, NULL), 0);
		left -= TINE_MSG_FRAG;
	}
	assert_int_equal(proto_out_credit(&proto, 1, 1), 0);
	assert_int_equal(from_guest(TINE_MSG_OUT, 1, 1, 0, zeros, 1, NULL), -EPROTO);
	assert_int_equal(from_guest(TINE_MSG_OUT, 1, 2, 0, zeros, 1, NULL), 0);
	assert_int_equal(to_guest(TINE_MSG_CREDIT, 1, 1, 0, &more, 4), 0);
	assert_int_equal(from_guest(TINE_MSG_OUT, 1, 1, 0, zeros, 101, NULL), -EPROTO);
	assert_int_equal(from_guest(TINE_MSG_OUT, 1, 1, 0, zeros, 100, NULL), 0);
	assert_int_equal(to_guest(TINE_MSG_CREDIT, 1, 0, 0, &more, 4), -EINVAL);
}

static void
test_terminal_has_one_stream(void **state)
{
	(void)state;
	launch(1, TINE_LAUNCH_TTY);
	assert_int_equal(from_guest(TINE_MSG_OUT, 1, 2, 0, zeros, 1, NULL), -EPROTO);
	assert_int_equal(from_guest(TINE_MSG_EXITED, 1, 0, 0, zeros, 64, NULL), 0);
	assert_int_equal(from_guest(TINE_MSG_OUT, 1, 1, 0, NULL, 0, NULL), 0);
	launch(1, TINE_LAUNCH_TTY);
}

static void
test_stdin_credit(void **state)
{
	uint32_t more = 5, huge = 0xffffffffu;

	(void)state;
	launch(1, TINE_LAUNCH_STDIN);
	for (uint32_t left = TINE_STREAM_CREDIT; left > 0; left -= TINE_MSG_FRAG)
		assert_int_equal(to_guest(TINE_MSG_STDIN, 1, 0, 0, zeros, TINE_MSG_FRAG), 0);
	assert_int_equal(to_guest(TINE_MSG_STDIN, 1, 0, 0, zeros, 1), -EAGAIN);
	assert_int_equal(to_guest(TINE_MSG_STDIN, 1, 0, 0, NULL, 0), 0);
	assert_int_equal(from_guest(TINE_MSG_CREDIT, 1, 0, 0, &more, 4, NULL), 0);
	assert_int_equal(proto_stdin_credit(&proto, 1), 5);
	assert_int_equal(from_guest(TINE_MSG_CREDIT, 1, 1, 0, &more, 4, NULL), -EPROTO);
	assert_int_equal(from_guest(TINE_MSG_CREDIT, 1, 0, 0, &huge, 4, NULL), -EPROTO);
	assert_int_equal(proto_stdin_credit(&proto, 2), 0);
}

static void
test_fragments(void **state)
{
	(void)state;
	assert_int_equal(to_guest(TINE_MSG_PROCS, 1, 0, 0, NULL, 0), 0);
	assert_int_equal(to_guest(TINE_MSG_PROCS, 2, 0, 0, NULL, 0), 0);
	assert_int_equal(from_guest(TINE_MSG_REPLY, 1, 0, TINE_MSG_MORE, zeros, 104, NULL), 0);
	assert_int_equal(from_guest(TINE_MSG_REPLY, 1, 0, TINE_MSG_MORE, zeros, 104, NULL), 0);
	assert_int_equal(from_guest(TINE_MSG_REPLY, 2, 0, 0, zeros, 104, NULL), -EPROTO);
}

static void
test_fragment_interleaved_with_log(void **state)
{
	(void)state;
	assert_int_equal(to_guest(TINE_MSG_PROCS, 1, 0, 0, NULL, 0), 0);
	assert_int_equal(from_guest(TINE_MSG_REPLY, 1, 0, TINE_MSG_MORE, zeros, 104, NULL), 0);
	assert_int_equal(from_guest(TINE_MSG_LOG, 0, 6, 0, zeros, 5, NULL), -EPROTO);
}

static void
test_endless_message(void **state)
{
	int r = 0, n = 0;

	(void)state;
	assert_int_equal(to_guest(TINE_MSG_PROCS, 1, 0, 0, NULL, 0), 0);
	for (; r == 0 && n < 100000; n++)
		r = from_guest(TINE_MSG_REPLY, 1, 0, TINE_MSG_MORE, zeros, TINE_MSG_FRAG, NULL);
	assert_int_equal(r, -EPROTO);
	assert_int_equal(n, TINE_MSG_MAX_G2H / TINE_MSG_FRAG + 1);
}

static void
test_many_ids(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 1000; i++)
		assert_int_equal(to_guest(TINE_MSG_PROCS, i, 0, 0, NULL, 0), 0);
	for (uint32_t i = 1000; i >= 1; i--)
		assert_int_equal(from_guest(TINE_MSG_REPLY, i, 0, 0, NULL, 0, NULL), 0);
	assert_int_equal(from_guest(TINE_MSG_REPLY, 1, 0, 0, NULL, 0, NULL), -EPROTO);
}

/* Whatever the guest says, the books stay in order (the sanitizers watch). */
static void
test_garbage(void **state)
{
	uint64_t seed = 42;
	uint8_t payload[64];

	(void)state;
	for (uint32_t i = 1; i < 20; i++)
		launch(i, i % 2 != 0 ? TINE_LAUNCH_TTY : 0);
	for (int i = 0; i < 200000; i++) {
		struct tine_msg m = {
		    .type = (uint16_t)(TINE_MSG_READY + test_random(&seed) % 6),
		    .id = (uint32_t)(test_random(&seed) % 24),
		    .arg = (uint32_t)(test_random(&seed) % 4),
		    .flags = (uint16_t)(test_random(&seed) % 8 == 0),
		    .len = (uint32_t)(test_random(&seed) % 65),
		};
		bool ignore;

		for (size_t b = 0; b < sizeof(payload); b++)
			payload[b] = (uint8_t)test_random(&seed);
		if (i % 5 == 0)
			m.type = TINE_MSG_CREDIT;
		if (msg_check(&m, false, NULL) == 0)
			(void)proto_from_guest(&proto, &m, payload, &ignore, NULL);
	}
}

static void
test_joiner(void **state)
{
	struct tine_msg m = {.type = TINE_MSG_REPLY, .id = 3, .arg = 9, .flags = TINE_MSG_MORE};
	struct joiner j = {0};
	struct sandbox_msg msg;
	uint8_t payload[TINE_MSG_FRAG];

	(void)state;
	m.len = TINE_MSG_FRAG;
	for (int i = 0; i < 10; i++) {
		memset(payload, i, sizeof(payload));
		assert_int_equal(joiner_add(&j, &m, payload, &msg), 0);
	}
	m.flags = 0;
	m.len = 1;
	assert_int_equal(joiner_add(&j, &m, payload, &msg), 1);
	assert_int_equal(msg.len, 10 * TINE_MSG_FRAG + 1);
	assert_int_equal(msg.payload[9 * TINE_MSG_FRAG], 9);
	assert_int_equal(msg.arg, 9);
	m.len = 0;
	assert_int_equal(joiner_add(&j, &m, payload, &msg), 1);
	assert_int_equal(msg.len, 0);
	joiner_free(&j);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_msg_check),       T(test_ids),           T(test_launch_life),
	    T(test_failed_launch),   T(test_output_credit), T(test_terminal_has_one_stream),
	    T(test_stdin_credit),    T(test_fragments),     T(test_fragment_interleaved_with_log),
	    T(test_endless_message), T(test_many_ids),      T(test_garbage),
	    T(test_joiner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
