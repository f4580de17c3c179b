/* SPDX-License-Identifier: ISC */
/*
 * sock_rights.c: open files inside messages (SCM_RIGHTS).
 *
 * A Unix socket can be sent through a socket, even through itself: then only messages that nobody
 * can receive any more refer to it, and reference counts never become zero.  So when a descriptor
 * is closed while sockets are in flight, those that cannot be reached from an open file are looked
 * for and their queues emptied (mark and sweep, as 4.4BSD's unp_gc() does it).
 */
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/socketvar.h>
#include <sys/systm.h>

struct unixsockets unix_sockets;
static uint32_t files_inflight;

static struct sockrights *
rights_new(uint32_t n)
{
	struct sockrights *sr = kmalloc(sizeof(*sr) + n * sizeof(struct file *), 0);

	if (sr == NULL)
		return NULL;
	sr->sr_next = NULL;
	sr->sr_count = 0;
	return sr;
}

int
rights_copyin(struct thread *td, const int32_t *fds, uint32_t n, struct sockrights **srp)
{
	struct sockrights *sr;
	int error = 0;

	if (n > SCM_MAX_FD)
		return EINVAL;
	if (files_inflight + n > lim_cur(td->td_proc, RLIMIT_NOFILE) && !suser(td))
		return ETOOMANYREFS;
	if ((sr = rights_new(n)) == NULL)
		return ENOBUFS;
	for (uint32_t i = 0; i < n && error == 0; i++) {
		error = getfile(td, fds[i], &sr->sr_files[i]);
		if (error == 0)
			sr->sr_count++;
	}
	if (error != 0)
		rights_free(sr);
	else
		*srp = sr;
	return error;
}

struct sockrights *
rights_dup(const struct sockrights *sr)
{
	struct sockrights *dup = rights_new(sr->sr_count);

	if (dup == NULL)
		return NULL;
	for (uint32_t i = 0; i < sr->sr_count; i++)
		dup->sr_files[i] = file_hold(sr->sr_files[i]);
	dup->sr_count = sr->sr_count;
	return dup;
}

/*
 * Closing a file can empty the queue of a socket, in which there are files, and so on: the ones
 * found on the way wait in a list, for the kernel stack is small.
 */
void
rights_free(struct sockrights *sr)
{
	static struct sockrights *pending;
	static bool busy;

	sr->sr_next = pending;
	pending = sr;
	if (busy)
		return;
	busy = true;
	while ((sr = pending) != NULL) {
		pending = sr->sr_next;
		for (uint32_t i = 0; i < sr->sr_count; i++)
			file_release(sr->sr_files[i]);
		kfree(sr);
	}
	busy = false;
}

static struct socket *
unix_socket(const struct file *fp)
{
	struct socket *so = file_socket(fp);

	return so != NULL && so_unix(so) ? so : NULL;
}

void
rights_sent(struct sockrights *sr)
{
	files_inflight += sr->sr_count;
	for (uint32_t i = 0; i < sr->sr_count; i++) {
		struct socket *so = unix_socket(sr->sr_files[i]);

		if (so != NULL) {
			so->so_inflight++;
			sockets_inflight++;
		}
	}
}

void
rights_received(struct sockrights *sr)
{
	files_inflight -= sr->sr_count;
	for (uint32_t i = 0; i < sr->sr_count; i++) {
		struct socket *so = unix_socket(sr->sr_files[i]);

		if (so != NULL) {
			so->so_inflight--;
			sockets_inflight--;
		}
	}
}

/* ---- cycles ---- */

static void
reach_queue(const struct socket *so)
{
	const struct sockmsg *sm;

	TAILQ_FOREACH (sm, &so->so_queue, sm_link) {
		for (uint32_t i = 0; sm->sm_rights != NULL && i < sm->sm_rights->sr_count; i++) {
			struct socket *in = unix_socket(sm->sm_rights->sr_files[i]);

			if (in != NULL)
				in->so_reached = true;
		}
	}
}

/* Everything that can be received from so can be reached, and connections it can accept. */
static void
scan(struct socket *so)
{
	struct socket *in;

	so->so_scanned = true;
	reach_queue(so);
	TAILQ_FOREACH (in, &so->so_incoming, so_inlink)
		in->so_reached = true;
}

static void
mark(void)
{
	struct socket *so;
	bool more = true;

	LIST_FOREACH (so, &unix_sockets, so_all) {
		so->so_scanned = false;
		so->so_reached = so->so_file != NULL && so->so_file->f_refs > so->so_inflight;
	}
	while (more) {
		more = false;
		LIST_FOREACH (so, &unix_sockets, so_all) {
			if (so->so_reached && !so->so_scanned) {
				scan(so);
				more = true;
			}
		}
	}
}

/* Cut the files out of the messages that nobody can receive. */
static void
take_unreachable(struct socket *so, struct sockrights **list)
{
	struct sockmsg *sm;

	TAILQ_FOREACH (sm, &so->so_queue, sm_link) {
		if (sm->sm_rights == NULL)
			continue;
		rights_received(sm->sm_rights);
		sm->sm_rights->sr_next = *list;
		*list = sm->sm_rights;
		sm->sm_rights = NULL;
	}
}

void
rights_collect(void)
{
	struct sockrights *list = NULL, *sr;
	struct socket *so;

	mark();
	LIST_FOREACH (so, &unix_sockets, so_all)
		if (!so->so_reached)
			take_unreachable(so, &list);
	while ((sr = list) != NULL) {
		list = sr->sr_next;
		rights_free(sr);
	}
}
