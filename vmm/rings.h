/* SPDX-License-Identifier: ISC */
/* rings.h: the host's end of the two byte rings (abi/ring.h). */
#ifndef TINE_VMM_RINGS_H
#define TINE_VMM_RINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/abi.h"
#include "abi/msg.h"
#include "abi/ring.h"

struct tine_error;

/* Space of one record in a ring. */
static inline uint32_t
record_size(uint32_t len)
{
	return (uint32_t)sizeof(struct tine_msg) + ((len + 7u) & ~7u);
}

struct record {
	struct tine_msg hdr;
	uint8_t payload[TINE_MSG_FRAG];
};

/* The host's own positions live here: what stands in the shared region can be changed by the guest
 * and is never read back. */
struct rings {
	struct tine_rings *shared;
	uint8_t *h2g, *g2h;
	uint32_t tail; /* of h2g */
	uint32_t head; /* of g2h */
	bool blocked;  /* h2g was found full */
};

/* shared_region is TINE_SHARED_SIZE bytes, zeroed or of a guest that has not run since. */
void rings_init(struct rings *rings, uint8_t *shared_region);

/* Put one record: 1 placed, 0 no room (the guest will ring when there is), -EPROTO when the guest's
 * position is impossible. */
int rings_put(struct rings *rings, const struct tine_msg *hdr, const void *payload,
	      struct tine_error *error);
/* After one or more rings_put(): does the guest have to be interrupted? */
bool rings_put_wakes(const struct rings *rings);

/* Take one record out: 1, 0 when empty, -EPROTO.  The header has been checked (msg_check). */
int rings_get(struct rings *rings, struct record *rec, struct tine_error *error);
/* After one or more rings_get(): is the guest blocked on room? */
bool rings_get_wakes(const struct rings *rings);

/* Announce that the host is going to sleep; true if it may, false if there is work. */
bool rings_may_sleep(struct rings *rings);
/* Awake again. */
void rings_wake(struct rings *rings);

#endif
