/* SPDX-License-Identifier: ISC */
/* run_stdio.h: the standard streams of `tine run`. */
#ifndef TINE_VMM_RUN_STDIO_H
#define TINE_VMM_RUN_STDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evloop.h"
#include "vmm.h"

enum stdio_kind {
	STDIO_NONE,    /* closed, or not wanted */
	STDIO_NULL,    /* the null device */
	STDIO_PRIVATE, /* an open file description of our own, non-blocking */
	STDIO_SOCKET,  /* non-blocking by flag of each call */
	STDIO_FILE,    /* regular file: never blocks for long */
	STDIO_SHARED,  /* blocking, shared with other processes: small pieces when poll allows */
};

/* One output stream: at most a window of credit waits here for a slow reader. */
struct stdio_out {
	enum stdio_kind kind;
	int original; /* the descriptor it was opened from */
	struct source source;
	struct evloop *loop;
	size_t head, len;
	uint32_t owed; /* bytes passed on, for which no credit has been given yet */
	bool ended;    /* the guest's last writer has closed it */
	bool broken;   /* nothing can be written any more; what comes is dropped */
	int error;     /* why it broke, unless for want of a reader; who tells it sets it to 0 */
	void (*progress)(void *arg, struct stdio_out *out); /* bytes went out, or it broke */
	void *arg;
	uint8_t *buf; /* TINE_STREAM_CREDIT bytes */
};

struct stdio_in {
	enum stdio_kind kind;
	struct source source;
	bool ended;
};

/* Open those of the three standard descriptors that are closed, so that no other file takes their
 * numbers. */
int stdio_fill_gaps(void);

/* buf has TINE_STREAM_CREDIT bytes and stays the caller's. */
void stdio_out_open(struct stdio_out *out, int fd, uint8_t *buf, struct evloop *loop,
		    void (*progress)(void *, struct stdio_out *), void *arg);
/* Bytes of the guest, no more than its credit. */
void stdio_out_write(struct stdio_out *out, const uint8_t *data, size_t len);
/* The guest has closed the stream: so does the host once everything is written. */
void stdio_out_end(struct stdio_out *out);
/* Everything written? */
bool stdio_out_idle(const struct stdio_out *out);

void stdio_in_open(struct stdio_in *in, int fd);
/* Read up to len bytes: > 0, 0 at end of file, -EAGAIN when nothing is there, another -errno. */
ssize_t stdio_in_read(const struct stdio_in *in, void *buf, size_t len);

#endif
