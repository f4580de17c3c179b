/* SPDX-License-Identifier: ISC */
/* proto.c: keep the books of the conversation with one guest, and catch who breaks its rules. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto.h"
#include "vmm.h"

#define BIT(n) (1u << (n))

void
proto_init(struct proto *proto)
{
	memset(proto, 0, sizeof(*proto));
}

void
proto_free(struct proto *proto)
{
	for (unsigned b = 0; b < PROTO_BUCKETS; b++)
		while (proto->bucket[b] != NULL) {
			struct proto_call *call = proto->bucket[b];

			proto->bucket[b] = call->next;
			free(call);
		}
}

static struct proto_call *
find(const struct proto *proto, uint32_t id)
{
	struct proto_call *call = proto->bucket[id % PROTO_BUCKETS];

	while (call != NULL && call->id != id)
		call = call->next;
	return call;
}

static void
drop(struct proto *proto, struct proto_call *call)
{
	struct proto_call **at = &proto->bucket[call->id % PROTO_BUCKETS];

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	free(call);
}

static int
add(struct proto *proto, const struct tine_msg *hdr, const uint8_t *payload,
    struct tine_error *error)
{
	struct proto_call **at = &proto->bucket[hdr->id % PROTO_BUCKETS], *call;
	struct tine_launch launch;

	if (find(proto, hdr->id) != NULL)
		return tine_error_set(error, EEXIST, "id-in-use", "request id %u is in use",
				      hdr->id);
	if (hdr->type == TINE_MSG_LAUNCH && hdr->len < sizeof(launch))
		return tine_error_set(error, EINVAL, "bad-message", "LAUNCH message of %u bytes",
				      hdr->len);
	call = calloc(1, sizeof(*call));
	if (call == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	call->id = hdr->id;
	if (hdr->type == TINE_MSG_LAUNCH) {
		memcpy(&launch, payload, sizeof(launch));
		call->launch = true;
		call->open = BIT(TINE_STREAM_STDOUT);
		if ((launch.flags & (TINE_LAUNCH_TTY | TINE_LAUNCH_MERGE)) == 0)
			call->open |= BIT(TINE_STREAM_STDERR);
		for (int i = 0; i < 3; i++)
			call->credit[i] = TINE_STREAM_CREDIT;
	}
	call->next = *at;
	*at = call;
	return 0;
}

/* A launch is over once it has been reaped and its streams have ended: its id may be used again. */
static void
drop_if_over(struct proto *proto, struct proto_call *call)
{
	if (call->exited && call->open == 0)
		drop(proto, call);
}

/* Fragments follow each other without other messages between, and add up to no more than limit. */
static int
check_fragment(struct proto_frag *frag, const struct tine_msg *hdr, uint64_t limit, int code,
	       struct tine_error *error)
{
	uint64_t total = hdr->len;

	if (frag->open) {
		if (hdr->type != frag->type || hdr->id != frag->id)
			return tine_error_set(
			    error, EPROTO, "guest-protocol",
			    "message of type %u (id %u) between the fragments of type %u (id %u)",
			    hdr->type, hdr->id, frag->type, frag->id);
		total += frag->total;
	}
	if (total > limit)
		return tine_error_set(error, code,
				      code == EPROTO ? "guest-protocol" : "message-too-long",
				      "message of type %u with more than %llu bytes", hdr->type,
				      (unsigned long long)limit);
	return 0;
}

/* True if this record begins a logical message. */
static bool
note_fragment(struct proto_frag *frag, const struct tine_msg *hdr)
{
	bool first = !frag->open;

	frag->total = (first ? 0 : frag->total) + hdr->len;
	frag->open = (hdr->flags & TINE_MSG_MORE) != 0;
	frag->type = hdr->type;
	frag->id = hdr->id;
	return first;
}

static int
unknown_id(const struct tine_msg *hdr, const char *what, struct tine_error *error)
{
	return tine_error_set(error, EPROTO, "guest-protocol", "%s for id %u, which %s", what,
			      hdr->id, "does not wait for one");
}

static int
from_reply(struct proto *proto, const struct tine_msg *hdr, struct tine_error *error)
{
	struct proto_call *call = find(proto, hdr->id);

	if (call == NULL || call->replied)
		return unknown_id(hdr, "reply", error);
	if ((hdr->flags & TINE_MSG_MORE) != 0)
		return 0;
	call->replied = true;
	if (!call->launch || hdr->arg != 0)
		drop(proto, call);
	return 0;
}

static int
from_out(struct proto *proto, const struct tine_msg *hdr, bool *ignore, struct tine_error *error)
{
	struct proto_call *call = find(proto, hdr->id);

	if (call == NULL || !call->launch || (call->open & BIT(hdr->arg)) == 0) {
		/* The end of a stream of a launch that failed is no harm. */
		*ignore = hdr->len == 0;
		return *ignore ? 0 : unknown_id(hdr, "output", error);
	}
	if (hdr->len > call->credit[hdr->arg])
		return tine_error_set(
		    error, EPROTO, "guest-protocol",
		    "%u bytes on stream %u of launch %u, beyond its credit of %llu", hdr->len,
		    hdr->arg, hdr->id, (unsigned long long)call->credit[hdr->arg]);
	call->credit[hdr->arg] -= hdr->len;
	if (hdr->len == 0)
		call->open &= (uint8_t)~BIT(hdr->arg);
	drop_if_over(proto, call);
	return 0;
}

static int
from_exited(struct proto *proto, const struct tine_msg *hdr, struct tine_error *error)
{
	struct proto_call *call = find(proto, hdr->id);

	if (call == NULL || !call->launch || !call->replied || call->exited)
		return unknown_id(hdr, "exit", error);
	call->exited = true;
	drop_if_over(proto, call);
	return 0;
}

static int
from_credit(struct proto *proto, const struct tine_msg *hdr, const uint8_t *payload, bool *ignore,
	    struct tine_error *error)
{
	struct proto_call *call = find(proto, hdr->id);
	uint32_t bytes;

	memcpy(&bytes, payload, sizeof(bytes));
	*ignore = call == NULL || !call->launch; /* it ended while the bytes were under way */
	if (hdr->arg != TINE_STREAM_STDIN)
		return tine_error_set(error, EPROTO, "guest-protocol", "credit for stream %u",
				      hdr->arg);
	if (*ignore)
		return 0;
	if (call->credit[0] + bytes > UINT32_MAX)
		return tine_error_set(error, EPROTO, "guest-protocol",
				      "credit of launch %u beyond 4 GiB", hdr->id);
	call->credit[0] += bytes;
	return 0;
}

int
proto_from_guest(struct proto *proto, const struct tine_msg *hdr, const uint8_t *payload,
		 bool *ignore, struct tine_error *error)
{
	int r = check_fragment(&proto->from_guest, hdr, TINE_MSG_MAX_G2H, EPROTO, error);

	*ignore = false;
	if (r != 0)
		return r;
	note_fragment(&proto->from_guest, hdr);
	switch (hdr->type) {
	case TINE_MSG_REPLY:
		return from_reply(proto, hdr, error);
	case TINE_MSG_OUT:
		return from_out(proto, hdr, ignore, error);
	case TINE_MSG_EXITED:
		return from_exited(proto, hdr, error);
	case TINE_MSG_CREDIT:
		return from_credit(proto, hdr, payload, ignore, error);
	default:
		return 0;
	}
}

static int
to_stdin(struct proto *proto, const struct tine_msg *hdr, struct tine_error *error)
{
	struct proto_call *call = find(proto, hdr->id);

	if (call == NULL || !call->launch)
		return 0; /* it has just ended; the guest drops the bytes */
	if (hdr->len > call->credit[0])
		return tine_error_set(error, EAGAIN, "no-credit",
				      "launch %u takes %llu more bytes of stdin now, not %u",
				      hdr->id, (unsigned long long)call->credit[0], hdr->len);
	call->credit[0] -= hdr->len;
	return 0;
}

static int
to_credit(struct proto *proto, const struct tine_msg *hdr, const uint8_t *payload,
	  struct tine_error *error)
{
	struct proto_call *call = find(proto, hdr->id);
	uint32_t bytes;

	memcpy(&bytes, payload, sizeof(bytes));
	if (hdr->arg != TINE_STREAM_STDOUT && hdr->arg != TINE_STREAM_STDERR)
		return tine_error_set(error, EINVAL, "bad-message", "credit for stream %u",
				      hdr->arg);
	if (call != NULL && call->launch)
		call->credit[hdr->arg] += bytes;
	return 0;
}

static bool
is_request(uint16_t type)
{
	return type != TINE_MSG_STDIN && type != TINE_MSG_CREDIT && type != TINE_MSG_WINSIZE;
}

int
proto_to_guest(struct proto *proto, const struct tine_msg *hdr, const uint8_t *payload,
	       struct tine_error *error)
{
	int r = check_fragment(&proto->to_guest, hdr, TINE_MSG_MAX, EMSGSIZE, error);

	if (r == 0 && hdr->type == TINE_MSG_STDIN)
		r = to_stdin(proto, hdr, error);
	else if (r == 0 && hdr->type == TINE_MSG_CREDIT)
		r = to_credit(proto, hdr, payload, error);
	else if (r == 0 && is_request(hdr->type) && !proto->to_guest.open)
		r = add(proto, hdr, payload, error);
	if (r == 0)
		note_fragment(&proto->to_guest, hdr);
	return r;
}

uint64_t
proto_stdin_credit(const struct proto *proto, uint32_t id)
{
	const struct proto_call *call = find(proto, id);

	return call != NULL && call->launch ? call->credit[0] : 0;
}

uint64_t
proto_out_credit(const struct proto *proto, uint32_t id, uint32_t stream)
{
	const struct proto_call *call = find(proto, id);

	return call != NULL && call->launch && stream < 3 ? call->credit[stream] : 0;
}

int
proto_save(const struct proto *proto, struct proto_launch *launch, uint32_t max)
{
	uint32_t n = 0;

	for (unsigned b = 0; b < PROTO_BUCKETS; b++)
		for (const struct proto_call *c = proto->bucket[b]; c != NULL; c = c->next) {
			if (!c->launch)
				continue;
			if (n == max)
				return -E2BIG;
			launch[n] = (struct proto_launch){.id = c->id,
							  .replied = c->replied,
							  .exited = c->exited,
							  .open = c->open};
			memcpy(launch[n++].credit, c->credit, sizeof(c->credit));
		}
	return (int)n;
}

static int
restore_one(struct proto *proto, const struct proto_launch *launch)
{
	struct proto_call **at = &proto->bucket[launch->id % PROTO_BUCKETS], *call;

	if (launch->id == 0 || find(proto, launch->id) != NULL || launch->credit[0] > UINT32_MAX)
		return -EINVAL;
	call = calloc(1, sizeof(*call));
	if (call == NULL)
		return -ENOMEM;
	call->id = launch->id;
	call->launch = true;
	call->replied = launch->replied != 0;
	call->exited = launch->exited != 0;
	call->open = launch->open;
	memcpy(call->credit, launch->credit, sizeof(call->credit));
	call->next = *at;
	*at = call;
	return 0;
}

int
proto_restore(struct proto *proto, const struct proto_launch *launch, uint32_t n)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = restore_one(proto, &launch[i]);
	return r;
}
