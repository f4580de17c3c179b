/* frame.h: the frames between the launcher on the host and the agent in the machine. */
/* SPDX-License-Identifier: ISC */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * One frame is a header of two little-endian 32-bit words (type, length of the payload) and the
 * payload. Both sides run on x86-64, so the header is the structure itself.
 *
 * The launcher never has more than FRAME_WINDOW bytes of stdin on the way that the agent has not
 * answered with FRAME_CREDIT: a command that does not read its stdin cannot keep a signal or a new
 * window size from arriving.
 */
enum frame_type {
	/* launcher to agent */
	FRAME_JOB = 'J',     /* what to run: zero-terminated strings, see agent/job.c */
	FRAME_STDIN = 'i',   /* bytes for the command's stdin; empty: end of file */
	FRAME_WINSIZE = 'w', /* struct winsize */
	FRAME_SIGNAL = 'k',  /* uint32_t signal number for the command's process group */
	FRAME_CLOSE = 'C',   /* uint32_t 1 or 2: nobody reads this output of the command any more */
	/* agent to launcher */
	FRAME_READY = 'R',   /* the machine has booted and waits for FRAME_JOB */
	FRAME_STARTED = 'S', /* the command was started */
	FRAME_STDOUT = 'o',
	FRAME_STDERR = 'e',
	FRAME_CREDIT = 'c', /* uint32_t bytes of stdin were taken */
	FRAME_FILES = 'F',  /* part of a tar archive of changed files */
	FRAME_FAIL = 'f',   /* text: why the command could not be run; nothing follows */
	FRAME_EXIT = 'x',   /* uint32_t exit status as a shell reports it; nothing follows */
};

#define FRAME_WINDOW 16384u
#define FRAME_PAYLOAD_MAX (8u << 20)

struct frame_header {
	uint32_t type;
	uint32_t length;
};

struct frame {
	uint32_t type;
	uint32_t length;
	const unsigned char *payload; /* inside the stream: valid until the stream is used again */
};

/*
 * A byte queue in one growing buffer; a zeroed structure is an empty one. Running out of memory
 * aborts.
 */
struct stream {
	unsigned char *data;
	size_t start, end, size;
};

static inline size_t
stream_used(const struct stream *s)
{
	return s->end - s->start;
}

void stream_append(struct stream *s, const void *data, size_t length);
void stream_consume(struct stream *s, size_t length);

/*
 * One read(2) to the end of the queue: its result. One write(2) of at most `limit` bytes from the
 * front: its result.
 */
ssize_t stream_read(struct stream *s, int fd);
ssize_t stream_write(struct stream *s, int fd, size_t limit);

/*
 * Queues one frame (several for STDIN, STDOUT... is the caller's choice; the payload may be as
 * large as FRAME_PAYLOAD_MAX).
 */
void frame_put(struct stream *s, enum frame_type type, const void *payload, size_t length);

/* Takes the next whole frame: 1; 0 when there is none yet, -1 when the stream is broken. */
int frame_get(struct stream *s, struct frame *f);

#endif
