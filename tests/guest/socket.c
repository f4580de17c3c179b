/* SPDX-License-Identifier: ISC */
/* socket.c: Unix-domain sockets, TCP and UDP over loopback, descriptors in messages. */
#include "guest.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static volatile sig_atomic_t pipes;

static void
on_pipe(int sig)
{
	(void)sig;
	pipes++;
}

static socklen_t
unix_name(struct sockaddr_un *un, const char *path)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path + (path[0] == '@'), path + (path[0] == '@'));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) +
			   (path[0] != '@'));
}

/* ---- streams ---- */

static void
pair(void)
{
	char buf[64];
	int s[2], n;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK_EQ(write(s[0], "hello", 5), 5);
	CHECK_EQ(write(s[0], " world", 6), 6);
	CHECK_EQ(ioctl(s[1], FIONREAD, &n), 0);
	CHECK_EQ(n, 11);
	CHECK_EQ(recv(s[1], buf, 64, MSG_PEEK), 11);
	CHECK_EQ(read(s[1], buf, 3), 3);
	CHECK_EQ(read(s[1], buf + 3, 61), 8);
	CHECK(memcmp(buf, "hello world", 11) == 0);
	CHECK_ERR(recv(s[1], buf, 64, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(shutdown(s[0], SHUT_WR), 0);
	CHECK_EQ(read(s[1], buf, 64), 0);
	CHECK_ERR(write(s[0], "x", 1), EPIPE);
	CHECK_EQ(pipes, 1);
	CHECK_EQ(write(s[1], "back", 4), 4);
	CHECK_EQ(read(s[0], buf, 64), 4);
	close(s[1]);
	CHECK_EQ(read(s[0], buf, 64), 0);
	CHECK_ERR(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(pipes, 1);
	close(s[0]);
	/* What has not been read is lost, and the sender hears of it. */
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK_EQ(write(s[0], "lost", 4), 4);
	close(s[1]);
	CHECK_ERR(read(s[0], buf, 64), ECONNRESET);
	CHECK_EQ(read(s[0], buf, 64), 0);
	close(s[0]);
}

#define BULK (3 << 20)

/* More than the queue holds, both ends sleeping in turn; every byte is checked. */
static void
bulk(int from, int to)
{
	unsigned char *buf = malloc(BULK);
	size_t done = 0;
	pid_t pid;

	CHECK(buf != NULL && (pid = fork()) >= 0);
	if (pid == 0) {
		for (size_t i = 0; i < BULK; i++)
			buf[i] = (unsigned char)(i * 7 + i / 4096);
		CHECK_EQ(write(from, buf, BULK), BULK);
		_exit(0);
	}
	while (done < BULK) {
		ssize_t n = recv(to, buf + done, BULK - done < 10007 ? BULK - done : 10007,
				 done % 2 ? MSG_WAITALL : 0);

		CHECK(n > 0);
		done += (size_t)n;
	}
	for (size_t i = 0; i < BULK; i++)
		CHECK_EQ(buf[i], (unsigned char)(i * 7 + i / 4096));
	CHECK_EQ(reap(pid), 0);
	free(buf);
}

static void
fill(void)
{
	struct pollfd p;
	char buf[4096] = "";
	size_t total = 0;
	ssize_t n;
	int s[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s), 0);
	while ((n = write(s[0], buf, sizeof(buf))) > 0)
		total += (size_t)n;
	CHECK(errno == EAGAIN && total > 65536);
	p = (struct pollfd){.fd = s[0], .events = POLLIN | POLLOUT};
	CHECK_EQ(poll(&p, 1, 0), 0);
	while ((n = read(s[1], buf, sizeof(buf))) > 0)
		total -= (size_t)n;
	CHECK_EQ(total, 0);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	close(s[1]);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN | POLLOUT | POLLHUP);
	close(s[0]);
}

/* ---- servers ---- */

/* A client process asks, the server answers; both see the other's name and credentials. */
static void
serve(int domain, const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_storage name, peer;
	socklen_t nlen = sizeof(name), plen = sizeof(peer);
	int l = socket(domain, SOCK_STREAM, 0), c, v;
	struct ucred uc;
	char buf[64];
	pid_t pid;

	CHECK(l >= 0);
	CHECK_EQ(bind(l, addr, len), 0);
	CHECK_EQ(listen(l, 5), 0);
	CHECK_EQ(getsockname(l, (struct sockaddr *)&name, &nlen), 0);
	CHECK((pid = fork()) >= 0);
	if (pid == 0) {
		c = socket(domain, SOCK_STREAM, 0);
		CHECK_EQ(connect(c, (struct sockaddr *)&name, nlen), 0);
		CHECK_EQ(getpeername(c, (struct sockaddr *)&peer, &plen), 0);
		CHECK_EQ(plen, nlen);
		CHECK_ERR(connect(c, (struct sockaddr *)&name, nlen), EISCONN);
		CHECK_EQ(write(c, "question", 8), 8);
		CHECK_EQ(read(c, buf, 64), 6);
		CHECK_EQ(read(c, buf, 64), 0);
		_exit(0);
	}
	c = accept4(l, (struct sockaddr *)&peer, &plen, SOCK_CLOEXEC);
	CHECK(c >= 0);
	CHECK_EQ(fcntl(c, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(peer.ss_family, domain);
	if (domain == AF_UNIX) {
		CHECK_EQ(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &uc, &(socklen_t){sizeof(uc)}), 0);
		CHECK(uc.pid == pid && uc.uid == getuid());
	}
	CHECK_EQ(recv(c, buf, 8, MSG_WAITALL), 8);
	CHECK_EQ(write(c, "answer", 6), 6);
	close(c);
	CHECK_EQ(reap(pid), 0);
	CHECK_EQ(getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN, &v, &(socklen_t){sizeof(v)}), 0);
	CHECK_EQ(v, 1);
	close(l);
	c = socket(domain, SOCK_STREAM, 0);
	CHECK_ERR(connect(c, (struct sockaddr *)&name, nlen), ECONNREFUSED);
	close(c);
}

static void
unix_servers(void)
{
	struct sockaddr_un un;
	socklen_t len = unix_name(&un, "/tmp/test.sock");
	struct stat st;
	int s;

	unlink(un.sun_path);
	serve(AF_UNIX, (struct sockaddr *)&un, len);
	CHECK_EQ(stat(un.sun_path, &st), 0);
	CHECK(S_ISSOCK(st.st_mode));
	CHECK_ERR(open(un.sun_path, O_RDWR), ENXIO);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_ERR(bind(s, (struct sockaddr *)&un, len), EADDRINUSE);
	CHECK_ERR(listen(s, 1), EINVAL);
	CHECK_EQ(unlink(un.sun_path), 0);
	CHECK_ERR(connect(s, (struct sockaddr *)&un, len), ENOENT);
	close(s);
	serve(AF_UNIX, (struct sockaddr *)&un, unix_name(&un, "@abstract"));
}

static void
inet_servers(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
			   name;
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), a, one = 1;
	socklen_t len = sizeof(name);

	serve(AF_INET, (struct sockaddr *)&in, sizeof(in));
	serve(AF_INET6, (struct sockaddr *)&in6, sizeof(in6));
	in.sin_addr.s_addr = htonl(INADDR_ANY);
	CHECK_EQ(bind(l, (struct sockaddr *)&in, sizeof(in)), 0);
	CHECK_EQ(getsockname(l, (struct sockaddr *)&name, &len), 0);
	CHECK(name.sin_port != 0);
	CHECK_ERR(bind(c, (struct sockaddr *)&name, sizeof(name)), EADDRINUSE);
	CHECK_EQ(listen(l, 1), 0);
	/* The connection is made before anybody accepts it. */
	CHECK_EQ(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	CHECK_EQ(connect(c, (struct sockaddr *)&name, sizeof(name)), 0);
	CHECK_EQ(write(c, "early", 5), 5);
	len = sizeof(in);
	a = accept(l, (struct sockaddr *)&in, &len);
	CHECK(a >= 0 && in.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	CHECK_EQ(getsockname(c, (struct sockaddr *)&name, &len), 0);
	CHECK(memcmp(&in, &name, sizeof(in)) == 0);
	bulk(a, c);
	close(a);
	close(c);
	close(l);
	in.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1 */
	c = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERR(bind(c, (struct sockaddr *)&in, sizeof(in)), EADDRNOTAVAIL);
	close(c);
}

/* Several children accept from one socket, as prefork servers do. */
static void
prefork(void)
{
	struct sockaddr_un un;
	socklen_t len = unix_name(&un, "@prefork");
	int l = socket(AF_UNIX, SOCK_SEQPACKET, 0), c, seen[4] = {0};
	pid_t pids[4];
	char buf[8];

	CHECK_EQ(bind(l, (struct sockaddr *)&un, len), 0);
	CHECK_EQ(listen(l, 100), 0);
	for (int i = 0; i < 4; i++) {
		CHECK((pids[i] = fork()) >= 0);
		while (pids[i] == 0) {
			CHECK((c = accept(l, NULL, NULL)) >= 0);
			CHECK(read(c, buf, 8) >= 0);
			buf[1] = (char)('0' + i);
			CHECK_EQ(write(c, buf, 2), 2);
			close(c);
		}
	}
	for (int i = 0; i < 200; i++) {
		c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		CHECK_EQ(connect(c, (struct sockaddr *)&un, len), 0);
		CHECK_EQ(write(c, "a", 1), 1);
		CHECK_EQ(read(c, buf, 8), 2);
		seen[buf[1] - '0']++;
		close(c);
	}
	CHECK_EQ(seen[0] + seen[1] + seen[2] + seen[3], 200);
	for (int i = 0; i < 4; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	close(l);
}

/* ---- datagrams ---- */

static void
unix_datagrams(void)
{
	struct sockaddr_un a, b, from;
	socklen_t alen = unix_name(&a, "@a"), blen = unix_name(&b, "@b"), flen = sizeof(from);
	int sa = socket(AF_UNIX, SOCK_DGRAM, 0), sb = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct timeval tv = {0, 20000};
	char buf[16];

	CHECK_EQ(bind(sa, (struct sockaddr *)&a, alen), 0);
	CHECK_EQ(bind(sb, (struct sockaddr *)&b, blen), 0);
	CHECK_EQ(sendto(sa, "one", 3, 0, (struct sockaddr *)&b, blen), 3);
	CHECK_EQ(sendto(sa, "", 0, 0, (struct sockaddr *)&b, blen), 0);
	CHECK_EQ(sendto(sa, "three", 5, 0, (struct sockaddr *)&b, blen), 5);
	CHECK_EQ(recvfrom(sb, buf, 16, 0, (struct sockaddr *)&from, &flen), 3);
	CHECK(flen == alen && memcmp(&from, &a, alen) == 0);
	CHECK_EQ(read(sb, buf, 16), 0);
	CHECK_EQ(recv(sb, buf, 2, MSG_TRUNC), 5);
	CHECK_EQ(setsockopt(sb, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	CHECK_ERR(read(sb, buf, 16), EAGAIN);
	CHECK_ERR(write(sa, "x", 1), ENOTCONN);
	CHECK_EQ(connect(sa, (struct sockaddr *)&b, blen), 0);
	CHECK_EQ(write(sa, "x", 1), 1);
	close(sb);
	CHECK_ERR(write(sa, "x", 1), ECONNREFUSED);
	close(sa);
}

static void
udp(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
			   from;
	int sa = socket(AF_INET, SOCK_DGRAM, 0), sb = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(in);
	char buf[16];

	CHECK_EQ(bind(sb, (struct sockaddr *)&in, len), 0);
	CHECK_EQ(getsockname(sb, (struct sockaddr *)&in, &len), 0);
	CHECK_ERR(send(sa, "x", 1, 0), EDESTADDRREQ);
	CHECK_EQ(sendto(sa, "ping", 4, 0, (struct sockaddr *)&in, len), 4);
	CHECK_EQ(recvfrom(sb, buf, 16, 0, (struct sockaddr *)&from, &len), 4);
	CHECK_EQ(from.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	CHECK_EQ(sendto(sb, "pong!", 5, 0, (struct sockaddr *)&from, len), 5);
	CHECK_EQ(connect(sa, (struct sockaddr *)&in, len), 0);
	CHECK_EQ(recv(sa, buf, 16, 0), 5);
	close(sb);
	CHECK_EQ(send(sa, "x", 1, 0), 1);
	CHECK_ERR(send(sa, "x", 1, 0), ECONNREFUSED);
	close(sa);
}

/* ---- messages with descriptors ---- */

static ssize_t
send_fds(int s, const int *fds, size_t n)
{
	char buf[CMSG_SPACE(16 * sizeof(int))] __attribute__((aligned(8))) = {0};
	struct iovec iov = {"f", 1};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = buf,
			    .msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(cm), fds, n * sizeof(int));
	return sendmsg(s, &mh, 0);
}

static int
receive_fds(int s, int *fds, size_t room, int *flags)
{
	char buf[CMSG_SPACE(16 * sizeof(int))] __attribute__((aligned(8)));
	char data[16];
	struct iovec iov = {data, sizeof(data)};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = buf,
			    .msg_controllen = CMSG_LEN(room * sizeof(int))};
	struct cmsghdr *cm;
	size_t n;

	CHECK_EQ(recvmsg(s, &mh, MSG_CMSG_CLOEXEC), 1);
	*flags = mh.msg_flags;
	if ((cm = CMSG_FIRSTHDR(&mh)) == NULL)
		return 0;
	CHECK(cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_RIGHTS);
	n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(cm), n * sizeof(int));
	return (int)n;
}

static void
rights(void)
{
	int s[2], p[2], got[16], flags;
	char buf[8];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(write(s[0], "x", 1), 1);
	CHECK_EQ(send_fds(s[0], p, 2), 1);
	CHECK_EQ(write(s[0], "y", 1), 1);
	close(p[1]);
	/* No call reads past the end of a message with descriptors. */
	CHECK_EQ(read(s[1], buf, 1), 1);
	CHECK_EQ(receive_fds(s[1], got, 16, &flags), 2);
	CHECK_EQ(flags, MSG_CMSG_CLOEXEC);
	CHECK_EQ(fcntl(got[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(got[1], "via", 3), 3);
	CHECK_EQ(read(p[0], buf, 8), 3);
	close(got[0]);
	close(got[1]);
	CHECK_EQ(read(p[0], buf, 8), 0); /* no writer is left */
	CHECK_EQ(read(s[1], buf, 8), 1);
	/* Fewer descriptors than were sent: the rest is closed. */
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(send_fds(s[0], p, 2), 1);
	close(p[1]);
	CHECK_EQ(receive_fds(s[1], got, 1, &flags), 1);
	CHECK_EQ(flags, MSG_CMSG_CLOEXEC | MSG_CTRUNC);
	CHECK_EQ(read(p[0], buf, 8), 0);
	/* Never received: closed with the socket. */
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(send_fds(s[0], p, 2), 1);
	close(p[1]);
	close(s[1]);
	close(s[0]);
	CHECK_EQ(read(p[0], buf, 8), 0);
	CHECK_ERR(send_fds(p[0], p, 1), ENOTSOCK);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	got[0] = 999;
	CHECK_ERR(send_fds(s[0], got, 1), EBADF);
}

/* Sockets that only messages to each other refer to: what they hold must come back. */
static void
cycles(void)
{
	int s[2], p[2], chain[2];
	char c;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK_EQ(send_fds(s[0], s, 2), 1);
	CHECK_EQ(send_fds(s[1], s, 2), 1);
	CHECK_EQ(send_fds(s[1], p + 1, 1), 1);
	close(p[1]);
	close(s[0]);
	close(s[1]);
	CHECK_EQ(read(p[0], &c, 1), 0);
	/* A long chain, each in the queue of the next: closing the last closes all. */
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, chain), 0);
	CHECK_EQ(send_fds(chain[0], p + 1, 1), 1);
	close(p[1]);
	for (int i = 0; i < 500; i++) {
		CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, s), 0);
		CHECK_EQ(send_fds(s[0], chain, 2), 1);
		close(chain[0]);
		close(chain[1]);
		chain[0] = s[0];
		chain[1] = s[1];
	}
	close(chain[0]);
	close(chain[1]);
	CHECK_EQ(read(p[0], &c, 1), 0);
}

static void
credentials(void)
{
	char control[CMSG_SPACE(sizeof(struct ucred))] __attribute__((aligned(8)));
	char data[8];
	struct iovec iov = {data, sizeof(data)};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control)};
	struct ucred uc;
	int s[2], one = 1;
	pid_t pid;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, s), 0);
	CHECK_EQ(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)), 0);
	CHECK((pid = fork()) >= 0);
	if (pid == 0)
		_exit(write(s[1], "me", 2) != 2);
	CHECK_EQ(recvmsg(s[0], &mh, 0), 2);
	CHECK_EQ(CMSG_FIRSTHDR(&mh)->cmsg_type, SCM_CREDENTIALS);
	memcpy(&uc, CMSG_DATA(CMSG_FIRSTHDR(&mh)), sizeof(uc));
	CHECK(uc.pid == pid && uc.uid == getuid() && uc.gid == getgid());
	CHECK_EQ(reap(pid), 0);
	close(s[0]);
	close(s[1]);
}

/* ---- waiting ---- */

static void
epoll(void)
{
	struct sockaddr_un un;
	socklen_t len = unix_name(&un, "@epoll");
	int l = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), e = epoll_create1(0), c, a;
	struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = l}, got;
	pid_t pid;

	CHECK_EQ(bind(l, (struct sockaddr *)&un, len), 0);
	CHECK_EQ(listen(l, 0), 0);
	CHECK_ERR(accept(l, NULL, NULL), EAGAIN);
	CHECK_EQ(epoll_ctl(e, EPOLL_CTL_ADD, l, &ev), 0);
	CHECK_EQ(epoll_wait(e, &got, 1, 0), 0);
	CHECK((pid = fork()) >= 0);
	if (pid == 0) {
		c = socket(AF_UNIX, SOCK_STREAM, 0);
		CHECK_EQ(connect(c, (struct sockaddr *)&un, len), 0);
		CHECK_EQ(write(c, "hi", 2), 2);
		CHECK_EQ(shutdown(c, SHUT_WR), 0);
		CHECK_EQ(read(c, &got, 1), 0);
		_exit(0);
	}
	CHECK_EQ(epoll_wait(e, &got, 1, -1), 1);
	CHECK(got.data.fd == l && got.events == EPOLLIN);
	CHECK((a = accept(l, NULL, NULL)) >= 0);
	ev.data.fd = a;
	CHECK_EQ(epoll_ctl(e, EPOLL_CTL_ADD, a, &ev), 0);
	do
		CHECK_EQ(epoll_wait(e, &got, 1, -1), 1);
	while (!(got.events & EPOLLRDHUP));
	CHECK_EQ(got.data.fd, a);
	CHECK_EQ(read(a, &got, 2), 2);
	close(a);
	CHECK_EQ(reap(pid), 0);
	/* The queue of connections is limited: one more than the backlog. */
	c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_EQ(connect(c, (struct sockaddr *)&un, len), 0);
	a = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_ERR(connect(a, (struct sockaddr *)&un, len), EAGAIN);
	close(l);
	CHECK_ERR(read(c, &got, 1), ECONNRESET);
	close(a);
	close(c);
	close(e);
}

/* Set, and what it is then. */
static int
buffer_size(int s, int option, int read_as, int n)
{
	socklen_t len = sizeof(n);

	CHECK_EQ(setsockopt(s, SOL_SOCKET, option, &n, sizeof(n)), 0);
	CHECK_EQ(getsockopt(s, SOL_SOCKET, read_as, &n, &len), 0);
	return n;
}

/* Only root may force a size, which a negative number makes the smallest. */
static void
buffer_sizes(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), n = 10000;
	pid_t pid;

	CHECK_EQ(buffer_size(s, SO_SNDBUF, SO_SNDBUF, n), 2 * n);
	CHECK_EQ(buffer_size(s, SO_RCVBUF, SO_RCVBUF, n), 2 * n);
	CHECK_EQ(buffer_size(s, SO_RCVBUF, SO_RCVBUF, -1),
		 buffer_size(s, SO_RCVBUF, SO_RCVBUF, INT32_MAX));
	CHECK_EQ(buffer_size(s, SO_RCVBUFFORCE, SO_RCVBUF, -1),
		 buffer_size(s, SO_RCVBUF, SO_RCVBUF, 0));
	CHECK_EQ(buffer_size(s, SO_SNDBUFFORCE, SO_SNDBUF, n), 2 * n);
	if ((pid = fork()) == 0) {
		CHECK_EQ(setresuid(1000, 1000, 1000), 0);
		n = 20000;
		CHECK_ERR(setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &n, sizeof(n)), EPERM);
		CHECK_ERR(setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &n, sizeof(n)), EPERM);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_SNDBUF, &n, &(socklen_t){sizeof(n)}), 0);
	CHECK_EQ(n, 20000);
	close(s);
}

static void
bad_calls(void)
{
	struct sockaddr_un un;
	socklen_t len = unix_name(&un, "@bad");
	int s = socket(AF_UNIX, SOCK_STREAM, 0), p[2], n;
	char c;

	CHECK_ERR(socket(99, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERR(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	CHECK_ERR(socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL);
	CHECK_ERR(socketpair(AF_INET, SOCK_STREAM, 0, p), EOPNOTSUPP);
	CHECK_ERR(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 8), EFAULT);
	CHECK_ERR(bind(s, (struct sockaddr *)&un, 1), EINVAL);
	CHECK_ERR(syscall(SYS_bind, s, 8, len), EFAULT);
	CHECK_ERR(bind(s, (struct sockaddr *)&un, 200), EINVAL);
	un.sun_family = AF_INET;
	CHECK_ERR(bind(s, (struct sockaddr *)&un, len), EINVAL);
	CHECK_ERR(accept(s, NULL, NULL), EINVAL);
	CHECK_ERR(write(s, "x", 1), ENOTCONN);
	CHECK_ERR(read(s, &c, 1), EINVAL);
	CHECK_ERR(lseek(s, 0, SEEK_CUR), ESPIPE);
	CHECK_ERR(getsockopt(s, SOL_SOCKET, 9999, &n, &(socklen_t){4}), ENOPROTOOPT);
	CHECK_ERR(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &n, 1), EINVAL);
	CHECK_ERR(listen(0, 1), ENOTSOCK);
	CHECK_ERR(listen(999, 1), EBADF);
	CHECK_ERR(getpeername(s, (struct sockaddr *)&un, &len), ENOTCONN);
	close(s);
	s = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERR(shutdown(s, SHUT_WR), ENOTCONN);
	CHECK_ERR(shutdown(s, 3), EINVAL);
	close(s);
}

int
main(void)
{
	int s[2];

	signal(SIGPIPE, on_pipe);
	pair();
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	bulk(s[0], s[1]);
	fill();
	unix_servers();
	inet_servers();
	prefork();
	unix_datagrams();
	udp();
	rights();
	cycles();
	credentials();
	epoll();
	buffer_sizes();
	bad_calls();
	puts("ok");
	return 0;
}
