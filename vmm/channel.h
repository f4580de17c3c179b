/* SPDX-License-Identifier: ISC */
/* channel.h: messages to and from the guest of this process: rings, rules, queue, interrupts. */
#ifndef TINE_VMM_CHANNEL_H
#define TINE_VMM_CHANNEL_H

#include "evloop.h"
#include "outq.h"
#include "proto.h"
#include "rings.h"

struct vm;

/* Who uses the channel: `tine run` itself, or the control socket of `tine vmm`. */
struct channel_client {
	/* A record has come and keeps all rules.  payload is valid during the call. */
	void (*record)(void *arg, const struct tine_msg *hdr, const uint8_t *payload);
	/* May another record come?  If not, channel_resume() is called later. NULL = always. */
	bool (*accepts)(void *arg);
	/* All queued records are in the ring. NULL = not interested. */
	void (*drained)(void *arg);
	/* The guest broke a rule; nothing more comes. */
	void (*failed)(void *arg, const struct tine_error *error);
	void *arg;
};

struct channel {
	struct vm *vm;
	struct evloop *loop;
	struct channel_client client;
	struct rings rings;
	struct proto proto;
	struct outq queue;
	struct source bell;
	bool put, got; /* since the last look at the guest's flags */
	bool broken;
	struct record rec; /* last: of its pages only those that are needed are touched */
};

int channel_init(struct channel *ch, struct vm *vm, struct evloop *loop,
		 const struct channel_client *client, struct tine_error *error);
void channel_free(struct channel *ch);

/* Send a logical message, fragmented as needed; what does not fit the ring is queued. */
int channel_send(struct channel *ch, uint16_t type, uint32_t id, uint32_t arg, const void *payload,
		 size_t len, struct tine_error *error);
/* Send one record that somebody else has fragmented. */
int channel_forward(struct channel *ch, const struct tine_msg *hdr, const uint8_t *payload,
		    struct tine_error *error);
/* Anything queued that the ring had no room for? */
bool channel_backlog(const struct channel *ch);
/* Hand everything in the ring to the client, whether it accepts it or not.  The guest stands still.
 */
void channel_drain(struct channel *ch);
/* The guest has been put back to a template's state: empty rings, nothing queued, these launches.
 */
int channel_restart(struct channel *ch, const struct proto_launch *launch, uint32_t n,
		    struct tine_error *error);
/* Look at the ring again: the client accepts records again. */
void channel_resume(struct channel *ch);
/* The guest has ended: hand what it has left in the ring to the client, all that it accepts. */
void channel_finish(struct channel *ch);

#endif
