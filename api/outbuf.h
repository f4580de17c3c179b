/* SPDX-License-Identifier: ISC */
/*
 * outbuf.h: what a program has written to one of its output streams, within bounds.
 *
 * Bytes have offsets counted from the start of the stream.  The newest `cap` bytes are kept.  The
 * guest may send up to `granted`; more credit follows as the policy allows:
 *	keep-newest	always, so that a program never hangs on output that nobody reads; bytes
 *			that were overwritten unread are counted as dropped;
 *	block		only as readers read, so that nothing is ever lost.
 */
#ifndef TINE_API_OUTBUF_H
#define TINE_API_OUTBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waitq.h"

#define OUTBUF_CAP_MIN 65536u
#define OUTBUF_CAP_DEFAULT (1u << 20)
#define OUTBUF_CAP_MAX (16u << 20)

struct outbuf {
	uint8_t *data; /* ring: the byte at offset o is data[o % size] */
	size_t size, cap;
	uint64_t start, end; /* offsets kept: [start, end) */
	uint64_t mark;       /* up to here some reader has read */
	uint64_t granted;    /* the guest may send up to this offset */
	uint64_t dropped;    /* bytes overwritten before anybody read them */
	bool block, eof;
	bool lenient;         /* granted may be too low: more may come */
	struct waitq readers; /* woken by bytes and by the end */
};

void outbuf_init(struct outbuf *out, size_t cap, bool block);
void outbuf_fini(struct outbuf *out);

/* Bytes from the guest: 0, -EPROTO beyond credit or after the end, -ENOMEM. */
int outbuf_append(struct outbuf *out, const uint8_t *data, size_t len);

/* The stream has ended (or its sandbox has). */
void outbuf_end(struct outbuf *out);

/* Copy from offset on, at most max bytes; *offset is moved up to the oldest byte kept first. */
size_t outbuf_read(const struct outbuf *out, uint64_t *offset, void *buf, size_t max);

/* A reader has consumed everything below offset. */
void outbuf_consumed(struct outbuf *out, uint64_t offset);

/* Credit to send to the guest now, 0 = none; counts as granted. */
uint32_t outbuf_credit(struct outbuf *out);

#endif
