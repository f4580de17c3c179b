/* SPDX-License-Identifier: ISC */
/*
 * proto.h: the conversation with one guest: fragments, requests, launches and credit (abi/msg.h).
 *
 * One checker serves both hops.  The VMM process keeps one between the rings and its client; the
 * daemon keeps another for what comes over the control socket, because it trusts no VMM process.
 */
#ifndef TINE_VMM_PROTO_H
#define TINE_VMM_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/msg.h"

struct tine_error;

#define PROTO_BUCKETS 64u

struct proto_call { /* a request that has no reply yet, or a launch that has not ended */
	struct proto_call *next;
	uint32_t id;
	bool launch;
	bool replied; /* launch: the program runs */
	bool exited;
	uint8_t open; /* launch: bit per stream that has not ended */
	uint64_t
	    credit[3]; /* bytes that may still be sent: [0] by the host, [1] and [2] by the guest */
};

struct proto_frag { /* a logical message of which fragments have passed */
	bool open;
	uint16_t type;
	uint32_t id;
	uint64_t total;
};

struct proto {
	struct proto_frag from_guest, to_guest;
	struct proto_call *bucket[PROTO_BUCKETS];
};

/* A launch that has not ended, as a template keeps it. */
struct proto_launch {
	uint32_t id;
	uint8_t replied, exited, open, pad;
	uint64_t credit[3];
};

void proto_init(struct proto *proto);
/* The launches that have not ended: how many, or -E2BIG if there are more than max. */
int proto_save(const struct proto *proto, struct proto_launch *launch, uint32_t max);
/* Start with these; entries are not trusted. -EINVAL, -ENOMEM. */
int proto_restore(struct proto *proto, const struct proto_launch *launch, uint32_t n);
void proto_free(struct proto *proto);

/* Account one record whose header has passed msg_check().  -EPROTO (guest-protocol) if the guest
 * broke a rule. *ignore is set for a harmless left-over (of a launch that is already over). */
int proto_from_guest(struct proto *proto, const struct tine_msg *hdr, const uint8_t *payload,
		     bool *ignore, struct tine_error *error);

/* Account one record that is to be sent.  -EEXIST when the id is in use, -EAGAIN when STDIN exceeds
 * its credit, -EMSGSIZE, -EINVAL; nothing has been changed then. */
int proto_to_guest(struct proto *proto, const struct tine_msg *hdr, const uint8_t *payload,
		   struct tine_error *error);

/* Bytes of stdin that launch id will take now; 0 when there is no such launch. */
uint64_t proto_stdin_credit(const struct proto *proto, uint32_t id);
/* Bytes that the guest may still send on a stream without new credit. */
uint64_t proto_out_credit(const struct proto *proto, uint32_t id, uint32_t stream);

#endif
