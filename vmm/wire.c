/* SPDX-License-Identifier: ISC */
/* wire.c: records and descriptors over a SOCK_SEQPACKET pair; the other side is not trusted. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "vmm.h"
#include "wire.h"

union control {
	char buf[CMSG_SPACE(WIRE_FDS * sizeof(int))];
	struct cmsghdr align;
};

static int
send_parts(int fd, struct iovec *iov, size_t n, const int *fds, int nfds)
{
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = n};
	union control c;
	struct cmsghdr *cm;

	if (nfds > 0) {
		memset(&c, 0, sizeof(c));
		m.msg_control = c.buf;
		m.msg_controllen = CMSG_SPACE((size_t)nfds * sizeof(int));
		cm = CMSG_FIRSTHDR(&m);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN((size_t)nfds * sizeof(int));
		memcpy(CMSG_DATA(cm), fds, (size_t)nfds * sizeof(int));
	}
	while (sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
			return -EAGAIN;
		if (errno != EINTR)
			return -EPIPE;
	}
	return 0;
}

int
wire_send(int fd, const uint8_t *bytes, size_t n, const int *fds, int nfds)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = n};

	return send_parts(fd, &iov, 1, fds, nfds);
}

int
wire_send_record(int fd, const struct tine_msg *hdr, const void *payload)
{
	struct iovec iov[2] = {
	    {.iov_base = (void *)(uintptr_t)hdr, .iov_len = sizeof(*hdr)},
	    {.iov_base = (void *)(uintptr_t)payload, .iov_len = hdr->len},
	};

	return send_parts(fd, iov, 2, NULL, 0);
}

static void
take_fds(struct msghdr *m, int fds[WIRE_FDS], int *nfds)
{
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(m); cm != NULL; cm = CMSG_NXTHDR(m, cm)) {
		size_t n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int got;

			memcpy(&got, CMSG_DATA(cm) + i * sizeof(int), sizeof(int));
			if (fds != NULL && *nfds < WIRE_FDS)
				fds[(*nfds)++] = got;
			else
				close(got);
		}
	}
}

static int
receive(int fd, int flags, struct record *rec, int fds[WIRE_FDS], int *nfds,
	struct tine_error *error)
{
	struct iovec iov = {.iov_base = rec, .iov_len = sizeof(*rec)};
	union control c;
	struct msghdr m = {
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = c.buf,
	    .msg_controllen = sizeof(c.buf),
	};
	int none = 0;
	ssize_t n;

	do
		n = recvmsg(fd, &m, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n <= 0)
		return tine_error_set(error, EPIPE, "vmm-gone",
				      "the other side of the control socket "
				      "has gone");
	take_fds(&m, fds, nfds != NULL ? nfds : &none);
	if ((m.msg_flags & MSG_CTRUNC) != 0)
		return tine_error_set(error, EMFILE, "no-files",
				      "descriptors of a message were lost: too many are open, or "
				      "too many came");
	if ((size_t)n < sizeof(rec->hdr) || (m.msg_flags & MSG_TRUNC) != 0 ||
	    rec->hdr.len != (size_t)n - sizeof(rec->hdr))
		return tine_error_set(error, EPROTO, "control-protocol",
				      "packet of %zd bytes whose header speaks of %u", n,
				      (size_t)n < sizeof(rec->hdr) ? 0 : rec->hdr.len);
	return 1;
}

int
wire_recv(int fd, struct record *rec, int fds[WIRE_FDS], int *nfds, struct tine_error *error)
{
	return receive(fd, MSG_DONTWAIT, rec, fds, nfds, error);
}

int
wire_recv_wait(int fd, struct record *rec, int fds[WIRE_FDS], int *nfds)
{
	return receive(fd, 0, rec, fds, nfds, NULL);
}
