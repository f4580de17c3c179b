/* SPDX-License-Identifier: ISC */
/* sock_io.c: data through sockets: from the sender's memory into the queue of the receiver. */
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/socketvar.h>
#include <sys/systm.h>
#include <sys/time.h>

#define STREAM_PIECE                                                                               \
	(4096U - (uint32_t)sizeof(struct sockmsg)) /* data of one message in a stream */

static const int readable = POLLIN | POLLRDNORM, writable = POLLOUT | POLLWRNORM | POLLWRBAND;

void
sockmsg_free(struct sockmsg *sm)
{
	if (sm->sm_rights != NULL) {
		rights_received(sm->sm_rights);
		rights_free(sm->sm_rights);
	}
	kfree(sm->sm_from);
	kfree(sm);
}

/* A message with the next len bytes of the uio: ENOBUFS, EFAULT. */
static int
sockmsg_new(struct uio *uio, uint32_t len, const struct sockio *io, struct sockmsg **smp)
{
	struct sockmsg *sm = kmalloc(sizeof(*sm) + len, 0);
	int error;

	if (sm == NULL)
		return ENOBUFS;
	memset(sm, 0, sizeof(*sm));
	sm->sm_len = len;
	sm->sm_cred = io->io_cred;
	if ((error = uiomove(sm->sm_data, len, uio)) != 0) {
		kfree(sm);
		return error;
	}
	*smp = sm;
	return 0;
}

static void
enqueue(struct socket *to, struct sockmsg *sm, struct sockio *io)
{
	if (io->io_rights != NULL) {
		sm->sm_rights = io->io_rights;
		io->io_rights = NULL;
		rights_sent(sm->sm_rights);
	}
	TAILQ_INSERT_TAIL(&to->so_queue, sm, sm_link);
	to->so_queued += sockmsg_charge(sm);
	wakeup(&to->so_queue);
	pollwakeup(&to->so_poll, readable);
}

void
so_hasroom(struct socket *so)
{
	struct socket *from;

	wakeup(&so->so_queued);
	LIST_FOREACH (from, &so->so_peers, so_peerlink)
		if (so_sendable(from))
			pollwakeup(&from->so_poll, writable);
}

static void
dequeue(struct socket *so, struct sockmsg *sm)
{
	TAILQ_REMOVE(&so->so_queue, sm, sm_link);
	so->so_queued -= sockmsg_charge(sm);
	sockmsg_free(sm);
	so_hasroom(so);
}

/* ---- sending ---- */

static uint32_t
queue_limit(const struct socket *so, const struct socket *to)
{
	return so_unix(so) ? so->so_sndlimit : MIN(so->so_sndlimit, to->so_rcvlimit);
}

static bool
has_room(const struct socket *so, const struct socket *to)
{
	return to->so_queued < queue_limit(so, to);
}

bool
so_sendable(const struct socket *so)
{
	const struct socket *to = so->so_peer;

	if (to == NULL)
		return !so_connects(so) || so->so_flags & SS_SNDEOF;
	return to->so_queued <= queue_limit(so, to) / 4;
}

/* Sleep until `to' has read something or gone. */
static int
wait_for_room(struct socket *to, const struct sockio *io, nsec_t deadline)
{
	int error;

	to->so_refs++;
	error = so_sleep(&to->so_queued, "sockwr", io->io_nonblock, deadline);
	so_release(to);
	return error;
}

/* Can so send at all? */
static int
send_state(struct socket *so)
{
	if (so->so_error != 0)
		return so_takeerror(so);
	if (so->so_flags & SS_SNDEOF)
		return EPIPE;
	if (so_connects(so) && so->so_peer == NULL)
		return so_unix(so) || so->so_type == SOCK_SEQPACKET ? ENOTCONN : EPIPE;
	return 0;
}

static int
send_stream(struct socket *so, struct uio *uio, struct sockio *io, nsec_t deadline)
{
	struct sockmsg *sm;
	int error = 0;

	while (uio->uio_resid > 0 && error == 0) {
		if ((error = send_state(so)) != 0)
			break;
		if (!has_room(so, so->so_peer)) {
			error = wait_for_room(so->so_peer, io, deadline);
			continue;
		}
		error = sockmsg_new(uio, (uint32_t)MIN(uio->uio_resid, STREAM_PIECE), io, &sm);
		if (error == 0)
			enqueue(so->so_peer, sm, io);
	}
	return error;
}

/* Who gets the datagram: held.  Nobody, and nothing to complain about: NULL. */
static int
datagram_dest(struct socket *so, const struct sockio *io, struct socket **top)
{
	struct sockname dest = io->io_to != NULL ? *io->io_to : so->so_peername;
	int error;

	*top = NULL;
	if (so_unix(so)) {
		if (io->io_to != NULL)
			return unix_lookup(curthread, so, io->io_to, top);
		if (so->so_peer == NULL)
			return so->so_flags & SS_CONNECTED ? ECONNREFUSED : ENOTCONN;
		*top = so->so_peer;
		(*top)->so_refs++;
		return 0;
	}
	if (dest.sn_len == 0)
		return EDESTADDRREQ;
	if ((error = inet_dest(so, &dest)) != 0 || (error = so_autobind(so)) != 0)
		return error;
	if ((*top = inet_find(so, &dest)) != NULL) {
		(*top)->so_refs++;
	} else if (so->so_flags & SS_CONNECTED && io->io_to == NULL) {
		so->so_error = ECONNREFUSED; /* as the answer of the other host would say */
		so_wake(so, POLLERR);
	}
	return 0;
}

/* May `to' receive from so, which it sees under the name from? */
static int
datagram_allowed(const struct socket *so, const struct socket *to, const struct sockname *from)
{
	if (to->so_flags & SS_CLOSED)
		return ECONNREFUSED;
	if (to->so_flags & SS_RCVEOF)
		return so_unix(so) ? EPIPE : ECONNREFUSED;
	if (so_unix(so))
		return to->so_peer == NULL || to->so_peer == so ? 0 : EPERM;
	if (to->so_flags & SS_CONNECTED && !sockname_equal(&to->so_peername, from))
		return ECONNREFUSED;
	return 0;
}

static int
send_datagram_to(struct socket *so, struct socket *to, struct sockmsg *sm, struct sockio *io,
		 nsec_t deadline)
{
	struct sockname *from = kmalloc(sizeof(*from), 0);
	int error;

	if (from == NULL)
		return ENOBUFS;
	sm->sm_from = from;
	*from = so->so_name;
	if (!so_unix(so))
		inet_source(so, to, from);
	while ((error = datagram_allowed(so, to, from)) == 0 && !has_room(so, to)) {
		if (!so_unix(so))
			return ENOBUFS; /* as a network loses it */
		if ((error = wait_for_room(to, io, deadline)) != 0)
			return error;
	}
	if (error == 0)
		enqueue(to, sm, io);
	return error;
}

/* Datagrams, and records of a connection: all or nothing. */
static int
send_record(struct socket *so, struct uio *uio, struct sockio *io, nsec_t deadline)
{
	struct socket *to = so->so_peer;
	struct sockmsg *sm;
	int error = send_state(so);

	if (error != 0)
		return error;
	if (uio->uio_resid > so->so_sndlimit - sizeof(*sm))
		return EMSGSIZE;
	if (!so_unix(so) && uio->uio_resid > 65507)
		return EMSGSIZE;
	error = sockmsg_new(uio, (uint32_t)uio->uio_resid, io, &sm);
	if (error != 0)
		return error;
	if (so_connects(so)) {
		if ((to = so->so_peer) == NULL)
			error = EPIPE;
		else
			to->so_refs++;
	} else {
		error = datagram_dest(so, io, &to);
	}
	if (error == 0 && to != NULL) {
		error = send_datagram_to(so, to, sm, io, deadline);
		so_release(to);
		if (!so_unix(so) && (error == ENOBUFS || error == ECONNREFUSED))
			to = NULL, error = 0; /* lost on the way */
	}
	if (error != 0 || to == NULL)
		sockmsg_free(sm);
	return error;
}

int
so_send(struct socket *so, struct uio *uio, struct sockio *io)
{
	nsec_t deadline = so->so_sndtimeo != 0 ? nanouptime() + so->so_sndtimeo : 0;
	size_t total = uio->uio_resid;
	int error;

	if (io->io_flags & MSG_OOB)
		return EOPNOTSUPP;
	if (so->so_type == SOCK_STREAM && io->io_to != NULL && so_unix(so))
		return so->so_flags & SS_CONNECTED ? EISCONN : EOPNOTSUPP;
	io->io_cred = io->io_cred.pid != 0 ? io->io_cred : so_mycred();
	if (so->so_type != SOCK_STREAM)
		error = send_record(so, uio, io, deadline);
	else if (total == 0)
		error = send_state(so);
	else
		error = send_stream(so, uio, io, deadline);
	if (so->so_type == SOCK_STREAM && uio->uio_resid != total)
		return 0;
	if (error == EPIPE && so_connects(so) && !(io->io_flags & MSG_NOSIGNAL))
		tsignal_info(curthread, SIGPIPE, NULL);
	if (error != 0)
		uio->uio_resid = total; /* nothing has gone */
	return error;
}

/* ---- receiving ---- */

/* Wait for a message: 0 and NULL in *smp at the end of what will come. */
static int
wait_for_message(struct socket *so, const struct sockio *io, nsec_t deadline, struct sockmsg **smp)
{
	int error;

	while ((*smp = TAILQ_FIRST(&so->so_queue)) == NULL) {
		if (so->so_error != 0)
			return so_takeerror(so);
		if (so->so_flags & SS_RCVEOF)
			return 0;
		if (so_connects(so) && !(so->so_flags & SS_CONNECTED))
			return so_unix(so) && so->so_type == SOCK_STREAM ? EINVAL : ENOTCONN;
		error = so_sleep(&so->so_queue, "sockrd", io->io_nonblock, deadline);
		if (error != 0)
			return error;
	}
	return 0;
}

/* Hand the files of a message out; those of a message that is only looked at go to both. */
static void
take_rights(struct sockmsg *sm, struct sockio *io)
{
	if (sm->sm_rights == NULL)
		return;
	if (io->io_flags & MSG_PEEK) {
		io->io_rights = rights_dup(sm->sm_rights);
		return;
	}
	rights_received(sm->sm_rights);
	io->io_rights = sm->sm_rights;
	sm->sm_rights = NULL;
}

/*
 * Take data from the messages that are there, up to the end of one with descriptors; true if that
 * is why it stopped.  First: is this the first round of the call?
 */
static bool
drain_stream(struct socket *so, struct uio *uio, struct sockio *io, bool first, int *error)
{
	struct sockmsg *sm, *next;

	TAILQ_FOREACH_SAFE (sm, &so->so_queue, sm_link, next) {
		uint32_t n = (uint32_t)MIN((size_t)sm->sm_len - sm->sm_off, uio->uio_resid);

		if (n == 0)
			return true;
		if ((*error = uiomove(sm->sm_data + sm->sm_off, n, uio)) != 0)
			return true;
		if (first)
			io->io_cred = sm->sm_cred;
		first = false;
		take_rights(sm, io);
		if (!(io->io_flags & MSG_PEEK) && (sm->sm_off += n) == sm->sm_len)
			dequeue(so, sm);
		if (io->io_rights != NULL)
			return true;
	}
	return false;
}

static int
receive_stream(struct socket *so, struct uio *uio, struct sockio *io, nsec_t deadline)
{
	bool stopped = false, all = (io->io_flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL;
	size_t total = uio->uio_resid;
	struct sockmsg *sm;
	int error = 0;

	while (uio->uio_resid > 0 && !stopped) {
		if (uio->uio_resid != total && !all)
			break;
		error = wait_for_message(so, io, deadline, &sm);
		if (error != 0 || sm == NULL)
			break;
		stopped = drain_stream(so, uio, io, uio->uio_resid == total, &error);
		if (io->io_flags & MSG_PEEK)
			break;
	}
	return uio->uio_resid != total ? 0 : error;
}

static int
receive_record(struct socket *so, struct uio *uio, struct sockio *io, nsec_t deadline)
{
	struct sockmsg *sm;
	int error = wait_for_message(so, io, deadline, &sm);

	if (error != 0 || sm == NULL)
		return error;
	io->io_fulllen = sm->sm_len;
	if (sm->sm_len > uio->uio_resid)
		io->io_outflags |= MSG_TRUNC;
	if (so->so_type == SOCK_SEQPACKET)
		io->io_outflags |= MSG_EOR;
	error = uiomove(sm->sm_data, sm->sm_len, uio);
	io->io_cred = sm->sm_cred;
	if (sm->sm_from != NULL && !so_connects(so))
		io->io_from = *sm->sm_from;
	take_rights(sm, io);
	if (!(io->io_flags & MSG_PEEK))
		dequeue(so, sm);
	return error;
}

int
so_receive(struct socket *so, struct uio *uio, struct sockio *io)
{
	nsec_t deadline = so->so_rcvtimeo != 0 ? nanouptime() + so->so_rcvtimeo : 0;

	if (io->io_flags & MSG_OOB)
		return so_unix(so) ? EOPNOTSUPP : EINVAL;
	return so->so_type == SOCK_STREAM ? receive_stream(so, uio, io, deadline)
					  : receive_record(so, uio, io, deadline);
}
