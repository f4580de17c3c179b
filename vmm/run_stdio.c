/* SPDX-License-Identifier: ISC */
/*
 * run_stdio.c: read and write the standard streams without ever blocking the I/O thread.
 *
 * O_NONBLOCK belongs to the open file description, which is shared with whoever else has the pipe
 * or terminal open: setting it would break them.  So pipes and terminals are opened anew by way of
 * /proc.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "run_stdio.h"

/* What a pipe takes without blocking once poll says that it is writable. */
#define SHARED_PIECE 4096u

static bool
is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

static enum stdio_kind
open_private(int fd, int mode, int *out)
{
	char path[32];
	struct stat st;
	int copy;

	*out = fd;
	if (fd < 0 || fstat(fd, &st) < 0)
		return STDIO_NONE;
	if (is_null(&st))
		return STDIO_NULL;
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		return STDIO_FILE;
	if (S_ISSOCK(st.st_mode))
		return STDIO_SOCKET;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	copy = open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (copy < 0)
		return STDIO_SHARED;
	*out = copy;
	return STDIO_PRIVATE;
}

int
stdio_fill_gaps(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_NOCTTY) < 0)
			return -errno;
	return 0;
}

static ssize_t
write_some(const struct stdio_out *out, const uint8_t *data, size_t len)
{
	struct pollfd p = {.fd = out->source.fd, .events = POLLOUT};
	ssize_t n;

	switch (out->kind) {
	case STDIO_SOCKET:
		n = send(out->source.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case STDIO_SHARED:
		if (poll(&p, 1, 0) == 0)
			return -EAGAIN;
		n = write(out->source.fd, data, len < SHARED_PIECE ? len : SHARED_PIECE);
		break;
	case STDIO_NONE:
		return (ssize_t)len;
	default:
		n = write(out->source.fd, data, len);
	}
	return n < 0 ? -errno : n;
}

static void
close_out(struct stdio_out *out)
{
	evloop_watch(out->loop, &out->source, 0);
	if (out->kind == STDIO_PRIVATE)
		close(out->source.fd);
	/* The reader is to see the end now, not when the sandbox ends.  Standard error stays for
	 * our own words. */
	if (out->kind != STDIO_NONE && out->original == STDOUT_FILENO)
		close(out->original);
	out->kind = STDIO_NONE;
}

static void
break_out(struct stdio_out *out, int error)
{
	out->broken = true;
	out->error = error == EPIPE || error == ECONNRESET ? 0 : error;
	out->owed += (uint32_t)out->len;
	out->head = out->len = 0;
	close_out(out);
}

static void
flush(struct stdio_out *out)
{
	while (out->len > 0) {
		ssize_t n = write_some(out, out->buf + out->head, out->len);

		if (n == -EINTR)
			continue;
		if (n == -EAGAIN && evloop_watch(out->loop, &out->source, EPOLLOUT) == 0)
			return;
		if (n <= 0) {
			break_out(out, (int)-n);
			break;
		}
		out->owed += (uint32_t)n;
		out->head += (size_t)n;
		out->len -= (size_t)n;
	}
	out->head = 0;
	evloop_watch(out->loop, &out->source, 0);
	if (out->ended)
		close_out(out);
}

static void
on_writable(void *arg, uint32_t events)
{
	struct stdio_out *out = arg;

	(void)events;
	flush(out);
	out->progress(out->arg, out);
}

void
stdio_out_open(struct stdio_out *out, int fd, uint8_t *buf, struct evloop *loop,
	       void (*progress)(void *, struct stdio_out *), void *arg)
{
	memset(out, 0, sizeof(*out));
	out->buf = buf;
	out->loop = loop;
	out->progress = progress;
	out->arg = arg;
	out->original = fd;
	out->kind = open_private(fd, O_WRONLY, &out->source.fd);
	out->source.ready = on_writable;
	out->source.arg = out;
}

void
stdio_out_write(struct stdio_out *out, const uint8_t *data, size_t len)
{
	if (out->broken) {
		out->owed += (uint32_t)len;
		return;
	}
	if (out->head > 0) {
		memmove(out->buf, out->buf + out->head, out->len);
		out->head = 0;
	}
	/* The channel has checked the credit, hence it fits. */
	if (len > TINE_STREAM_CREDIT - out->len)
		len = TINE_STREAM_CREDIT - out->len;
	memcpy(out->buf + out->len, data, len);
	out->len += len;
	if (out->source.events == 0)
		flush(out);
}

void
stdio_out_end(struct stdio_out *out)
{
	out->ended = true;
	if (out->len == 0)
		close_out(out);
}

bool
stdio_out_idle(const struct stdio_out *out)
{
	return out->len == 0;
}

void
stdio_in_open(struct stdio_in *in, int fd)
{
	memset(in, 0, sizeof(*in));
	in->kind = open_private(fd, O_RDONLY, &in->source.fd);
	in->ended = in->kind == STDIO_NONE;
}

ssize_t
stdio_in_read(const struct stdio_in *in, void *buf, size_t len)
{
	struct pollfd p = {.fd = in->source.fd, .events = POLLIN};
	ssize_t n;

	if (in->kind == STDIO_SHARED && poll(&p, 1, 0) == 0)
		return -EAGAIN;
	if (in->kind == STDIO_SOCKET)
		n = recv(in->source.fd, buf, len, MSG_DONTWAIT);
	else
		n = read(in->source.fd, buf, len);
	return n < 0 ? -errno : n;
}
