/* SPDX-License-Identifier: ISC */
/* socket.h: numbers and structures of the socket calls, as Linux has them on x86-64. */
#ifndef SYS_SOCKET_H
#define SYS_SOCKET_H

#include <sys/types.h>

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_SEQPACKET 5
#define SOCK_TYPE_MASK 0xf
#define SOCK_NONBLOCK 04000
#define SOCK_CLOEXEC 02000000
#define IPPROTO_IP 0
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_IPV6 41
#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2
#define SOMAXCONN 4096

#define SOL_SOCKET 1
#define SO_DEBUG 1
#define SO_REUSEADDR 2
#define SO_TYPE 3
#define SO_ERROR 4
#define SO_DONTROUTE 5
#define SO_BROADCAST 6
#define SO_SNDBUF 7
#define SO_RCVBUF 8
#define SO_KEEPALIVE 9
#define SO_OOBINLINE 10
#define SO_PRIORITY 12
#define SO_LINGER 13
#define SO_REUSEPORT 15
#define SO_PASSCRED 16
#define SO_PEERCRED 17
#define SO_RCVTIMEO 20
#define SO_SNDTIMEO 21
#define SO_ACCEPTCONN 30
#define SO_SNDBUFFORCE 32
#define SO_RCVBUFFORCE 33
#define SO_PROTOCOL 38
#define SO_DOMAIN 39
#define IPV6_V6ONLY 26

#define SCM_RIGHTS 1
#define SCM_CREDENTIALS 2
#define SCM_MAX_FD 253

#define MSG_OOB 0x1
#define MSG_PEEK 0x2
#define MSG_CTRUNC 0x8
#define MSG_TRUNC 0x20
#define MSG_DONTWAIT 0x40
#define MSG_EOR 0x80
#define MSG_WAITALL 0x100
#define MSG_NOSIGNAL 0x4000
#define MSG_WAITFORONE 0x10000
#define MSG_CMSG_CLOEXEC 0x40000000

struct ucred {
	int32_t pid;
	uint32_t uid, gid;
};

struct sockaddr_un {
	uint16_t sun_family;
	char sun_path[108];
};
struct sockaddr_in {
	uint16_t sin_family;
	uint16_t sin_port; /* network byte order, as sin_addr */
	uint8_t sin_addr[4];
	uint8_t sin_zero[8];
};
struct sockaddr_in6 {
	uint16_t sin6_family;
	uint16_t sin6_port;
	uint32_t sin6_flowinfo;
	uint8_t sin6_addr[16];
	uint32_t sin6_scope_id;
};

struct msghdr {
	uint64_t msg_name;
	uint32_t msg_namelen, msg_pad0;
	uint64_t msg_iov, msg_iovlen;
	uint64_t msg_control, msg_controllen;
	uint32_t msg_flags, msg_pad1;
};
struct mmsghdr {
	struct msghdr msg_hdr;
	uint32_t msg_len, msg_pad;
};
_Static_assert(sizeof(struct mmsghdr) == 64, "struct mmsghdr");
struct cmsghdr {
	uint64_t cmsg_len; /* with this header */
	int32_t cmsg_level, cmsg_type;
};
#define CMSG_ALIGN(n) (((n) + 7) & ~7UL)

#endif
