/* SPDX-License-Identifier: ISC */
/* sys_socket.c: socket, socketpair, bind, listen, accept, connect, shutdown and the names. */
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/socketvar.h>
#include <sys/syscall.h>
#include <sys/systm.h>

int
getsock(struct thread *td, int fd, struct file **fpp, struct socket **sop)
{
	int error = getfile(td, fd, fpp);

	if (error != 0)
		return error;
	*sop = file_socket(*fpp);
	if (*sop != NULL)
		return 0;
	error = (*fpp)->f_flags & O_PATH ? EBADF : ENOTSOCK;
	file_release(*fpp);
	return error;
}

/* ---- making ---- */

static int
check_type(int domain, int type, int *proto)
{
	if (type & ~(SOCK_TYPE_MASK | SOCK_NONBLOCK | SOCK_CLOEXEC))
		return EINVAL;
	type &= SOCK_TYPE_MASK;
	switch (domain) {
	case AF_UNIX:
		if (*proto != 0 && *proto != AF_UNIX)
			return EPROTONOSUPPORT;
		*proto = 0;
		return type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_SEQPACKET
			   ? 0
			   : ESOCKTNOSUPPORT;
	case AF_INET:
	case AF_INET6:
		if (type != SOCK_STREAM && type != SOCK_DGRAM)
			return ESOCKTNOSUPPORT;
		if (*proto == 0)
			*proto = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
		return *proto == (type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP)
			   ? 0
			   : EPROTONOSUPPORT;
	default:
		return EAFNOSUPPORT;
	}
}

/* Of a file that never got a descriptor: the socket is not closed with it. */
static const struct fileops socket_deadops = {.fo_name = "dead"};

/* A descriptor for so, which stays the caller's if there is none to be had. */
static int
install(struct thread *td, struct socket *so, int flags, int32_t *fdp)
{
	struct file *fp = file_alloc(&socket_fileops, O_RDWR | (flags & SOCK_NONBLOCK), so);
	int error;

	if (fp == NULL)
		return ENFILE;
	error = fd_install(td->td_proc, fp, 0, flags & SOCK_CLOEXEC ? FD_CLOEXEC : 0, fdp);
	if (error != 0) {
		fp->f_ops = &socket_deadops;
		file_release(fp);
		return error;
	}
	so->so_file = fp;
	return 0;
}

SYSCALL(socket)
{
	int domain = (int)a[0], type = (int)a[1], proto = (int)a[2];
	struct socket *so;
	int32_t fd;
	int error = check_type(domain, type, &proto);

	if (error != 0)
		return error;
	so = so_new(domain, type & SOCK_TYPE_MASK, proto);
	if (so == NULL)
		return ENOMEM;
	if ((error = install(td, so, type, &fd)) == 0)
		*retval = fd;
	else
		so_close(so);
	return error;
}

static int
make_pair(struct thread *td, int type, int proto, int32_t fds[2])
{
	struct socket *one = so_new(AF_UNIX, type & SOCK_TYPE_MASK, proto), *two;
	int error;

	if (one == NULL)
		return ENOMEM;
	two = so_new(AF_UNIX, type & SOCK_TYPE_MASK, proto);
	if (two == NULL) {
		so_close(one);
		return ENOMEM;
	}
	so_connect_pair(one, two);
	if ((error = install(td, one, type, &fds[0])) != 0) {
		so_close(one);
		so_close(two);
		return error;
	}
	if ((error = install(td, two, type, &fds[1])) != 0) {
		fd_close(td->td_proc, fds[0]);
		so_close(two);
	}
	return error;
}

SYSCALL(socketpair)
{
	int type = (int)a[1], proto = (int)a[2];
	int32_t fds[2];
	int error = check_type((int)a[0], type, &proto);

	if (error == 0 && (int)a[0] != AF_UNIX)
		error = EOPNOTSUPP;
	if (error == 0)
		error = make_pair(td, type, proto, fds);
	if (error == 0 && copyout(fds, (void *)a[3], sizeof(fds)) != 0) {
		fd_close(td->td_proc, fds[0]);
		fd_close(td->td_proc, fds[1]);
		error = EFAULT;
	}
	return error;
}

/* ---- names and connections ---- */

/* bind and connect */
static int
with_name(struct thread *td, const uint64_t *a,
	  int (*act)(struct thread *, struct socket *, const struct sockname *, bool nonblock))
{
	struct sockname name;
	struct socket *so;
	struct file *fp;
	int error = getsock(td, (int)a[0], &fp, &so);

	if (error != 0)
		return error;
	if ((error = sockname_copyin(a[1], (uint32_t)a[2], &name)) == 0)
		error = act(td, so, &name, fp->f_flags & O_NONBLOCK);
	file_release(fp);
	return error;
}

static int
bind_now(struct thread *td, struct socket *so, const struct sockname *name, bool nonblock __unused)
{
	return so_bind(td, so, name);
}

SYSCALL(bind)
{
	return with_name(td, a, bind_now);
}

SYSCALL(connect)
{
	return with_name(td, a, so_connect);
}

/* listen and shutdown */
static int
with_number(struct thread *td, const uint64_t *a, int (*act)(struct socket *, int))
{
	struct socket *so;
	struct file *fp;
	int error = getsock(td, (int)a[0], &fp, &so);

	if (error != 0)
		return error;
	error = act(so, (int)a[1]);
	file_release(fp);
	return error;
}

SYSCALL(listen)
{
	return with_number(td, a, so_listen);
}

SYSCALL(shutdown)
{
	return with_number(td, a, so_shutdown);
}

/* A connection that gets no descriptor stays with the listener. */
static int
accept_install(struct thread *td, struct socket *so, bool nonblock, int flags,
	       struct sockname *peer, int32_t *fdp)
{
	struct socket *in;
	int error = so_accept(so, nonblock, &in);

	if (error != 0)
		return error;
	*peer = in->so_peername;
	if ((error = install(td, in, flags, fdp)) != 0)
		so_unaccept(so, in);
	return error;
}

static int
do_accept(struct thread *td, int fd, vaddr_t name, vaddr_t len, int flags, long *retval)
{
	struct sockname peer;
	struct socket *so;
	struct file *fp;
	int32_t newfd;
	int error;

	if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return EINVAL;
	if ((error = getsock(td, fd, &fp, &so)) != 0)
		return error;
	error = accept_install(td, so, fp->f_flags & O_NONBLOCK, flags, &peer, &newfd);
	file_release(fp);
	if (error != 0)
		return error;
	if (peer.sn_len == 0)
		peer = (struct sockname){.sn_len = 2, .sn_family = AF_UNIX};
	if ((error = sockname_copyout(&peer, name, len)) != 0)
		fd_close(td->td_proc, newfd);
	else
		*retval = newfd;
	return error;
}

SYSCALL(accept)
{
	return do_accept(td, (int)a[0], a[1], a[2], 0, retval);
}

SYSCALL(accept4)
{
	return do_accept(td, (int)a[0], a[1], a[2], (int)a[3], retval);
}

/* A socket without a name has the family only, or all zeros. */
static void
no_name(const struct socket *so, struct sockname *name)
{
	memset(name, 0, sizeof(*name));
	name->sn_family = (uint16_t)so->so_domain;
	name->sn_len = so->so_domain == AF_INET    ? sizeof(struct sockaddr_in)
		       : so->so_domain == AF_INET6 ? sizeof(struct sockaddr_in6)
						   : sizeof(uint16_t);
}

static int
get_name(struct thread *td, const uint64_t *a, bool peer)
{
	struct sockname name;
	struct socket *so;
	struct file *fp;
	int error = getsock(td, (int)a[0], &fp, &so);

	if (error != 0)
		return error;
	name = peer ? so->so_peername : so->so_name;
	if (name.sn_len == 0)
		no_name(so, &name);
	if (peer && (!(so->so_flags & SS_CONNECTED) ||
		     (so->so_peer == NULL && so_connects(so) && !so_unix(so))))
		error = ENOTCONN;
	else
		error = a[1] == 0 ? EFAULT : sockname_copyout(&name, a[1], a[2]);
	file_release(fp);
	return error;
}

SYSCALL(getsockname)
{
	return get_name(td, a, false);
}

SYSCALL(getpeername)
{
	return get_name(td, a, true);
}
