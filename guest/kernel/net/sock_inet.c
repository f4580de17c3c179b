/* SPDX-License-Identifier: ISC */
/*
 * sock_inet.c: Internet addresses.  The sandbox has the loopback interface only: 127.0.0.0/8 and
 * ::1.  IPv4 addresses are handled as IPv4-mapped IPv6 addresses (RFC 4291, 2.5.5.2), so that a
 * socket of AF_INET6 serves both.
 */
#include <sys/proc.h>
#include <sys/socketvar.h>
#include <sys/systm.h>

#define NHASH 64
#define EPHEMERAL_FIRST 32768U
#define EPHEMERAL_LAST 60999U
#define PORT_RESERVED 1024U

struct inetname {
	uint8_t in_addr[16];
	uint16_t in_port; /* host order */
};

static LIST_HEAD(, socket) bound[NHASH] __large_bss;
static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
static const uint8_t loopback6[16] = {[15] = 1};

static bool
is_mapped(const struct inetname *in)
{
	return memcmp(in->in_addr, mapped, sizeof(mapped)) == 0;
}

static bool
is_any(const struct inetname *in)
{
	static const uint8_t none[16];

	return memcmp(in->in_addr + (is_mapped(in) ? 12 : 0), none, is_mapped(in) ? 4 : 16) == 0;
}

static bool
is_loopback(const struct inetname *in)
{
	return is_mapped(in) ? in->in_addr[12] == 127
			     : memcmp(in->in_addr, loopback6, sizeof(loopback6)) == 0;
}

static int
parse(const struct socket *so, const struct sockname *name, struct inetname *in)
{
	if (name->sn_family != so->so_domain)
		return EAFNOSUPPORT;
	if (name->sn_family == AF_INET) {
		if (name->sn_len < sizeof(struct sockaddr_in))
			return EINVAL;
		memcpy(in->in_addr, mapped, sizeof(mapped));
		memcpy(in->in_addr + 12, name->sn_in.sin_addr, 4);
		in->in_port = __builtin_bswap16(name->sn_in.sin_port);
	} else {
		if (name->sn_len < 24) /* without scope id, as RFC 2133 had it */
			return EINVAL;
		memcpy(in->in_addr, name->sn_in6.sin6_addr, 16);
		in->in_port = __builtin_bswap16(name->sn_in6.sin6_port);
	}
	return 0;
}

static void
format(const struct socket *so, const struct inetname *in, struct sockname *name)
{
	memset(name, 0, sizeof(*name));
	name->sn_family = (uint16_t)so->so_domain;
	if (so->so_domain == AF_INET) {
		name->sn_len = sizeof(struct sockaddr_in);
		memcpy(name->sn_in.sin_addr, in->in_addr + 12, 4);
		name->sn_in.sin_port = __builtin_bswap16(in->in_port);
	} else {
		name->sn_len = sizeof(struct sockaddr_in6);
		memcpy(name->sn_in6.sin6_addr, in->in_addr, 16);
		name->sn_in6.sin6_port = __builtin_bswap16(in->in_port);
	}
}

/* Would a packet for b reach a socket bound to a? */
static bool
covers(const struct socket *so, const struct inetname *a, const struct inetname *b)
{
	if (!is_any(a))
		return memcmp(a->in_addr, b->in_addr, 16) == 0;
	if (is_mapped(a) || so->so_flags & SS_V6ONLY)
		return is_mapped(a) == is_mapped(b);
	return true;
}

static bool
may_share(const struct socket *a, const struct socket *b)
{
	if (a->so_flags & b->so_flags & SS_REUSEPORT)
		return a->so_cred.uid == b->so_cred.uid;
	return a->so_flags & b->so_flags & SS_REUSEADDR &&
	       !((a->so_flags | b->so_flags) & SS_LISTENING);
}

static bool
in_use(const struct socket *so, const struct inetname *in)
{
	struct socket *other;

	LIST_FOREACH (other, &bound[in->in_port % NHASH], so_bound) {
		struct inetname has;

		if (other->so_type != so->so_type || parse(other, &other->so_name, &has) != 0 ||
		    has.in_port != in->in_port || may_share(so, other))
			continue;
		if (covers(other, &has, in) || covers(so, in, &has))
			return true;
	}
	return false;
}

static void
bind_to(struct socket *so, const struct inetname *in)
{
	format(so, in, &so->so_name);
	so->so_flags |= SS_BOUND;
	LIST_INSERT_HEAD(&bound[in->in_port % NHASH], so, so_bound);
}

/* A port nobody has, beginning at a random one. */
static int
ephemeral(const struct socket *so, struct inetname *in)
{
	uint32_t n = EPHEMERAL_LAST - EPHEMERAL_FIRST + 1, start = arc4random_uniform(n);

	for (uint32_t i = 0; i < n; i++) {
		in->in_port = (uint16_t)(EPHEMERAL_FIRST + (start + i) % n);
		if (!in_use(so, in))
			return 0;
	}
	return EADDRINUSE;
}

int
inet_bind(struct thread *td, struct socket *so, const struct sockname *name)
{
	struct inetname in;
	int error = parse(so, name, &in);

	if (error != 0)
		return error;
	if (!is_any(&in) && !is_loopback(&in))
		return EADDRNOTAVAIL;
	if (in.in_port == 0)
		error = ephemeral(so, &in);
	else if (in.in_port < PORT_RESERVED && !suser(td))
		error = EACCES;
	else if (in_use(so, &in))
		error = EADDRINUSE;
	if (error == 0)
		bind_to(so, &in);
	return error;
}

static void
set_loopback(struct inetname *in, bool four)
{
	static const uint8_t loopback4[4] = {127, 0, 0, 1};

	if (!four) {
		memcpy(in->in_addr, loopback6, sizeof(loopback6));
		return;
	}
	memcpy(in->in_addr, mapped, sizeof(mapped));
	memcpy(in->in_addr + 12, loopback4, sizeof(loopback4));
}

int
inet_autobind(struct socket *so)
{
	struct inetname in = {.in_port = 0};
	int error;

	if (so->so_domain == AF_INET)
		memcpy(in.in_addr, mapped, sizeof(mapped));
	if ((error = ephemeral(so, &in)) != 0)
		return error;
	bind_to(so, &in);
	return 0;
}

int
inet_dest(const struct socket *so, struct sockname *to)
{
	struct inetname in;
	int error = parse(so, to, &in);

	if (error != 0)
		return error;
	if (is_any(&in))
		set_loopback(&in, is_mapped(&in));
	if (!is_loopback(&in))
		return ENETUNREACH;
	if (in.in_port == 0)
		return so_connects(so) ? ECONNREFUSED : EINVAL;
	format(so, &in, to);
	return 0;
}

void
inet_source(const struct socket *so, const struct socket *to, struct sockname *name)
{
	struct inetname in;

	name->sn_len = 0;
	if (parse(so, &so->so_name, &in) != 0)
		return;
	if (is_any(&in))
		set_loopback(&in, so->so_domain == AF_INET || to->so_domain == AF_INET);
	format(to, &in, name);
}

void
inet_connected(struct socket *so, struct socket *end, const struct sockname *dest)
{
	struct inetname from, to;

	if (parse(so, dest, &to) != 0 || parse(so, &so->so_name, &from) != 0)
		return;
	if (is_any(&from))
		set_loopback(&from, is_mapped(&to));
	format(so, &from, &so->so_name);
	format(so, &to, &so->so_peername);
	if (end == NULL)
		return;
	format(end, &to, &end->so_name);
	format(end, &from, &end->so_peername);
}

struct socket *
inet_find(const struct socket *so, const struct sockname *to)
{
	struct socket *other, *best = NULL;
	struct inetname in, has;

	if (parse(so, to, &in) != 0)
		return NULL;
	LIST_FOREACH (other, &bound[in.in_port % NHASH], so_bound) {
		if (other->so_type != so->so_type || parse(other, &other->so_name, &has) != 0 ||
		    has.in_port != in.in_port || !covers(other, &has, &in))
			continue;
		if (so_connects(so) && !(other->so_flags & SS_LISTENING))
			continue;
		if (best == NULL || !is_any(&has)) /* an exact address is better than any */
			best = other;
	}
	return best;
}
