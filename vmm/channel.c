/* SPDX-License-Identifier: ISC */
/* channel.c: move records between the rings and a client, and ring the guest when it must look. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "vm.h"

/* Records taken from the ring before other descriptors get their turn. */
#define BURST 64

static void
fail(struct channel *ch, const struct tine_error *error)
{
	if (ch->broken)
		return;
	ch->broken = true;
	evloop_watch(ch->loop, &ch->bell, 0);
	ch->client.failed(ch->client.arg, error);
}

static void
ring_guest(struct channel *ch)
{
	bool wake =
	    (ch->put && rings_put_wakes(&ch->rings)) || (ch->got && rings_get_wakes(&ch->rings));

	ch->put = ch->got = false;
	if (wake)
		vm_interrupt(ch->vm);
}

/* Move the queue into the ring as far as it fits. */
static void
drain_queue(struct channel *ch)
{
	struct tine_error error;
	struct tine_msg hdr;
	const uint8_t *bytes;
	int r = 1;

	if (outq_empty(&ch->queue))
		return;
	while (r == 1 && outq_peek(&ch->queue, &hdr, &bytes) > 0) {
		r = rings_put(&ch->rings, &hdr, bytes + sizeof(hdr), &error);
		if (r == 1) {
			ch->put = true;
			outq_pop(&ch->queue);
		}
	}
	if (r < 0)
		fail(ch, &error);
	else if (r == 1 && ch->client.drained != NULL)
		ch->client.drained(ch->client.arg);
}

static bool
accepts(const struct channel *ch)
{
	return !ch->broken && (ch->client.accepts == NULL || ch->client.accepts(ch->client.arg));
}

/* One record from the ring to the client; 1 if there was one. */
static int
take_record(struct channel *ch)
{
	struct tine_error error;
	bool ignore;
	int r = rings_get(&ch->rings, &ch->rec, &error);

	if (r == 1) {
		ch->got = true;
		r = proto_from_guest(&ch->proto, &ch->rec.hdr, ch->rec.payload, &ignore, &error);
		if (r == 0) {
			if (!ignore)
				ch->client.record(ch->client.arg, &ch->rec.hdr, ch->rec.payload);
			return 1;
		}
	}
	if (r < 0)
		fail(ch, &error);
	return 0;
}

static void
pump(struct channel *ch)
{
	int n = 0;

	rings_wake(&ch->rings);
	drain_queue(ch);
	do {
		while (n < BURST && accepts(ch) && take_record(ch) == 1)
			n++;
		ring_guest(ch);
		/* A client that accepts nothing resumes the channel itself. */
	} while (n < BURST && accepts(ch) && !rings_may_sleep(&ch->rings));
	/* Come back after the others; an eventfd that is already signalled is as good. */
	if (n >= BURST && write(ch->bell.fd, &(uint64_t){1}, sizeof(uint64_t)) < 0)
		return;
}

static void
on_bell(void *arg, uint32_t events)
{
	struct channel *ch = arg;
	uint64_t count;

	(void)events;
	if (read(ch->bell.fd, &count, sizeof(count)) > 0)
		pump(ch);
}

int
channel_init(struct channel *ch, struct vm *vm, struct evloop *loop,
	     const struct channel_client *client, struct tine_error *error)
{
	int r;

	memset(ch, 0, offsetof(struct channel, rec));
	ch->vm = vm;
	ch->loop = loop;
	ch->client = *client;
	rings_init(&ch->rings, vm->mem.shared);
	rings_may_sleep(&ch->rings);
	proto_init(&ch->proto);
	ch->bell = (struct source){.fd = vm->doorbell_fd, .ready = on_bell, .arg = ch};
	r = evloop_watch(loop, &ch->bell, EPOLLIN);
	if (r != 0)
		return tine_error_set(error, -r, "no-files", "epoll: %s", strerror(-r));
	return 0;
}

void
channel_free(struct channel *ch)
{
	proto_free(&ch->proto);
	outq_free(&ch->queue);
}

int
channel_forward(struct channel *ch, const struct tine_msg *hdr, const uint8_t *payload,
		struct tine_error *error)
{
	int r = proto_to_guest(&ch->proto, hdr, payload, error);

	if (r != 0)
		return r;
	r = outq_empty(&ch->queue) ? rings_put(&ch->rings, hdr, payload, error) : 0;
	if (r == 1) {
		ch->put = true;
		ring_guest(ch);
	} else if (r == 0 && outq_push(&ch->queue, hdr, payload) != 0) {
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	}
	return r < 0 ? r : 0;
}

int
channel_send(struct channel *ch, uint16_t type, uint32_t id, uint32_t arg, const void *payload,
	     size_t len, struct tine_error *error)
{
	const uint8_t *p = payload;
	int r;

	do {
		size_t n = len < TINE_MSG_FRAG ? len : TINE_MSG_FRAG;
		struct tine_msg hdr = {
		    .len = (uint32_t)n,
		    .type = type,
		    .flags = n < len ? TINE_MSG_MORE : 0,
		    .id = id,
		    .arg = arg,
		};

		r = channel_forward(ch, &hdr, p, error);
		p = p == NULL ? NULL : p + n;
		len -= n;
	} while (r == 0 && len > 0);
	return r;
}

bool
channel_backlog(const struct channel *ch)
{
	return !outq_empty(&ch->queue);
}

void
channel_resume(struct channel *ch)
{
	if (!ch->broken)
		pump(ch);
}

void
channel_finish(struct channel *ch)
{
	while (accepts(ch) && take_record(ch) == 1)
		continue;
}

void
channel_drain(struct channel *ch)
{
	while (!ch->broken && take_record(ch) == 1)
		continue;
	ring_guest(ch);
}

int
channel_restart(struct channel *ch, const struct proto_launch *launch, uint32_t n,
		struct tine_error *error)
{
	proto_free(&ch->proto);
	proto_init(&ch->proto);
	outq_free(&ch->queue);
	ch->put = ch->got = false;
	rings_init(&ch->rings, ch->vm->mem.shared);
	rings_may_sleep(&ch->rings);
	if (proto_restore(&ch->proto, launch, n) != 0)
		return tine_error_set(error, EBADMSG, "template-damaged",
				      "the template's launches make no sense");
	return 0;
}
