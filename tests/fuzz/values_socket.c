/* SPDX-License-Identifier: ISC */
/* values_socket.c: addresses and messages of socket calls that are nearly right. */
#define _GNU_SOURCE
#include "values.h"
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define NNAMES 8

static union {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
} names[NNAMES];

static struct {
	struct msghdr mh;
	struct iovec iov[4];
	union {
		struct cmsghdr cm;
		char bytes[CMSG_SPACE(8 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	} control;
} messages[4];

static void
make_name(size_t i)
{
	static const char *const unix_names[] = {"/tmp/s0", "/tmp/s1", "\0zero", "\0one"};
	uint16_t port = htons((uint16_t)(one_in(4) ? 0 : 2000 + below(3)));

	memset(&names[i], 0, sizeof(names[i]));
	switch (i % 3) {
	case 0:
		names[i].un.sun_family = AF_UNIX;
		memcpy(names[i].un.sun_path, PICK(unix_names), 5);
		break;
	case 1:
		names[i].in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
		names[i].in.sin_addr.s_addr = htonl(one_in(3) ? INADDR_ANY : INADDR_LOOPBACK);
		break;
	default:
		names[i].in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
		names[i].in6.sin6_addr = one_in(3) ? in6addr_any : in6addr_loopback;
	}
	if (one_in(8))
		names[i].any.sa_family = (uint16_t)below(12);
}

static uint64_t
name_length(void)
{
	static const uint8_t lengths[] = {16, 28, 110, 10, 7, 2};

	return one_in(8) ? value('n') : PICK(lengths);
}

static void
make_control(struct msghdr *mh, struct cmsghdr *cm, size_t room)
{
	uint64_t n = below(9);
	int fds[8];

	for (size_t i = 0; i < 8; i++)
		fds[i] = (int)value('f');
	cm->cmsg_level = one_in(12) ? (int)value('i') : SOL_SOCKET;
	cm->cmsg_type = one_in(4) ? SCM_CREDENTIALS : SCM_RIGHTS;
	cm->cmsg_len = one_in(12) ? value('x') : CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(cm), fds, n * sizeof(int));
	mh->msg_control = cm;
	mh->msg_controllen = one_in(4) ? below(room + 1) : CMSG_SPACE(n * sizeof(int));
}

static uint64_t
message(void)
{
	size_t i = below(sizeof(messages) / sizeof(messages[0]));
	struct msghdr *mh = &messages[i].mh;

	memset(mh, 0, sizeof(*mh));
	mh->msg_iov = messages[i].iov;
	mh->msg_iovlen = one_in(12) ? value('x') : below(5);
	for (size_t v = 0; v < 4; v++)
		messages[i].iov[v] = (struct iovec){(void *)value('b'), below(6000)};
	if (one_in(3)) {
		mh->msg_name = (void *)value('N');
		mh->msg_namelen = (socklen_t)name_length();
	}
	if (!one_in(3))
		make_control(mh, &messages[i].control.cm, sizeof(messages[i].control));
	return (uint64_t)mh;
}

uint64_t
socket_value(char kind)
{
	static const uint8_t domains[] = {AF_UNIX, AF_UNIX, AF_INET, AF_INET6};
	static const uint32_t types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET,
					 SOCK_STREAM | SOCK_NONBLOCK, SOCK_DGRAM | SOCK_CLOEXEC};
	static const uint8_t levels[] = {SOL_SOCKET, SOL_SOCKET, IPPROTO_TCP, IPPROTO_IPV6, 0};
	size_t i = below(NNAMES);

	if (one_in(16))
		return value('x');
	switch (kind) {
	case 'D':
		return PICK(domains);
	case 'T':
		return PICK(types);
	case 'N':
		make_name(i);
		return (uint64_t)&names[i];
	case 'L':
		return name_length();
	case 'M':
		return message();
	default:
		return PICK(levels);
	}
}
