/* SPDX-License-Identifier: ISC */
/*
 * ring.h: two single-producer single-consumer byte rings that carry messages (msg.h).
 *
 * Positions are free-running uint32_t byte counts; the ring offset is position % size.  Every
 * record starts 8-byte aligned and its length is a multiple of 8, but it may wrap around the end
 * of the ring at any 8-byte boundary.  The producer stores data, then tail (release); the consumer
 * loads tail (acquire), copies the record out, then stores head (release).
 *
 * Waking: a consumer that is about to sleep sets `waiting` to 1, issues a full fence and looks once
 * more; a producer that has moved tail issues a full fence and, if `waiting` is 1, rings (guest:
 * OUT to TINE_PORT_DOORBELL, before it runs a program again or halts; host: TINE_VECTOR_CHANNEL).
 * A producer that found the ring full sets its own `blocked`; a consumer that has moved head and
 * sees `blocked` rings likewise.
 */
#ifndef TINE_ABI_RING_H
#define TINE_ABI_RING_H

#include <stddef.h>
#include <stdint.h>

struct tine_ring_line { /* one cache line, one writer */
	uint32_t pos;   /* tail for a producer, head for a consumer */
	uint32_t flag;  /* `blocked` for a producer, `waiting` for a consumer */
	uint32_t pad[14];
};

struct tine_rings {
	struct tine_ring_line h2g_tail; /* written by the host */
	struct tine_ring_line h2g_head; /* written by the guest */
	struct tine_ring_line g2h_tail; /* written by the guest */
	struct tine_ring_line g2h_head; /* written by the host */
};

_Static_assert(sizeof(struct tine_ring_line) == 64, "one cache line");
_Static_assert(sizeof(struct tine_rings) == 256, "layout");

#endif
