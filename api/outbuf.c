/* SPDX-License-Identifier: ISC */
/* outbuf.c: bounded, offset-addressed buffers of program output with credit. */
#include "outbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/msg.h"

#define CREDIT_STEP (TINE_STREAM_CREDIT / 4) /* smaller grants would cost a message per read */
#define SIZE_MIN 4096u

void
outbuf_init(struct outbuf *out, size_t cap, bool block)
{
	*out = (struct outbuf){.cap = cap, .block = block, .granted = TINE_STREAM_CREDIT};
	LIST_INIT(&out->readers);
}

void
outbuf_fini(struct outbuf *out)
{
	free(out->data);
	out->data = NULL;
	out->size = 0;
	out->start = out->end;
}

static void
ring_copy_in(uint8_t *ring, size_t size, uint64_t offset, const uint8_t *data, size_t len)
{
	size_t at = (size_t)(offset % size), first = len < size - at ? len : size - at;

	memcpy(ring + at, data, first);
	memcpy(ring, data + first, len - first);
}

/* Make room for `kept` bytes; the ring doubles so that short outputs stay small. */
static int
ring_grow(struct outbuf *out, size_t kept)
{
	size_t size = out->size ? out->size : SIZE_MIN;
	uint8_t *data;

	while (size < kept)
		size *= 2;
	if (size > out->cap)
		size = out->cap;
	if (size <= out->size)
		return 0;
	data = malloc(size);
	if (data == NULL)
		return -ENOMEM;
	for (uint64_t o = out->start; o < out->end && out->size > 0;) {
		size_t at = (size_t)(o % out->size), n = out->size - at;

		if (n > out->end - o)
			n = (size_t)(out->end - o);
		ring_copy_in(data, size, o, out->data + at, n);
		o += n;
	}
	free(out->data);
	out->data = data;
	out->size = size;
	return 0;
}

static void
forget_before(struct outbuf *out, uint64_t start)
{
	uint64_t unread = out->mark > out->start ? out->mark : out->start;

	if (start <= out->start)
		return;
	if (start > unread)
		out->dropped += start - unread;
	out->start = start;
}

int
outbuf_append(struct outbuf *out, const uint8_t *data, size_t len)
{
	uint64_t end = out->end + len;
	size_t kept = end - out->start < out->cap ? (size_t)(end - out->start) : out->cap;

	if (end > out->granted && out->lenient)
		out->granted = end;
	if (out->eof || end > out->granted)
		return -EPROTO;
	if (len == 0)
		return 0;
	if (ring_grow(out, kept) < 0)
		return -ENOMEM;
	forget_before(out, end - kept);
	if (len > kept) { /* of one piece that is too long the end is kept */
		data += len - kept;
		len = kept;
	}
	ring_copy_in(out->data, out->size, end - len, data, len);
	out->end = end;
	waitq_wake(&out->readers);
	return 0;
}

void
outbuf_end(struct outbuf *out)
{
	out->eof = true;
	waitq_wake(&out->readers);
}

size_t
outbuf_read(const struct outbuf *out, uint64_t *offset, void *buf, size_t max)
{
	size_t n, at, first;

	if (*offset < out->start)
		*offset = out->start;
	if (*offset >= out->end)
		return 0;
	n = out->end - *offset < max ? (size_t)(out->end - *offset) : max;
	at = (size_t)(*offset % out->size);
	first = n < out->size - at ? n : out->size - at;
	memcpy(buf, out->data + at, first);
	memcpy((uint8_t *)buf + first, out->data, n - first);
	return n;
}

void
outbuf_consumed(struct outbuf *out, uint64_t offset)
{
	if (offset > out->mark)
		out->mark = offset;
}

uint32_t
outbuf_credit(struct outbuf *out)
{
	uint64_t target = out->end + TINE_STREAM_CREDIT, grant;

	if (out->eof)
		return 0;
	if (out->block && target > out->mark + out->cap)
		target = out->mark + out->cap;
	if (target <= out->granted)
		return 0;
	grant = target - out->granted;
	if (grant < CREDIT_STEP && out->granted > out->end)
		return 0;
	out->granted = target;
	return (uint32_t)grant;
}
