/* SPDX-License-Identifier: ISC */
/* test_buffers.c: stream buffers and their credit, the loop's timers and tasks, wait queues. */
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/msg.h"
#include "idmap.h"
#include "inbuf.h"
#include "klog.h"
#include "loop.h"
#include "outbuf.h"

/* ---- output -------------------------------------------------------------------------------- */

static uint8_t
byte_at(uint64_t offset)
{
	return (uint8_t)(offset * 31 + offset / 257);
}

/* Append n bytes whose values tell their offset. */
static int
append(struct outbuf *out, size_t n)
{
	static uint8_t data[TINE_STREAM_CREDIT + 1];

	for (size_t i = 0; i < n; i++)
		data[i] = byte_at(out->end + i);
	return outbuf_append(out, data, n);
}

static void
check_content(const struct outbuf *out)
{
	uint64_t offset = 0;
	size_t n = (size_t)(out->end - out->start);
	uint8_t *data = malloc(n + 1);

	assert_non_null(data);
	assert_int_equal(outbuf_read(out, &offset, data, n), n);
	assert_true(offset == out->start);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(data[i], byte_at(offset + i));
	free(data);
}

static void
test_keep_newest(void **state)
{
	struct outbuf out;
	uint64_t credit = TINE_STREAM_CREDIT;
	unsigned seed = 1;

	(void)state;
	outbuf_init(&out, 100000, false);
	for (int i = 0; i < 300; i++) {
		size_t n = (size_t)rand_r(&seed) % 20000;

		assert_true(n <= credit); /* the program never has to wait */
		assert_int_equal(append(&out, n), 0);
		credit += outbuf_credit(&out);
		credit -= n;
		assert_true(out.end - out.start <= 100000);
		if (i % 17 == 0)
			check_content(&out);
	}
	assert_true(out.dropped == out.start);
	outbuf_fini(&out);
}

static void
test_block(void **state)
{
	uint64_t credit = TINE_STREAM_CREDIT, offset = 0;
	static uint8_t data[30000];
	struct outbuf out;
	size_t n;

	(void)state;
	outbuf_init(&out, OUTBUF_CAP_MIN, true);
	for (int i = 0; i < 1000; i++) {
		if (credit > 0) {
			n = credit < 20000 ? (size_t)credit : 20000;
			assert_int_equal(append(&out, n), 0);
			credit -= n;
		}
		n = outbuf_read(&out, &offset, data, (size_t)(i % 3) * 10000);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(data[k], byte_at(offset + k));
		offset += n;
		outbuf_consumed(&out, offset);
		credit += outbuf_credit(&out);
		assert_true(out.granted - offset <= OUTBUF_CAP_MIN);
	}
	assert_true(offset > 5000000);
	assert_true(out.dropped == 0);
	outbuf_fini(&out);
}

static void
test_over_credit(void **state)
{
	struct outbuf out;

	(void)state;
	outbuf_init(&out, OUTBUF_CAP_MIN, true);
	assert_int_equal(append(&out, TINE_STREAM_CREDIT), 0);
	assert_int_equal(outbuf_credit(&out), 0);
	assert_int_equal(append(&out, 1), -EPROTO);
	outbuf_end(&out);
	assert_int_equal(append(&out, 0), -EPROTO);
	outbuf_fini(&out);
}

static void
test_short_output_is_small(void **state)
{
	struct outbuf out;

	(void)state;
	outbuf_init(&out, OUTBUF_CAP_DEFAULT, false);
	assert_int_equal(out.size, 0);
	assert_int_equal(append(&out, 10), 0);
	assert_true(out.size <= 4096);
	outbuf_fini(&out);
}

/* ---- input --------------------------------------------------------------------------------- */

static void
test_input(void **state)
{
	static uint8_t data[INBUF_CAP + 10];
	const uint8_t *at;
	struct inbuf in;

	(void)state;
	inbuf_init(&in, true);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = byte_at(i);
	assert_int_equal(inbuf_put(&in, data, sizeof(data), INBUF_CAP), INBUF_CAP);
	assert_int_equal(inbuf_put(&in, data, 1, INBUF_CAP), 0);
	assert_int_equal(inbuf_peek(&in, &at, 100000), TINE_STREAM_CREDIT);
	assert_memory_equal(at, data, TINE_STREAM_CREDIT);
	inbuf_sent(&in, TINE_STREAM_CREDIT);
	assert_int_equal(inbuf_peek(&in, &at, 100000), 0);
	assert_int_equal(inbuf_credit(&in, 5), 0);
	assert_int_equal(inbuf_peek(&in, &at, 100000), 5);
	assert_int_equal(at[0], data[TINE_STREAM_CREDIT]);
	assert_int_equal(inbuf_put(&in, data + INBUF_CAP, 10, INBUF_CAP), 10);
	assert_int_equal(inbuf_credit(&in, UINT32_MAX), -EPROTO);
	inbuf_close(&in);
	assert_int_equal(inbuf_put(&in, data, 1, INBUF_CAP), 0);
	inbuf_fini(&in);
}

/* ---- kernel log ---------------------------------------------------------------------------- */

static void
test_klog(void **state)
{
	struct klog *log = calloc(1, sizeof(*log));
	char line[2000];
	json_t *doc;

	(void)state;
	assert_non_null(log);
	memset(line, '\1', sizeof(line));
	for (unsigned i = 0; i < KLOG_LINES + 10; i++)
		klog_add(log, 99, (const uint8_t *)line, sizeof(line));
	doc = klog_json(log, 0, KLOG_LINES);
	assert_int_equal(json_array_size(json_object_get(doc, "items")), KLOG_LINES);
	assert_int_equal(json_integer_value(json_object_get(doc, "dropped")), 10);
	json_decref(doc);
	doc = klog_json(log, KLOG_LINES + 8, 1);
	assert_int_equal(json_array_size(json_object_get(doc, "items")), 1);
	assert_int_equal(json_integer_value(json_object_get(doc, "last")), KLOG_LINES + 9);
	json_decref(doc);
	doc = klog_tail(log, 3);
	assert_int_equal(json_array_size(doc), 3);
	json_decref(doc);
	klog_fini(log);
	free(log);
}

/* ---- loop ---------------------------------------------------------------------------------- */

static uint64_t last_due;
static unsigned fired;

static void
on_timer(struct loop_timer *timer)
{
	assert_true(timer->due_ns >= last_due);
	last_due = timer->due_ns;
	fired++;
}

static void
test_timers(void **state)
{
	static struct loop_timer timers[1000];
	struct loop loop;
	unsigned seed = 7, set = 0;

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	for (size_t i = 0; i < 1000; i++) {
		timers[i].fire = on_timer;
		loop_timer_set(&loop, &timers[i], 1 + (uint64_t)rand_r(&seed));
	}
	for (size_t i = 0; i < 1000; i += 3)
		loop_timer_clear(&loop, &timers[i]);
	for (size_t i = 0; i < 1000; i += 6) /* moved */
		loop_timer_set(&loop, &timers[i], 1 + (uint64_t)rand_r(&seed));
	for (size_t i = 0; i < 1000; i++)
		set += timers[i].slot != 0;
	last_due = fired = 0;
	loop_turn(&loop, 0);
	assert_int_equal(fired, set);
	assert_int_equal(loop.nheap, 0);
	loop_fini(&loop);
}

struct pair {
	struct loop_source src;
	struct loop *loop;
	struct pair *other;
	unsigned ran;
};

/* Each takes the other away: only one may run, and nothing that is gone may be touched. */
static void
on_pair(struct loop_source *src, uint32_t events)
{
	struct pair *self = (struct pair *)(void *)src;

	(void)events;
	self->ran++;
	loop_del(self->loop, &self->other->src);
	memset(&self->other->src.ready, 0x5a, sizeof(self->other->src.ready));
}

static void
test_remove_while_dispatching(void **state)
{
	struct pair a = {.ran = 0}, b = {.ran = 0};
	int fds[2][2];
	struct loop loop;

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	for (int i = 0; i < 2; i++) {
		struct pair *p = i ? &b : &a;

		assert_int_equal(pipe(fds[i]), 0);
		assert_int_equal(write(fds[i][1], "x", 1), 1);
		p->src = (struct loop_source){.fd = fds[i][0], .ready = on_pair};
		p->loop = &loop;
		p->other = i ? &a : &b;
		assert_int_equal(loop_add(&loop, &p->src, EPOLLIN), 0);
	}
	loop_turn(&loop, 0);
	assert_int_equal(a.ran + b.ran, 1);
	for (int i = 0; i < 4; i++)
		close(fds[i / 2][i % 2]);
	loop_fini(&loop);
}

static struct loop *task_loop;
static unsigned task_runs;

static void
on_task(struct loop_task *task)
{
	task_runs++;
	loop_task_queue(task_loop, task); /* for the next turn, not for ever in this one */
}

static void
test_tasks(void **state)
{
	struct loop_task task = {.run = on_task};
	struct loop loop;

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	task_loop = &loop;
	loop_task_queue(&loop, &task);
	loop_turn(&loop, 0);
	assert_int_equal(task_runs, 1);
	loop_turn(&loop, 0);
	assert_int_equal(task_runs, 2);
	loop_task_cancel(&loop, &task);
	loop_turn(&loop, 0);
	assert_int_equal(task_runs, 2);
	loop_fini(&loop);
}

/* ---- wait queues and id maps --------------------------------------------------------------- */

static struct waitq queue = LIST_HEAD_INITIALIZER(queue);
static struct waiter waiters[3];
static unsigned woken;

static void
on_wake(struct waiter *waiter)
{
	woken++;
	if (waiter == &waiters[1]) /* waits again, and takes another one off */
		waitq_add(&queue, waiter);
	waitq_remove(&waiters[0]);
}

static void
test_waitq(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		waiters[i].wake = on_wake;
		waitq_add(&queue, &waiters[i]);
	}
	waitq_wake(&queue);
	assert_int_equal(woken, 2);
	assert_false(waiters[0].queued);
	waitq_wake(&queue);
	assert_int_equal(woken, 3);
}

static void
test_idmap(void **state)
{
	static struct idnode nodes[500];
	struct idmap map = {.count = 0};

	(void)state;
	for (uint32_t i = 0; i < 500; i++)
		idmap_add(&map, &nodes[i], i * 7 + 1);
	for (uint32_t i = 0; i < 500; i++)
		assert_ptr_equal(idmap_find(&map, i * 7 + 1), &nodes[i]);
	assert_null(idmap_find(&map, 2));
	while (idmap_first(&map) != NULL)
		idmap_remove(&map, idmap_first(&map));
	assert_int_equal(map.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keep_newest), cmocka_unit_test(test_block),
	    cmocka_unit_test(test_over_credit), cmocka_unit_test(test_short_output_is_small),
	    cmocka_unit_test(test_input),       cmocka_unit_test(test_klog),
	    cmocka_unit_test(test_timers),      cmocka_unit_test(test_remove_while_dispatching),
	    cmocka_unit_test(test_tasks),       cmocka_unit_test(test_waitq),
	    cmocka_unit_test(test_idmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
