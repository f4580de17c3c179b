/* SPDX-License-Identifier: ISC */
/* sys_sockopt.c: options of sockets. */
#include <sys/proc.h>
#include <sys/socketvar.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/time.h>

#define BUFSIZE_MIN 2304U
#define BUFSIZE_MAX 425984U /* twice net.core.wmem_max, as Linux counts */
#define TCP_NODELAY 1

/* Options that are one bit of so_flags. */
static const struct {
	int level, name;
	uint32_t flag;
} flag_options[] = {
    {SOL_SOCKET, SO_REUSEADDR, SS_REUSEADDR}, {SOL_SOCKET, SO_REUSEPORT, SS_REUSEPORT},
    {SOL_SOCKET, SO_PASSCRED, SS_PASSCRED},   {SOL_SOCKET, SO_KEEPALIVE, SS_KEEPALIVE},
    {SOL_SOCKET, SO_BROADCAST, SS_BROADCAST}, {SOL_SOCKET, SO_OOBINLINE, SS_OOBINLINE},
    {IPPROTO_IPV6, IPV6_V6ONLY, SS_V6ONLY},   {IPPROTO_TCP, TCP_NODELAY, SS_NODELAY},
};

static uint32_t
option_flag(const struct socket *so, int level, int name)
{
	if ((level == IPPROTO_TCP && so->so_proto != IPPROTO_TCP) ||
	    (level == IPPROTO_IPV6 && so->so_domain != AF_INET6))
		return 0;
	for (size_t i = 0; i < sizeof(flag_options) / sizeof(flag_options[0]); i++)
		if (flag_options[i].level == level && flag_options[i].name == name)
			return flag_options[i].flag;
	return 0;
}

/*
 * Hints about packets, which do not exist here, and about times of a network that loses nothing:
 * any integer is taken.
 */
static const struct {
	int level, name;
} hints[] = {
    {SOL_SOCKET, SO_PRIORITY},
    {SOL_SOCKET, SO_DONTROUTE},
    {SOL_SOCKET, SO_DEBUG},
    {IPPROTO_IP, 1 /* IP_TOS */},
    {IPPROTO_IP, 2 /* IP_TTL */},
    {IPPROTO_IP, 10 /* IP_MTU_DISCOVER */},
    {IPPROTO_IP, 11 /* IP_RECVERR */},
    {IPPROTO_IPV6, 16 /* IPV6_UNICAST_HOPS */},
    {IPPROTO_IPV6, 25 /* IPV6_RECVERR */},
    {IPPROTO_IPV6, 67 /* IPV6_TCLASS */},
    {IPPROTO_TCP, 3 /* TCP_CORK */},
    {IPPROTO_TCP, 4 /* TCP_KEEPIDLE */},
    {IPPROTO_TCP, 5 /* TCP_KEEPINTVL */},
    {IPPROTO_TCP, 6 /* TCP_KEEPCNT */},
    {IPPROTO_TCP, 8 /* TCP_LINGER2 */},
    {IPPROTO_TCP, 9 /* TCP_DEFER_ACCEPT */},
    {IPPROTO_TCP, 12 /* TCP_QUICKACK */},
    {IPPROTO_TCP, 18 /* TCP_USER_TIMEOUT */},
};

static bool
is_hint(const struct socket *so, int level, int name)
{
	if ((level == IPPROTO_TCP && so->so_proto != IPPROTO_TCP) ||
	    (level == IPPROTO_IPV6 && so->so_domain != AF_INET6) ||
	    (level == IPPROTO_IP && so_unix(so)))
		return false;
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (hints[i].level == level && hints[i].name == name)
			return true;
	return false;
}

/* ---- setsockopt ---- */

static int
set_timeout(vaddr_t uval, uint32_t len, nsec_t *timeo)
{
	struct timeval tv;

	if (len < sizeof(tv))
		return EINVAL;
	if (copyin((const void *)uval, &tv, sizeof(tv)) != 0)
		return EFAULT;
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return EDOM;
	*timeo = tv.tv_sec < 0 ? 1 /* already over, as on Linux */
		 : tv.tv_sec > INT32_MAX
		     ? 0
		     : (nsec_t)tv.tv_sec * NSEC_PER_SEC + (nsec_t)tv.tv_usec * 1000;
	return 0;
}

static uint32_t
bufsize(int32_t n)
{
	uint32_t twice = n < 0 || (uint32_t)n > BUFSIZE_MAX / 2 ? BUFSIZE_MAX : (uint32_t)n * 2;

	return MAX(twice, BUFSIZE_MIN);
}

static int
set_int(struct thread *td, struct socket *so, int level, int name, int32_t n)
{
	uint32_t flag = option_flag(so, level, name);

	if (level == SOL_SOCKET && (name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE)) {
		if (!suser(td))
			return EPERM;
		n = MAX(n, 0);
	}
	if (flag != 0) {
		so->so_flags = n != 0 ? so->so_flags | flag : so->so_flags & ~flag;
		return 0;
	}
	if (level == SOL_SOCKET && (name == SO_SNDBUF || name == SO_SNDBUFFORCE)) {
		so->so_sndlimit = bufsize(n);
		if (so->so_peer != NULL)
			so_hasroom(so->so_peer);
		return 0;
	}
	if (level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_RCVBUFFORCE)) {
		so->so_rcvlimit = bufsize(n);
		so_hasroom(so);
		return 0;
	}
	return is_hint(so, level, name) ? 0 : ENOPROTOOPT;
}

static int
set_option(struct thread *td, struct socket *so, int level, int name, vaddr_t uval, uint32_t len)
{
	int32_t n;

	if (level == SOL_SOCKET && name == SO_RCVTIMEO)
		return set_timeout(uval, len, &so->so_rcvtimeo);
	if (level == SOL_SOCKET && name == SO_SNDTIMEO)
		return set_timeout(uval, len, &so->so_sndtimeo);
	if (level == SOL_SOCKET &&
	    name == SO_LINGER) /* closing never waits: nothing is under way */
		return len < 2 * sizeof(n) ? EINVAL : 0;
	if (len < sizeof(n) && !(level == IPPROTO_IP && len >= 1))
		return EINVAL;
	n = 0;
	if (copyin((const void *)uval, &n, MIN(len, (uint32_t)sizeof(n))) != 0)
		return EFAULT;
	return set_int(td, so, level, name, n);
}

SYSCALL(setsockopt)
{
	struct socket *so;
	struct file *fp;
	int error;

	if ((int32_t)a[4] < 0)
		return EINVAL;
	if ((error = getsock(td, (int)a[0], &fp, &so)) != 0)
		return error;
	error = set_option(td, so, (int)a[1], (int)a[2], a[3], (uint32_t)a[4]);
	file_release(fp);
	return error;
}

/* ---- getsockopt ---- */

union value {
	int32_t n;
	int32_t linger[2];
	struct timeval tv;
	struct ucred uc;
};

static int
get_socket_option(struct socket *so, int name, union value *val, uint32_t *len)
{
	switch (name) {
	case SO_TYPE:
		val->n = so->so_type;
		return 0;
	case SO_DOMAIN:
		val->n = so->so_domain;
		return 0;
	case SO_PROTOCOL:
		val->n = so->so_proto;
		return 0;
	case SO_ERROR:
		val->n = so_takeerror(so);
		return 0;
	case SO_ACCEPTCONN:
		val->n = (so->so_flags & SS_LISTENING) != 0;
		return 0;
	case SO_SNDBUF:
		val->n = (int32_t)so->so_sndlimit;
		return 0;
	case SO_RCVBUF:
		val->n = (int32_t)so->so_rcvlimit;
		return 0;
	case SO_LINGER:
		val->linger[0] = val->linger[1] = 0;
		*len = sizeof(val->linger);
		return 0;
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		ns_to_tv(name == SO_RCVTIMEO ? so->so_rcvtimeo : so->so_sndtimeo, &val->tv);
		*len = sizeof(val->tv);
		return 0;
	case SO_PEERCRED:
		val->uc = so->so_peercred;
		if (!(so->so_flags & SS_CONNECTED))
			val->uc = (struct ucred){0, (uint32_t)-1, (uint32_t)-1};
		*len = sizeof(val->uc);
		return 0;
	default:
		return ENOPROTOOPT;
	}
}

static int
get_option(struct socket *so, int level, int name, union value *val, uint32_t *len)
{
	uint32_t flag = option_flag(so, level, name);
	int error = ENOPROTOOPT;

	memset(val, 0, sizeof(*val));
	*len = sizeof(val->n);
	if (flag != 0) {
		val->n = (so->so_flags & flag) != 0;
		return 0;
	}
	if (level == SOL_SOCKET)
		error = get_socket_option(so, name, val, len);
	return error == ENOPROTOOPT && is_hint(so, level, name) ? 0 : error;
}

SYSCALL(getsockopt)
{
	union value val;
	struct socket *so;
	struct file *fp;
	uint32_t len, room;
	int error = getsock(td, (int)a[0], &fp, &so);

	if (error != 0)
		return error;
	error = copyin((const void *)a[4], &room, sizeof(room));
	if (error == 0 && (int32_t)room < 0)
		error = EINVAL;
	if (error == 0)
		error = get_option(so, (int)a[1], (int)a[2], &val, &len);
	if (error == 0) {
		len = MIN(len, room);
		error = copyout(&val, (void *)a[3], len);
		if (error == 0)
			error = copyout(&len, (void *)a[4], sizeof(len));
	}
	file_release(fp);
	return error;
}
