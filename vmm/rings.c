/* SPDX-License-Identifier: ISC */
/* rings.c: produce into H2G, consume from G2H, with a guest that may write anything anywhere. */
#include <errno.h>
#include <string.h>

#include "rings.h"
#include "vmm.h"

static uint32_t
load(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void
store(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/* Between a store of ours and a load of what the guest stores: the pair of its own fence. */
static void
fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void
rings_init(struct rings *rings, uint8_t *shared_region)
{
	memset(rings, 0, sizeof(*rings));
	rings->shared = (struct tine_rings *)(void *)(shared_region + TINE_SHARED_RINGS);
	rings->h2g = shared_region + TINE_SHARED_H2G;
	rings->g2h = shared_region + TINE_SHARED_G2H;
	rings->tail = load(&rings->shared->h2g_tail.pos);
	rings->head = load(&rings->shared->g2h_head.pos);
	rings_wake(rings);
}

static void
copy_in(uint8_t *ring, uint32_t size, uint32_t pos, const void *src, uint32_t len)
{
	uint32_t off = pos % size, first = len < size - off ? len : size - off;

	memcpy(ring + off, src, first);
	memcpy(ring, (const uint8_t *)src + first, len - first);
}

static void
copy_out(const uint8_t *ring, uint32_t size, uint32_t pos, void *dst, uint32_t len)
{
	uint32_t off = pos % size, first = len < size - off ? len : size - off;

	memcpy(dst, ring + off, first);
	memcpy((uint8_t *)dst + first, ring, len - first);
}

/* Bytes free in H2G, or -EPROTO. */
static int64_t
h2g_room(const struct rings *rings, struct tine_error *error)
{
	uint32_t head = load(&rings->shared->h2g_head.pos);
	uint32_t used = rings->tail - head;

	if (used > TINE_SHARED_H2G_SIZE || (used & 7) != 0)
		return tine_error_set(
		    error, EPROTO, "guest-protocol",
		    "position %#x of the host-to-guest ring's reader is impossible (writer at %#x)",
		    head, rings->tail);
	return TINE_SHARED_H2G_SIZE - used;
}

static void
write_record(struct rings *rings, const struct tine_msg *hdr, const void *payload)
{
	static const uint8_t zero[8];
	uint32_t pos = rings->tail;

	copy_in(rings->h2g, TINE_SHARED_H2G_SIZE, pos, hdr, sizeof(*hdr));
	pos += (uint32_t)sizeof(*hdr);
	if (hdr->len > 0)
		copy_in(rings->h2g, TINE_SHARED_H2G_SIZE, pos, payload, hdr->len);
	pos += hdr->len;
	copy_in(rings->h2g, TINE_SHARED_H2G_SIZE, pos, zero, -hdr->len & 7u);
	rings->tail += record_size(hdr->len);
	store(&rings->shared->h2g_tail.pos, rings->tail);
}

int
rings_put(struct rings *rings, const struct tine_msg *hdr, const void *payload,
	  struct tine_error *error)
{
	int64_t room = h2g_room(rings, error);

	if (room >= 0 && room < record_size(hdr->len)) {
		rings->blocked = true;
		store(&rings->shared->h2g_tail.flag, 1);
		fence(); /* the guest may have made room before it could see the flag */
		room = h2g_room(rings, error);
	}
	if (room < 0)
		return (int)room;
	if (room < record_size(hdr->len))
		return 0;
	if (rings->blocked)
		store(&rings->shared->h2g_tail.flag, 0);
	rings->blocked = false;
	write_record(rings, hdr, payload);
	return 1;
}

bool
rings_put_wakes(const struct rings *rings)
{
	fence();
	return load(&rings->shared->h2g_head.flag) == 1;
}

int
rings_get(struct rings *rings, struct record *rec, struct tine_error *error)
{
	uint32_t tail = load(&rings->shared->g2h_tail.pos);
	uint32_t used = tail - rings->head;
	int r;

	if (used == 0)
		return 0;
	if (used > TINE_SHARED_G2H_SIZE || (used & 7) != 0 || used < sizeof(rec->hdr))
		return tine_error_set(
		    error, EPROTO, "guest-protocol",
		    "position %#x of the guest-to-host ring's writer is impossible (reader at %#x)",
		    tail, rings->head);
	copy_out(rings->g2h, TINE_SHARED_G2H_SIZE, rings->head, &rec->hdr, sizeof(rec->hdr));
	r = msg_check(&rec->hdr, false, error);
	if (r != 0)
		return r;
	if (record_size(rec->hdr.len) > used)
		return tine_error_set(error, EPROTO, "guest-protocol",
				      "record of %u bytes, of which only %u have been written",
				      rec->hdr.len, used);
	copy_out(rings->g2h, TINE_SHARED_G2H_SIZE, rings->head + (uint32_t)sizeof(rec->hdr),
		 rec->payload, rec->hdr.len);
	rings->head += record_size(rec->hdr.len);
	store(&rings->shared->g2h_head.pos, rings->head);
	return 1;
}

bool
rings_get_wakes(const struct rings *rings)
{
	fence();
	return load(&rings->shared->g2h_tail.flag) == 1;
}

bool
rings_may_sleep(struct rings *rings)
{
	store(&rings->shared->g2h_head.flag, 1);
	fence();
	return load(&rings->shared->g2h_tail.pos) == rings->head;
}

void
rings_wake(struct rings *rings)
{
	store(&rings->shared->g2h_head.flag, 0);
}
