/* SPDX-License-Identifier: ISC */
/* inbuf.c: a queue of input bytes with credit. */
#include "inbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/msg.h"

void
inbuf_init(struct inbuf *in, bool open)
{
	*in = (struct inbuf){.open = open, .credit = TINE_STREAM_CREDIT};
	LIST_INIT(&in->space);
}

void
inbuf_fini(struct inbuf *in)
{
	free(in->data);
	in->data = NULL;
	in->head = in->len = in->size = 0;
}

static int
reserve(struct inbuf *in, size_t want)
{
	size_t size = in->size ? in->size : 4096;
	uint8_t *data;

	if (in->head > 0) {
		memmove(in->data, in->data + in->head, in->len);
		in->head = 0;
	}
	while (size < want)
		size *= 2;
	if (size == in->size)
		return 0;
	data = realloc(in->data, size);
	if (data == NULL)
		return -ENOMEM;
	in->data = data;
	in->size = size;
	return 0;
}

size_t
inbuf_put(struct inbuf *in, const uint8_t *data, size_t len, size_t limit)
{
	size_t room = in->len < limit ? limit - in->len : 0;

	if (len > room)
		len = room;
	if (!in->open || in->ending || len == 0)
		return 0;
	if (in->head + in->len + len > in->size && reserve(in, in->len + len) < 0)
		return 0;
	memcpy(in->data + in->head + in->len, data, len);
	in->len += len;
	return len;
}

size_t
inbuf_peek(const struct inbuf *in, const uint8_t **data, size_t max)
{
	size_t n = in->len < max ? in->len : max;

	*data = in->data + in->head;
	return n < in->credit ? n : (size_t)in->credit;
}

void
inbuf_sent(struct inbuf *in, size_t len)
{
	in->head += len;
	in->len -= len;
	in->credit -= len;
	if (in->len == 0)
		in->head = 0;
	waitq_wake(&in->space);
}

int
inbuf_credit(struct inbuf *in, uint32_t bytes)
{
	if (bytes > INBUF_CREDIT_MAX - in->credit)
		return -EPROTO;
	in->credit += bytes;
	return 0;
}

void
inbuf_close(struct inbuf *in)
{
	in->open = false;
	inbuf_fini(in);
	waitq_wake(&in->space);
}
