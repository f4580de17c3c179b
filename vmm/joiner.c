/* SPDX-License-Identifier: ISC */
/* joiner.c: reassemble logical messages; their length is bounded by proto.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "joiner.h"

/* A buffer larger than this is not kept between messages. */
#define KEEP_BYTES (64u << 10)

static int
reserve(struct joiner *j, size_t more)
{
	size_t cap = j->cap != 0 ? j->cap : TINE_MSG_FRAG;
	uint8_t *buf;

	if (j->cap - j->len >= more)
		return 0;
	while (cap - j->len < more)
		cap *= 2;
	buf = realloc(j->buf, cap);
	if (buf == NULL)
		return -ENOMEM;
	j->buf = buf;
	j->cap = cap;
	return 0;
}

int
joiner_add(struct joiner *j, const struct tine_msg *hdr, const uint8_t *payload,
	   struct sandbox_msg *msg)
{
	bool more = (hdr->flags & TINE_MSG_MORE) != 0;

	if (j->len == 0) {
		if (j->cap > KEEP_BYTES)
			joiner_free(j);
		j->type = hdr->type;
		j->id = hdr->id;
		j->arg = hdr->arg;
	}
	if (j->len == 0 && !more) { /* the common case needs no copy */
		*msg = (struct sandbox_msg){hdr->type, hdr->id, hdr->arg, hdr->len, payload};
		return 1;
	}
	if (reserve(j, hdr->len) != 0)
		return -ENOMEM;
	memcpy(j->buf + j->len, payload, hdr->len);
	j->len += hdr->len;
	if (more)
		return 0;
	*msg = (struct sandbox_msg){j->type, j->id, j->arg, j->len, j->buf};
	j->len = 0;
	return 1;
}

void
joiner_free(struct joiner *j)
{
	free(j->buf);
	memset(j, 0, sizeof(*j));
}
