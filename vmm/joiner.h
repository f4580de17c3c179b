/* SPDX-License-Identifier: ISC */
/* joiner.h: put the fragments of a logical message together again. */
#ifndef TINE_VMM_JOINER_H
#define TINE_VMM_JOINER_H

#include <stddef.h>
#include <stdint.h>

#include "vmm.h"

struct joiner {
	uint8_t *buf;
	size_t len, cap;
	uint16_t type;
	uint32_t id, arg;
};

/* Add one record that proto_from_guest() has passed.  1: *msg is complete (its payload is valid
 * until the next call), 0: more is to come, -ENOMEM. */
int joiner_add(struct joiner *joiner, const struct tine_msg *hdr, const uint8_t *payload,
	       struct sandbox_msg *msg);
void joiner_free(struct joiner *joiner);

#endif
