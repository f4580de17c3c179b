/* frame.c: byte queues and the frames in them; compiled into the launcher and the agent. */
/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"

static void
stream_reserve(struct stream *s, size_t length)
{
	if (s->start == s->end)
		s->start = s->end = 0;
	if (s->size - s->end >= length)
		return;
	if (s->start > 0) {
		memmove(s->data, s->data + s->start, stream_used(s));
		s->end -= s->start;
		s->start = 0;
	}
	if (s->size - s->end >= length)
		return;
	size_t size = s->size ? s->size : 65536;
	while (size - s->end < length)
		size *= 2;
	s->data = realloc(s->data, size);
	if (s->data == NULL)
		abort();
	s->size = size;
}

void
stream_append(struct stream *s, const void *data, size_t length)
{
	if (length == 0)
		return;
	stream_reserve(s, length);
	memcpy(s->data + s->end, data, length);
	s->end += length;
}

void
stream_consume(struct stream *s, size_t length)
{
	s->start += length;
}

ssize_t
stream_read(struct stream *s, int fd)
{
	stream_reserve(s, 32768);
	ssize_t n = read(fd, s->data + s->end, s->size - s->end);
	if (n > 0)
		s->end += (size_t)n;
	return n;
}

ssize_t
stream_write(struct stream *s, int fd, size_t limit)
{
	size_t length = stream_used(s) < limit ? stream_used(s) : limit;
	ssize_t n = write(fd, s->data + s->start, length);
	if (n > 0)
		stream_consume(s, (size_t)n);
	return n;
}

void
frame_put(struct stream *s, enum frame_type type, const void *payload, size_t length)
{
	struct frame_header h = {(uint32_t)type, (uint32_t)length};

	stream_append(s, &h, sizeof(h));
	stream_append(s, payload, length);
}

int
frame_get(struct stream *s, struct frame *f)
{
	struct frame_header h;

	if (stream_used(s) < sizeof(h))
		return 0;
	memcpy(&h, s->data + s->start, sizeof(h));
	if (h.length > FRAME_PAYLOAD_MAX)
		return -1;
	if (stream_used(s) - sizeof(h) < h.length)
		return 0;
	*f = (struct frame){h.type, h.length, s->data + s->start + sizeof(h)};
	stream_consume(s, sizeof(h) + h.length);
	return 1;
}
