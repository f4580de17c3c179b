/* SPDX-License-Identifier: ISC */
/* outq.h: records that wait for room. */
#ifndef TINE_VMM_OUTQ_H
#define TINE_VMM_OUTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/msg.h"

struct outq {
	uint8_t *buf;
	size_t head, tail, cap; /* records lie in buf[head..tail), unpadded */
};

void outq_free(struct outq *q);
bool outq_empty(const struct outq *q);
size_t outq_bytes(const struct outq *q);
/* Append a record; 0 or -ENOMEM. */
int outq_push(struct outq *q, const struct tine_msg *hdr, const void *payload);
/* First record: its bytes (header and payload are adjacent) and their number, 0 when empty. */
size_t outq_peek(const struct outq *q, struct tine_msg *hdr, const uint8_t **bytes);
void outq_pop(struct outq *q);

#endif
