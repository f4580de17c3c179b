/* SPDX-License-Identifier: ISC */
/*
 * hostchan.c: the message channel to the host: two byte rings in the shared region (abi/ring.h).
 *
 * The guest's own positions are kept in private memory as well, and the host's are checked at each
 * use: a host that breaks the protocol stops the kernel with a clear message instead of making it
 * read or write outside of a ring.
 */
#include <sys/systm.h>
#include <sys/host.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/pmap.h>
#include <machine/trace.h>
#include "abi/abi.h"
#include "abi/msg.h"
#include "abi/ring.h"

#define MSG_ALIGN 8U
#define LOG_LINE_MAX 512U

int hostchan_room;

static volatile struct tine_rings *const rings = SHARED_REGION(TINE_SHARED_RINGS);
static char *const h2g = SHARED_REGION(TINE_SHARED_H2G);
static char *const g2h = SHARED_REGION(TINE_SHARED_G2H);
static bool up __resume_data;
static bool room_wanted __resume_data; /* somebody waits for room in the ring to the host */
/* our own positions */
static uint32_t g2h_tail __resume_data, h2g_head __resume_data;

/* The message being put together from fragments. */
static struct {
	char *buf; /* NULL while skipping */
	size_t len, size;
	bool more;     /* fragments are to come */
	bool skipping; /* no memory for it */
	uint16_t type;
	uint32_t id;
} in __resume_data;

void
hostchan_init(void)
{
	/* A clone goes on with the positions that the host gave its shared region; a message of
	 * which it had only a part was the original's. */
	kfree(in.buf);
	memset(&in, 0, sizeof(in));
	g2h_tail = rings->g2h_tail.pos;
	h2g_head = rings->h2g_head.pos;
	/* Who waited in the original still does: hostchan_poll() finds that there is room. */
	rings->g2h_tail.flag = room_wanted;
	rings->h2g_head.flag = 1; /* always waiting, but inside hostchan_poll() */
	up = true;
}

static void
doorbell(void)
{
	outl(TINE_PORT_DOORBELL, 0);
}

/* ---- guest to host ---- */

static uint32_t
g2h_free(void)
{
	uint32_t used = g2h_tail - __atomic_load_n(&rings->g2h_head.pos, __ATOMIC_ACQUIRE);

	if (used > TINE_SHARED_G2H_SIZE)
		panic("host channel: head of the guest's ring is past its tail");
	return TINE_SHARED_G2H_SIZE - used;
}

/* Append bytes and pad with zeroes to a multiple of 8; there is room. */
static void
g2h_put(const void *data, size_t len)
{
	uint32_t at = g2h_tail % TINE_SHARED_G2H_SIZE;
	size_t first = MIN(len, TINE_SHARED_G2H_SIZE - at), pad = -len % MSG_ALIGN;

	memcpy(g2h + at, data, first);
	memcpy(g2h, (const char *)data + first, len - first);
	g2h_tail += (uint32_t)len;
	/* The ring's size is a multiple of 8 as well: padding does not wrap inside. */
	memset(g2h + g2h_tail % TINE_SHARED_G2H_SIZE, 0, pad);
	g2h_tail += (uint32_t)pad;
}

static size_t
record_size(size_t payload)
{
	return sizeof(struct tine_msg) + roundup(payload, MSG_ALIGN);
}

/* Ring bytes of a whole message: full fragments, then the rest (an empty message has one). */
static size_t
message_size(size_t len)
{
	size_t full = len > 0 ? (len - 1) / TINE_MSG_FRAG : 0;

	return full * record_size(TINE_MSG_FRAG) + record_size(len - full * TINE_MSG_FRAG);
}

/* Is there room now?  If not, the host will interrupt us when it has made some. */
static bool
g2h_reserve(size_t size)
{
	if (g2h_free() >= size)
		return true;
	room_wanted = true;
	rings->g2h_tail.flag = 1;
	full_fence(); /* the flag before the second look, or the wake-up may be missed */
	return g2h_free() >= size;
}

void
hostchan_tell(void)
{
	if ((curthread->td_flags & TDF_TELLHOST) == 0)
		return;
	curthread->td_flags &= ~TDF_TELLHOST;
	full_fence(); /* the tail before the look, or the host may sleep on it */
	if (rings->g2h_head.flag != 0)
		doorbell();
}

int
hostchan_send(uint16_t type, uint32_t id, uint32_t arg, const void *payload, size_t len)
{
	const char *p = payload;
	size_t n;

	if (len > TINE_MSG_MAX_G2H || message_size(len) > TINE_SHARED_G2H_SIZE)
		return EMSGSIZE;
	if (!hostchan_reserve(len))
		return EAGAIN;
	do {
		struct tine_msg m = {.type = type, .id = id, .arg = arg};

		n = MIN(len, TINE_MSG_FRAG);
		m.len = (uint32_t)n;
		m.flags = len > n ? TINE_MSG_MORE : 0;
		g2h_put(&m, sizeof(m));
		if (n > 0)
			g2h_put(p, n);
		p += n;
		len -= n;
	} while (len > 0);
	__atomic_store_n(&rings->g2h_tail.pos, g2h_tail, __ATOMIC_RELEASE);
	curthread->td_flags |= TDF_TELLHOST;
	return 0;
}

bool
hostchan_reserve(size_t payload)
{
	return up && g2h_reserve(message_size(payload));
}

size_t
hostchan_space(void)
{
	uint32_t room = up ? g2h_free() : 0;

	if (room <= sizeof(struct tine_msg))
		return 0;
	return MIN(room - sizeof(struct tine_msg), TINE_MSG_FRAG);
}

/* ---- host to guest ---- */

static void
h2g_copy(uint32_t pos, void *to, size_t len)
{
	uint32_t at = pos % TINE_SHARED_H2G_SIZE;
	size_t first = MIN(len, TINE_SHARED_H2G_SIZE - at);

	memcpy(to, h2g + at, first);
	memcpy((char *)to + first, h2g, len - first);
}

/* The next record's header, copied and checked; false when the ring is empty. */
static bool
h2g_peek(struct tine_msg *m)
{
	uint32_t avail = __atomic_load_n(&rings->h2g_tail.pos, __ATOMIC_ACQUIRE) - h2g_head;

	if (avail == 0)
		return false;
	if (avail > TINE_SHARED_H2G_SIZE || avail < sizeof(*m) || avail % MSG_ALIGN != 0)
		panic("host channel: %u bytes in the host's ring", avail);
	h2g_copy(h2g_head, m, sizeof(*m));
	if (m->len > TINE_MSG_FRAG || record_size(m->len) > avail)
		panic("host channel: record of %u bytes, %u in the ring", m->len, avail);
	if (in.more && (m->type != in.type || m->id != in.id))
		panic("host channel: message %u/%u between fragments of %u/%u", m->type, m->id,
		      in.type, in.id);
	if (in.len + m->len > TINE_MSG_MAX)
		panic("host channel: message of more than %u bytes", TINE_MSG_MAX);
	return true;
}

static void
h2g_consume(const struct tine_msg *m)
{
	h2g_head += (uint32_t)record_size(m->len);
	__atomic_store_n(&rings->h2g_head.pos, h2g_head, __ATOMIC_RELEASE);
	full_fence();
	if (rings->h2g_tail.flag != 0)
		doorbell();
}

/* Make room for the fragment: doubling, so that a long message is not copied for each of them. */
static bool
in_reserve(const struct tine_msg *m)
{
	size_t need = in.len + m->len, size = need;
	char *buf;

	if (need <= in.size)
		return true;
	if ((m->flags & TINE_MSG_MORE) != 0 || in.size != 0)
		size = MIN(MAX(2 * in.size, need), TINE_MSG_MAX);
	buf = krealloc(in.buf, size);
	if (buf == NULL)
		return false;
	in.buf = buf;
	in.size = size;
	return true;
}

static void
in_skip(void)
{
	kfree(in.buf);
	in.buf = NULL;
	in.size = 0;
	in.skipping = true;
}

static void
in_deliver(const struct tine_msg *m)
{
	char *buf = in.buf;
	size_t len = in.len;

	in.buf = NULL;
	in.len = in.size = 0;
	KTRACE(MSG, m->type, m->id);
	host_receive(m->type, m->id, m->arg, buf, len);
}

/* Take one record; false: it has to stay in the ring for now. */
static bool
in_record(const struct tine_msg *m)
{
	bool last = (m->flags & TINE_MSG_MORE) == 0;

	if (!in.skipping && !in_reserve(m))
		in_skip();
	if (in.skipping && last) {
		/* Stay with the last fragment until the refusal has been sent. */
		if (hostchan_send(TINE_MSG_REPLY, m->id, ENOMEM, NULL, 0) != 0)
			return false;
	} else if (!in.skipping) {
		h2g_copy(h2g_head + sizeof(*m), in.buf + in.len, m->len);
	}
	in.len += m->len;
	in.more = !last;
	in.type = m->type;
	in.id = m->id;
	h2g_consume(m);
	if (!last)
		return true;
	if (in.skipping) {
		in.skipping = false;
		in.len = 0;
	} else {
		in_deliver(m);
	}
	return true;
}

static void
drain(void)
{
	struct tine_msg m;

	while (h2g_peek(&m))
		if (!in_record(&m))
			return;
}

/* The host may have freed space: whoever waits for it tries again (and sets the flag again). */
static void
room_poll(void)
{
	if (!room_wanted || g2h_free() == 0)
		return;
	room_wanted = false;
	rings->g2h_tail.flag = 0;
	wakeup(&hostchan_room);
	host_room();
}

void
hostchan_poll(void)
{
	if (!up)
		return;
	rings->h2g_head.flag = 0;
	room_poll();
	drain();
	rings->h2g_head.flag = 1;
	full_fence(); /* the flag before the last look, or a message may go unnoticed */
	drain();
}

/* ---- the kernel's log ---- */

void
host_log(int level, const char *line, size_t len)
{
	char buf[LOG_LINE_MAX];

	len = MIN(len, sizeof(buf) - 1);
	if (hostchan_send(TINE_MSG_LOG, 0, (uint32_t)level, line, len) == 0) {
		hostchan_tell(); /* what comes next may never end */
		return;
	}
	memcpy(buf, line, len);
	buf[len] = '\n';
	console_write(buf, len + 1);
}
