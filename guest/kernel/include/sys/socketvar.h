/* SPDX-License-Identifier: ISC */
/*
 * socketvar.h: sockets inside the kernel (net/).  All of them are local: Unix-domain sockets, and
 * TCP and UDP between processes of the sandbox over the loopback addresses.  There are no packets:
 * what one end sends is put into the queue of the other.
 */
#ifndef SYS_SOCKETVAR_H
#define SYS_SOCKETVAR_H

#include <sys/file.h>
#include <sys/queue.h>
#include <sys/socket.h>

struct sockname {
	uint32_t sn_len; /* bytes in use; 0 = none */
	union {
		uint16_t sn_family;
		struct sockaddr_un sn_un;
		struct sockaddr_in sn_in;
		struct sockaddr_in6 sn_in6;
	};
};

/* Open files on their way from one process to another. */
struct sockrights {
	struct sockrights *sr_next; /* list of those that are being dropped */
	uint32_t sr_count;
	struct file *sr_files[]; /* held */
};

/* A datagram, or a piece of a stream. */
struct sockmsg {
	TAILQ_ENTRY(sockmsg) sm_link;
	uint32_t sm_len, sm_off; /* bytes in sm_data, and how many of them have been read */
	struct ucred sm_cred;    /* of the sender */
	struct sockrights *sm_rights;
	struct sockname *sm_from; /* datagrams: name of the sender, or NULL */
	char sm_data[];
};
#define sockmsg_charge(sm) ((uint32_t)sizeof(*(sm)) + (sm)->sm_len)

struct socket {
	uint32_t so_refs; /* the file, the queue of a listener, threads that wait at it */
	int so_domain, so_type, so_proto;
	uint32_t so_flags;
	int so_error;         /* for the next call */
	struct file *so_file; /* not referenced; NULL until accepted */
	/*
	 * Where sends go: both ends of a connection, or one way only (connected datagram sockets).
	 * so_peers are the sockets whose so_peer we are.
	 */
	struct socket *so_peer;
	LIST_ENTRY(socket) so_peerlink;
	LIST_HEAD(, socket) so_peers;
	TAILQ_HEAD(, sockmsg) so_queue; /* received; channel of readers */
	uint32_t so_queued;             /* bytes in it with overhead; channel of writers */
	uint32_t so_rcvlimit, so_sndlimit;
	nsec_t so_rcvtimeo, so_sndtimeo; /* 0 = none */
	/* Listening: connections that wait for accept(). */
	TAILQ_HEAD(socketq, socket) so_incoming; /* channel of accept() */
	TAILQ_ENTRY(socket) so_inlink;
	uint32_t so_nincoming, so_backlog; /* &so_backlog: channel of connect() */
	struct pollhead so_poll;
	struct sockname so_name, so_peername;
	struct vnode *so_vnode;      /* bound to this name, held */
	LIST_ENTRY(socket) so_bound; /* abstract names, or those with one hash of the port */
	struct ucred so_cred, so_peercred;
	/* Unix domain: for the search for cycles of sockets in flight (net/sock_rights.c). */
	LIST_ENTRY(socket) so_all;
	uint32_t so_inflight;
	bool so_reached, so_scanned;
};
/* so_flags */
#define SS_LISTENING 0x1u
#define SS_CONNECTED 0x2u /* has been; so_peer == NULL: the other end has gone */
#define SS_RCVEOF 0x4u    /* nothing more will come */
#define SS_SNDEOF 0x8u    /* nothing more can be sent */
#define SS_BOUND 0x10u
#define SS_REUSEADDR 0x20u
#define SS_REUSEPORT 0x40u
#define SS_PASSCRED 0x80u
#define SS_V6ONLY 0x100u
#define SS_KEEPALIVE 0x200u
#define SS_BROADCAST 0x400u
#define SS_OOBINLINE 0x800u
#define SS_NODELAY 0x1000u
#define SS_CLOSED 0x2000u

#define SOCK_BUFSIZE 212992U /* default of both limits */
#define so_unix(so) ((so)->so_domain == AF_UNIX)
/* Connections, as opposed to datagrams. */
#define so_connects(so) ((so)->so_type != SOCK_DGRAM)

/* What goes along with the data of one call. */
struct sockio {
	int io_flags;                 /* MSG_* of the call */
	bool io_nonblock;             /* of the file or the call */
	const struct sockname *io_to; /* send: destination or NULL */
	struct sockrights
	    *io_rights; /* send: taken over if the call succeeds; receive: the caller's */
	struct ucred io_cred;
	struct sockname io_from; /* receive */
	int io_outflags;
	size_t io_fulllen; /* receive: of the datagram */
};

extern const struct fileops socket_fileops;

/* ---- sock_core.c: life and states ---- */
struct socket *so_new(int domain, int type, int proto); /* or NULL */
void so_release(struct socket *);
void so_wake(struct socket *, int events); /* everybody who waits for it to change */
void so_close(struct socket *);
void so_connect_pair(struct socket *, struct socket *);
void so_setpeer(struct socket *, struct socket *peer); /* NULL: dissolve */
int so_listen(struct socket *, int backlog);
int so_accept(struct socket *, bool nonblock, struct socket **);
void so_unaccept(struct socket *, struct socket *in); /* back to the head of the queue */
int so_connect(struct thread *, struct socket *, const struct sockname *, bool nonblock);
int so_shutdown(struct socket *, int how);
int so_takeerror(struct socket *);
struct ucred so_mycred(void);
/* Sleep until wakeup(chan): EAGAIN (nonblock, or deadline has come), EINTR, ERESTART. */
int so_sleep(const void *chan, const char *wmesg, bool nonblock, nsec_t deadline);

/* ---- sock_io.c: data ---- */
int so_send(struct socket *, struct uio *, struct sockio *);
int so_receive(struct socket *, struct uio *, struct sockio *);
void sockmsg_free(struct sockmsg *);
bool so_sendable(const struct socket *); /* for poll */
void so_hasroom(struct socket *);        /* tell those who send to it */

/* ---- sys_sockcontrol.c: control data of the program's msghdr, which is in our memory ---- */
/* Before a send.  io_rights is the caller's, also after an error. */
int control_copyin(struct thread *, const struct msghdr *, struct socket *, struct sockio *);
/* After a receive: what there is room for. */
int control_copyout(struct thread *, const struct socket *, struct msghdr *, struct sockio *);

/* ---- names: sock_name.c chooses by domain ---- */
int sockname_copyin(vaddr_t uaddr, uint32_t len, struct sockname *);
/* ulen: address of the length, in and out. */
int sockname_copyout(const struct sockname *, vaddr_t uaddr, vaddr_t ulen);
int so_bind(struct thread *, struct socket *, const struct sockname *);
int so_autobind(struct socket *); /* a name of the system's choice, if it has none */
void so_unbind(struct socket *);
/* The socket that a connection or a datagram to this name reaches: held. */
int so_lookup(struct thread *, struct socket *, const struct sockname *, struct socket **);

int unix_bind(struct thread *, struct socket *, const struct sockname *);
int unix_autobind(struct socket *);
int unix_lookup(struct thread *, struct socket *, const struct sockname *, struct socket **);
int inet_bind(struct thread *, struct socket *, const struct sockname *);
int inet_autobind(struct socket *);
/* EAFNOSUPPORT, ENETUNREACH, ECONNREFUSED; *to is completed (any address becomes loopback). */
int inet_dest(const struct socket *, struct sockname *to);
/* Name of so as `to' sees it: bound to any address, it sends from loopback. */
void inet_source(const struct socket *so, const struct socket *to, struct sockname *);
/* A socket that has a port is connected to dest: set its names, and those of the other end if any.
 */
void inet_connected(struct socket *so, struct socket *end, const struct sockname *dest);
struct socket *inet_find(const struct socket *, const struct sockname *to);
bool sockname_equal(const struct sockname *, const struct sockname *);

/* ---- sock_rights.c: descriptors in messages ---- */
int rights_copyin(struct thread *, const int32_t *fds, uint32_t n, struct sockrights **);
struct sockrights *rights_dup(const struct sockrights *); /* or NULL */
void rights_free(struct sockrights *);                    /* drops the files */
void rights_sent(struct sockrights *);                    /* they enter a queue */
void rights_received(struct sockrights *);                /* ... and leave it */
extern LIST_HEAD(unixsockets, socket) unix_sockets;

struct socket *file_socket(const struct file *); /* NULL: it is none */
/* The socket behind a descriptor and its file, held: EBADF, ENOTSOCK (sys_socket.c). */
int getsock(struct thread *, int fd, struct file **, struct socket **);

#endif
