/* SPDX-License-Identifier: ISC */
/* outq.c: a growing FIFO of records. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "outq.h"

void
outq_free(struct outq *q)
{
	free(q->buf);
	memset(q, 0, sizeof(*q));
}

bool
outq_empty(const struct outq *q)
{
	return q->head == q->tail;
}

size_t
outq_bytes(const struct outq *q)
{
	return q->tail - q->head;
}

static int
make_room(struct outq *q, size_t need)
{
	size_t used = q->tail - q->head, cap = q->cap != 0 ? q->cap : 16384;
	uint8_t *buf;

	if (q->cap - q->tail >= need)
		return 0;
	if (q->head > 0) {
		memmove(q->buf, q->buf + q->head, used);
		q->head = 0;
		q->tail = used;
		if (q->cap - q->tail >= need)
			return 0;
	}
	while (cap - used < need)
		cap *= 2;
	buf = realloc(q->buf, cap);
	if (buf == NULL)
		return -ENOMEM;
	q->buf = buf;
	q->cap = cap;
	return 0;
}

int
outq_push(struct outq *q, const struct tine_msg *hdr, const void *payload)
{
	int r = make_room(q, sizeof(*hdr) + hdr->len);

	if (r != 0)
		return r;
	memcpy(q->buf + q->tail, hdr, sizeof(*hdr));
	if (hdr->len > 0)
		memcpy(q->buf + q->tail + sizeof(*hdr), payload, hdr->len);
	q->tail += sizeof(*hdr) + hdr->len;
	return 0;
}

size_t
outq_peek(const struct outq *q, struct tine_msg *hdr, const uint8_t **bytes)
{
	if (outq_empty(q))
		return 0;
	memcpy(hdr, q->buf + q->head, sizeof(*hdr));
	*bytes = q->buf + q->head;
	return sizeof(*hdr) + hdr->len;
}

void
outq_pop(struct outq *q)
{
	struct tine_msg hdr;
	const uint8_t *bytes;

	q->head += outq_peek(q, &hdr, &bytes);
	if (q->head == q->tail) {
		q->head = q->tail = 0;
		if (q->cap > (1u << 20)) /* a large launch is no reason to stay large */
			outq_free(q);
	}
}
