/* SPDX-License-Identifier: ISC */
/* inbuf.h: bytes on their way to a program's standard input, held back until there is credit. */
#ifndef TINE_API_INBUF_H
#define TINE_API_INBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waitq.h"

#define INBUF_CAP (256u * 1024)
#define INBUF_CREDIT_MAX (1u << 30) /* what a guest may pile up; more is a protocol violation */

struct inbuf {
	uint8_t *data;
	size_t head, len, size; /* data[head .. head+len) waits */
	uint64_t credit;
	bool open;          /* the program has a stdin that is fed */
	bool ending, ended; /* end of file is wanted, has been sent */
	struct waitq space; /* woken when there is room, or stdin is gone */
};

void inbuf_init(struct inbuf *in, bool open);
void inbuf_fini(struct inbuf *in);
/* Take up to len bytes; how many there was room for. limit bounds the bytes held. */
size_t inbuf_put(struct inbuf *in, const uint8_t *data, size_t len, size_t limit);
/* Bytes that may be sent now (*data), at most max. */
size_t inbuf_peek(const struct inbuf *in, const uint8_t **data, size_t max);
void inbuf_sent(struct inbuf *in, size_t len);
/* Credit from the guest: 0 or -EPROTO. */
int inbuf_credit(struct inbuf *in, uint32_t bytes);
/* Nobody will read any more. */
void inbuf_close(struct inbuf *in);

#endif
