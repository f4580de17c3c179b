/* SPDX-License-Identifier: ISC */
/* sandbox.c: messages and statistics of a VMM process, checked as if it were hostile. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "forkstat.h"
#include "phases.h"
#include "sandbox.h"
#include "wire.h"

/* Once the socket has ended the process is on its way out; taking a VM apart takes milliseconds. */
#define REAP_MS 100
/* Looked at for one message: a guest that never ends any must not keep the caller from others. */
#define RECORDS 64

/* The region may be mapped if it cannot shrink under the mapping. */
static int
check_shared(int fd, struct tine_error *error)
{
	int seals = fcntl(fd, F_GET_SEALS); /* of a file in memory only */

	/* lseek() takes a quarter of what fstat() does. */
	if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || lseek(fd, 0, SEEK_END) != TINE_SHARED_SIZE)
		return tine_error_set(error, EPROTO, "control-protocol",
				      "the shared region is not what it should be");
	return 0;
}

/* By the first who wants to know: a sandbox need not wait for it when it starts. */
static int
map_shared(struct sandbox *sb)
{
	void *p;

	if (sb->shared != NULL)
		return 0;
	if (sb->shared_fd < 0)
		return -ENODATA;
	p = mmap(NULL, TINE_SHARED_SIZE, PROT_READ, MAP_SHARED, sb->shared_fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	sb->shared = p;
	close(sb->shared_fd);
	sb->shared_fd = -1;
	return 0;
}

/* Nothing that has not passed on this side's clock, and each nanosecond in one phase. */
static bool
plausible_times(const struct sandbox *sb, const struct vmm_started *started)
{
	uint64_t sum, total = 0;

	for (int i = 0; i < START_NPHASES; i++)
		if (__builtin_add_overflow(total, started->phase_ns[i], &total))
			return false;
	return started->start_ns <= monotonic_ns() - sb->requested_ns &&
	       started->prepared_ns <=
		   (sb->requested_ns > sb->made_ns ? sb->requested_ns - sb->made_ns : 0) &&
	       !__builtin_add_overflow(started->start_ns, started->prepared_ns, &sum) &&
	       sum == total && started->phase_ns[START_GUEST] == 0;
}

bool
sandbox_take_along(struct sandbox *sb, size_t len)
{
	if (sb->rec.hdr.len == len)
		return true;
	if (sb->rec.hdr.len != len + sizeof(sb->along))
		return false;
	memcpy(&sb->along, sb->rec.payload + len, sizeof(sb->along));
	sb->rec.hdr.len = (uint32_t)len;
	return sb->along.len == 0;
}

static int
on_started(struct sandbox *sb, const int fds[WIRE_FDS], int nfds, struct tine_error *error)
{
	int r;

	if (sb->started || nfds != WIRE_FDS || !sandbox_take_along(sb, sizeof(sb->info)))
		return tine_error_set(error, EPROTO, "control-protocol", "bad STARTED message");
	memcpy(&sb->info, sb->rec.payload, sizeof(sb->info));
	if (!plausible_times(sb, &sb->info))
		return tine_error_set(error, EPROTO, "control-protocol",
				      "the times in STARTED make no sense");
	r = check_shared(fds[0], error);
	if (r != 0)
		return r;
	hoststats_attach(sb, fds[1], fds[2]);
	sb->shared_fd = fds[0];
	sb->rootfs_fd = fds[3];
	sb->started = true;
	return 0;
}

static void
close_fds(const int *fds, int nfds)
{
	for (int i = 0; i < nfds; i++)
		close(fds[i]);
}

/* Messages of the VMM process itself. */
static int
own_message(struct sandbox *sb, const int fds[WIRE_FDS], int nfds, struct sandbox_msg *msg,
	    struct tine_error *error)
{
	const struct tine_msg *hdr = &sb->rec.hdr;
	int r = 0;

	if (hdr->type == VMM_MSG_STARTED)
		r = on_started(sb, fds, nfds, error);
	else if (hdr->type == VMM_MSG_FAILED && hdr->len != sizeof(struct tine_error))
		r = tine_error_set(error, EPROTO, "control-protocol", "bad FAILED message");
	else if (hdr->type == VMM_MSG_FROZEN)
		r = sandbox_on_frozen(sb, error);
	else if (hdr->type == VMM_MSG_RESET)
		r = sandbox_on_reset(sb, error);
	else
		sb->last_message = true;
	if (hdr->type != VMM_MSG_STARTED || r != 0)
		close_fds(fds, nfds);
	if (hdr->len == sizeof(struct tine_error) && r == 0) {
		struct tine_error *e = (void *)sb->rec.payload;

		e->type[sizeof(e->type) - 1] = '\0';
		e->detail[sizeof(e->detail) - 1] = '\0';
	}
	*msg = (struct sandbox_msg){hdr->type, hdr->id, hdr->arg, hdr->len, sb->rec.payload};
	return r != 0 ? r : 1;
}

static bool
is_answer(const struct sandbox_msg *msg)
{
	return (msg->type == TINE_MSG_OUT && msg->len > 0) || msg->type == TINE_MSG_EXITED;
}

/* A record of the guest's; 1 when it completes a message. */
static int
guest_message(struct sandbox *sb, struct sandbox_msg *msg, struct tine_error *error)
{
	bool ignore;
	int r = msg_check(&sb->rec.hdr, false, error);

	if (r == 0)
		r = proto_from_guest(&sb->proto, &sb->rec.hdr, sb->rec.payload, &ignore, error);
	if (r != 0)
		return r;
	if (ignore)
		return 0;
	r = joiner_add(&sb->joiner, &sb->rec.hdr, sb->rec.payload, msg);
	if (r == 1 && !sb->answered && is_answer(msg)) {
		sb->answered = true;
		sandbox_ask_workset(sb);
	}
	return r < 0 ? tine_error_set(error, -r, "no-memory", "out of memory") : r;
}

/* The socket has ended: say why. */
static int
gone(struct sandbox *sb, struct tine_error *error)
{
	int status;

	if (!sb->gone)
		sandbox_kill(sb); /* a process without its socket has no business */
	sandbox_lose_workset(sb);
	sb->gone = true;
	sandbox_reap(sb, REAP_MS);
	status = sb->wait_status;
	if (!sb->reaped)
		return tine_error_set(error, EPIPE, "vmm-gone",
				      "the VMM process closed its socket");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return tine_error_set(error, EPIPE, "vmm-killed",
				      "the VMM process made a system call that its jail forbids");
	if (WIFSIGNALED(status))
		return tine_error_set(error, EPIPE, "vmm-killed",
				      "the VMM process was killed by signal %d (%s)",
				      WTERMSIG(status), strsignal(WTERMSIG(status)));
	return tine_error_set(error, EPIPE, "vmm-gone", "the VMM process ended with status %d",
			      WEXITSTATUS(status));
}

/* From the socket, unless the one before has brought it along. */
static int
next_record(struct sandbox *sb, int fds[WIRE_FDS], int *nfds, struct tine_error *error)
{
	if (sb->along.type == 0)
		return wire_recv(sb->fd, &sb->rec, fds, nfds, error);
	sb->rec.hdr = sb->along;
	sb->along.type = 0;
	return 1;
}

static int
receive_one(struct sandbox *sb, struct sandbox_msg *msg, bool *again, struct tine_error *error)
{
	int fds[WIRE_FDS], nfds = 0;
	int r = next_record(sb, fds, &nfds, error);

	*again = false;
	if (r == -EPIPE)
		return gone(sb, error);
	if (r == 1 && sb->rec.hdr.type >= VMM_MSG_STARTED && sb->rec.hdr.type <= VMM_MSG_RESET)
		return own_message(sb, fds, nfds, msg, error);
	close_fds(fds, nfds);
	if (r == 1 && sb->rec.hdr.type == VMM_MSG_WORKSET) {
		r = sandbox_on_workset(sb, error);
		*again = r == 0;
	} else if (r == 1) {
		r = guest_message(sb, msg, error);
		*again = r == 0;
	}
	return r;
}

int
sandbox_recv(struct sandbox *sb, struct sandbox_msg *msg, struct tine_error *error)
{
	bool again = true;
	int r = 0;

	if (sb->gone)
		return gone(sb, error);
	for (int i = 0; again && i < RECORDS; i++)
		r = receive_one(sb, msg, &again, error);
	if (r < 0 && r != -EPIPE) {
		/* A VMM process that breaks the protocol has been taken over, or is broken. */
		sandbox_kill(sb);
		if (error != NULL)
			error->code = EPROTO;
		return -EPROTO;
	}
	return r;
}

static int
queue_record(struct sandbox *sb, const struct tine_msg *hdr, const uint8_t *payload,
	     struct tine_error *error)
{
	int r = proto_to_guest(&sb->proto, hdr, payload, error);

	if (r == 0 && outq_push(&sb->queue, hdr, payload) != 0)
		r = tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	return r;
}

int
sandbox_send(struct sandbox *sb, uint16_t type, uint32_t id, uint32_t arg, const void *payload,
	     size_t len, struct tine_error *error)
{
	const uint8_t *p = payload;
	bool stream = type == TINE_MSG_STDIN; /* bytes: no need to keep the pieces together */
	int r;

	if (sb->gone || sb->last_message)
		return tine_error_set(error, EPIPE, "vmm-gone", "the sandbox has ended");
	if (len > TINE_MSG_MAX)
		return tine_error_set(error, EMSGSIZE, "message-too-long",
				      "message of %zu bytes; %u are the limit", len, TINE_MSG_MAX);
	if (stream && len > proto_stdin_credit(&sb->proto, id) &&
	    proto_stdin_credit(&sb->proto, id) > 0)
		return tine_error_set(error, EAGAIN, "no-credit", "launch %u takes %llu bytes now",
				      id, (unsigned long long)proto_stdin_credit(&sb->proto, id));
	do {
		size_t n = len < TINE_MSG_FRAG ? len : TINE_MSG_FRAG;
		struct tine_msg hdr = {
		    .len = (uint32_t)n,
		    .type = type,
		    .flags = n < len && !stream ? TINE_MSG_MORE : 0,
		    .id = id,
		    .arg = arg,
		};

		r = msg_check(&hdr, true, error);
		if (r == 0)
			r = queue_record(sb, &hdr, p, error);
		p = p == NULL ? NULL : p + n;
		len -= n;
	} while (r == 0 && len > 0);
	if (r == 0)
		r = sandbox_flush(sb, error);
	return r < 0 ? r : 0;
}

int
sandbox_flush(struct sandbox *sb, struct tine_error *error)
{
	const uint8_t *bytes;
	struct tine_msg hdr;
	size_t n;

	while ((n = outq_peek(&sb->queue, &hdr, &bytes)) > 0) {
		int r = wire_send(sb->fd, bytes, n, NULL, 0);

		if (r == -EAGAIN)
			return 1;
		if (r != 0)
			return tine_error_set(error, EPIPE, "vmm-gone", "the VMM process has gone");
		outq_pop(&sb->queue);
	}
	return 0;
}

size_t
sandbox_backlog(const struct sandbox *sb)
{
	return outq_bytes(&sb->queue);
}

uint64_t
sandbox_stdin_credit(const struct sandbox *sb, uint32_t id)
{
	return proto_stdin_credit(&sb->proto, id);
}

int
sandbox_stats(struct sandbox *sb, struct tine_stats *stats, bool *torn)
{
	int r = map_shared(sb);

	return r == 0 ? stats_read(sb->shared, stats, torn) : r;
}
