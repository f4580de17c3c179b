/* SPDX-License-Identifier: ISC */
/* sock_core.c: sockets: birth, connections, end. */
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/socketvar.h>
#include <sys/systm.h>
#include <sys/time.h>

static struct pool socket_pool = POOL_INITIALIZER("socket", struct socket);

struct ucred
so_mycred(void)
{
	const struct process *ps = curthread->td_proc;

	return (struct ucred){ps->ps_pid, ps->ps_cred->cr_uid, ps->ps_cred->cr_gid};
}

struct socket *
so_new(int domain, int type, int proto)
{
	struct socket *so = pool_get(&socket_pool, M_ZERO);

	if (so == NULL)
		return NULL;
	so->so_refs = 1;
	so->so_domain = domain;
	so->so_type = type;
	so->so_proto = proto;
	so->so_rcvlimit = so->so_sndlimit = SOCK_BUFSIZE;
	so->so_cred = so_mycred();
	TAILQ_INIT(&so->so_queue);
	TAILQ_INIT(&so->so_incoming);
	pollhead_init(&so->so_poll);
	if (domain == AF_UNIX)
		LIST_INSERT_HEAD(&unix_sockets, so, so_all);
	return so;
}

void
so_release(struct socket *so)
{
	KASSERT(so->so_refs > 0);
	if (--so->so_refs > 0)
		return;
	KASSERT(so->so_flags & SS_CLOSED);
	pool_put(&socket_pool, so);
}

void
so_wake(struct socket *so, int events)
{
	wakeup(&so->so_queue);
	wakeup(&so->so_queued);
	wakeup(&so->so_incoming);
	wakeup(&so->so_backlog);
	pollwakeup(&so->so_poll, events);
}

int
so_takeerror(struct socket *so)
{
	int error = so->so_error;

	so->so_error = 0;
	return error;
}

int
so_sleep(const void *chan, const char *wmesg, bool nonblock, nsec_t deadline)
{
	int error;

	if (nonblock)
		return EAGAIN;
	error = tsleep(chan, PCATCH, wmesg, deadline);
	if (error == ETIMEDOUT)
		return EAGAIN;
	/* A call with a time limit is not begun anew after a signal. */
	return error == EINTR && deadline == 0 ? ERESTART : error;
}

/* ---- peers ---- */

void
so_setpeer(struct socket *so, struct socket *peer)
{
	if (so->so_peer != NULL)
		LIST_REMOVE(so, so_peerlink);
	so->so_peer = peer;
	if (peer != NULL)
		LIST_INSERT_HEAD(&peer->so_peers, so, so_peerlink);
}

void
so_connect_pair(struct socket *a, struct socket *b)
{
	so_setpeer(a, b);
	so_setpeer(b, a);
	a->so_flags |= SS_CONNECTED;
	b->so_flags |= SS_CONNECTED;
	a->so_peername = b->so_name;
	b->so_peername = a->so_name;
	a->so_peercred = b->so_cred;
	b->so_peercred = a->so_cred;
}

/* Nobody will hear from us again. */
static void
leave_peers(struct socket *so, bool unread)
{
	struct socket *peer;

	while ((peer = LIST_FIRST(&so->so_peers)) != NULL) {
		so_setpeer(peer, NULL);
		if (so_connects(so)) {
			peer->so_flags |= SS_RCVEOF | SS_SNDEOF;
			if (unread)
				peer->so_error = ECONNRESET;
		}
		so_wake(peer, POLLIN | POLLOUT | POLLHUP | POLLERR | POLLRDHUP);
	}
	so_setpeer(so, NULL);
}

static void
drop_incoming(struct socket *so)
{
	struct socket *in;

	while ((in = TAILQ_FIRST(&so->so_incoming)) != NULL) {
		TAILQ_REMOVE(&so->so_incoming, in, so_inlink);
		leave_peers(in, true);
		so_close(in);
	}
	so->so_nincoming = 0;
}

/* The file has gone, or a connection that nobody accepted; takes over the reference. */
void
so_close(struct socket *so)
{
	struct sockmsg *sm;

	so->so_flags |= SS_CLOSED | SS_RCVEOF | SS_SNDEOF;
	so->so_flags &= ~SS_LISTENING;
	so->so_file = NULL;
	so_unbind(so);
	drop_incoming(so);
	leave_peers(so, !TAILQ_EMPTY(&so->so_queue));
	if (so_unix(so))
		LIST_REMOVE(so, so_all);
	while ((sm = TAILQ_FIRST(&so->so_queue)) != NULL) {
		TAILQ_REMOVE(&so->so_queue, sm, sm_link);
		sockmsg_free(sm);
	}
	so->so_queued = 0;
	so_wake(so, POLLHUP);
	pollhead_destroy(&so->so_poll);
	so_release(so);
}

/* ---- connections ---- */

int
so_listen(struct socket *so, int backlog)
{
	int error;

	if (!so_connects(so))
		return EOPNOTSUPP;
	if (so->so_flags & SS_CONNECTED || (so_unix(so) && !(so->so_flags & SS_BOUND)))
		return EINVAL;
	if ((error = so_autobind(so)) != 0)
		return error;
	so->so_flags |= SS_LISTENING;
	so->so_backlog = (uint32_t)(backlog < 0 || backlog > SOMAXCONN ? SOMAXCONN : backlog);
	so->so_cred = so_mycred();
	wakeup(&so->so_backlog); /* there may be room for more */
	return 0;
}

void
so_unaccept(struct socket *so, struct socket *in)
{
	TAILQ_INSERT_HEAD(&so->so_incoming, in, so_inlink);
	so->so_nincoming++;
	wakeup_one(&so->so_incoming);
	pollwakeup(&so->so_poll, POLLIN | POLLRDNORM);
}

int
so_accept(struct socket *so, bool nonblock, struct socket **newp)
{
	nsec_t deadline = so->so_rcvtimeo != 0 ? nanouptime() + so->so_rcvtimeo : 0;
	struct socket *in;
	int error;

	if (!so_connects(so))
		return EOPNOTSUPP;
	for (;;) {
		if (!(so->so_flags & SS_LISTENING) || so->so_flags & SS_RCVEOF)
			return EINVAL;
		if ((in = TAILQ_FIRST(&so->so_incoming)) != NULL)
			break;
		error = so_sleep(&so->so_incoming, "accept", nonblock, deadline);
		if (error != 0)
			return error;
	}
	TAILQ_REMOVE(&so->so_incoming, in, so_inlink);
	so->so_nincoming--;
	wakeup(&so->so_backlog);
	*newp = in;
	return 0;
}

/*
 * Wait until the listener has room.  On Linux a connection over TCP would be tried for a while; in
 * one kernel the state of the other side is known at once.
 */
static int
connect_wait(const struct socket *so, struct socket *to, bool nonblock)
{
	nsec_t deadline = so->so_sndtimeo != 0 ? nanouptime() + so->so_sndtimeo : 0;
	int error = 0;

	while (error == 0) {
		uint32_t most = so_unix(so) ? to->so_backlog : SOMAXCONN;

		if (!(to->so_flags & SS_LISTENING) || to->so_flags & SS_RCVEOF)
			return ECONNREFUSED;
		if (to->so_nincoming <= most)
			return 0;
		error = so_sleep(&to->so_backlog, "connect", nonblock, deadline);
	}
	return error == EAGAIN && !so_unix(so) ? ECONNREFUSED : error;
}

/* Queue the other end of the connection at the listener, which is held. */
static int
connect_to(struct socket *so, struct socket *to, const struct sockname *name, bool nonblock)
{
	struct socket *in;
	int error = connect_wait(so, to, nonblock);

	if (error != 0)
		return error;
	if (so->so_flags & (SS_CONNECTED | SS_LISTENING)) /* meanwhile */
		return so->so_flags & SS_LISTENING ? EINVAL : EISCONN;
	in = so_new(to->so_domain, to->so_type, to->so_proto);
	if (in == NULL)
		return ENOMEM;
	in->so_cred = to->so_cred;
	in->so_rcvlimit = to->so_rcvlimit;
	in->so_sndlimit = to->so_sndlimit;
	in->so_flags |= to->so_flags & (SS_PASSCRED | SS_KEEPALIVE | SS_NODELAY);
	in->so_name = to->so_name;
	so->so_cred = so_mycred();
	so_connect_pair(so, in);
	if (!so_unix(so))
		inet_connected(so, in, name);
	TAILQ_INSERT_TAIL(&to->so_incoming, in, so_inlink);
	to->so_nincoming++;
	wakeup_one(&to->so_incoming);
	pollwakeup(&to->so_poll, POLLIN | POLLRDNORM);
	pollwakeup(&so->so_poll, POLLOUT | POLLWRNORM);
	return 0;
}

static int
connect_stream(struct thread *td, struct socket *so, const struct sockname *name, bool nonblock)
{
	struct sockname dest = *name;
	struct socket *to;
	int error;

	if (so->so_flags & SS_LISTENING)
		return EINVAL;
	if (so->so_flags & SS_CONNECTED)
		return EISCONN;
	if (!so_unix(so) && (error = inet_dest(so, &dest)) != 0)
		return error;
	if ((error = so_lookup(td, so, &dest, &to)) != 0)
		return error;
	error = so_unix(so) ? 0 : so_autobind(so);
	if (error == 0)
		error = connect_to(so, to, &dest, nonblock);
	so_release(to);
	return error;
}

static int
connect_datagram(struct thread *td, struct socket *so, const struct sockname *name)
{
	struct sockname dest = *name;
	struct socket *to = NULL;
	int error;

	if (name->sn_family == AF_UNSPEC) {
		so_setpeer(so, NULL);
		so->so_flags &= ~SS_CONNECTED;
		so->so_peername.sn_len = 0;
		so_wake(so, POLLOUT | POLLWRNORM);
		return 0;
	}
	if (so_unix(so)) {
		if ((error = unix_lookup(td, so, name, &to)) != 0)
			return error;
		if (to->so_peer != NULL && to->so_peer != so)
			error = EPERM;
		else
			so_setpeer(so, to);
		so_release(to);
	} else if ((error = inet_dest(so, &dest)) == 0) {
		error = so_autobind(so);
	}
	if (error != 0)
		return error;
	so->so_flags |= SS_CONNECTED;
	so->so_peername = dest;
	if (!so_unix(so))
		inet_connected(so, NULL, &dest);
	if (so_sendable(so)) /* to the new one; who polls may have waited for the old one */
		pollwakeup(&so->so_poll, POLLOUT | POLLWRNORM);
	return 0;
}

int
so_connect(struct thread *td, struct socket *so, const struct sockname *name, bool nonblock)
{
	if (!so_connects(so))
		return connect_datagram(td, so, name);
	return connect_stream(td, so, name, nonblock);
}

int
so_shutdown(struct socket *so, int how)
{
	struct socket *peer = so->so_peer;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return EINVAL;
	if (!so_unix(so) && !(so->so_flags & (SS_CONNECTED | SS_LISTENING)))
		return ENOTCONN;
	if (how != SHUT_WR)
		so->so_flags |= SS_RCVEOF;
	if (how != SHUT_RD && !(so->so_flags & SS_LISTENING))
		so->so_flags |= SS_SNDEOF;
	so_wake(so, POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	if (peer == NULL || !so_connects(so))
		return 0;
	if (how != SHUT_RD)
		peer->so_flags |= SS_RCVEOF;
	if (how != SHUT_WR && so_unix(so))
		peer->so_flags |= SS_SNDEOF;
	so_wake(peer, POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	return 0;
}
