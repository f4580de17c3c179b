/* SPDX-License-Identifier: ISC */
/* cli_http.c: a small HTTP/1.1 client for the daemon's socket. */
#include "cli_http.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "listen.h"

/* ---- connect ------------------------------------------------------------------------------- */

static int
connect_unix(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd, error;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

static int
connect_tcp(const char *where)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *ai;
	char *text = strdup(where), *host, *port;
	int fd = -EHOSTUNREACH, error;

	if (text == NULL || !split_host_port(text, &host, &port) ||
	    getaddrinfo(host, port, &hints, &list) != 0) {
		free(text);
		return -EINVAL;
	}
	free(text);
	for (ai = list; ai != NULL; ai = ai->ai_next) {
		fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
			break;
		error = errno;
		if (fd >= 0)
			close(fd);
		fd = -error;
	}
	freeaddrinfo(list);
	return fd;
}

int
exchange_connect(const char *target)
{
	return strncmp(target, "tcp:", 4) == 0 ? connect_tcp(target + 4) : connect_unix(target);
}

/* ---- send ---------------------------------------------------------------------------------- */

static int
send_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
exchange_start(struct exchange *x, int fd, const char *method, const char *path, const char *type,
	       const void *body, size_t len, const char *token)
{
	char *head = NULL, length[48] = "";
	int n, rc;

	x->fd = fd;
	if (len == SIZE_MAX)
		snprintf(length, sizeof(length), "Transfer-Encoding: chunked\r\n");
	else if (body != NULL)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n", len);
	n = asprintf(
	    &head, "%s %s HTTP/1.1\r\nHost: tine\r\nConnection: close\r\n%s%s%s%s%s%s%s\r\n",
	    method, path, type ? "Content-Type: " : "", type ? type : "", type ? "\r\n" : "",
	    token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "", length);
	if (n < 0)
		return -ENOMEM;
	rc = send_all(fd, head, (size_t)n);
	free(head);
	if (rc == 0 && body != NULL && len != SIZE_MAX)
		rc = send_all(fd, body, len);
	/* A refusal may come before all of the body was taken: the answer says why. */
	return rc == -EPIPE ? 0 : rc;
}

size_t
exchange_chunk(const void *data, size_t len, char *out)
{
	int n = sprintf(out, "%zx\r\n", len);

	if (len > 0)
		memcpy(out + n, data, len);
	out[(size_t)n + len] = '\r';
	out[(size_t)n + len + 1] = '\n';
	return (size_t)n + len + 2;
}

/* ---- receive ------------------------------------------------------------------------------- */

static int
head_field(struct exchange *x, const char *line)
{
	char *end;

	if (strncasecmp(line, "Transfer-Encoding:", 18) == 0) {
		x->chunked = strcasestr(line, "chunked") != NULL;
	} else if (strncasecmp(line, "Content-Length:", 15) == 0) {
		x->left = strtoull(line + 15, &end, 10);
		x->to_close = false;
	}
	return 0;
}

static int
head_end(struct exchange *x)
{
	if (x->status >= 100 && x->status < 200) { /* 100 Continue: the real head follows */
		x->status = 0;
		return 0;
	}
	if (x->status == 204 || x->status == 304)
		x->phase = HTTP_DONE;
	else if (x->chunked)
		x->phase = HTTP_CHUNK_SIZE;
	else
		x->phase = !x->to_close && x->left == 0 ? HTTP_DONE : HTTP_BODY;
	return 0;
}

static int
chunk_size(struct exchange *x)
{
	char *end;

	x->left = strtoull(x->line, &end, 16);
	if (end == x->line || (*end != '\0' && *end != ';'))
		return -EPROTO;
	x->phase = x->left > 0 ? HTTP_CHUNK : HTTP_TRAILER;
	return 0;
}

/* A whole line, without its end. */
static int
take_line(struct exchange *x)
{
	switch (x->phase) {
	case HTTP_HEAD:
		if (x->line[0] == '\0')
			return x->status == 0 ? -EPROTO : head_end(x);
		if (x->status != 0)
			return head_field(x, x->line);
		x->to_close = true;
		x->left = 0;
		return sscanf(x->line, "HTTP/1.%*1[01] %d", &x->status) == 1 && x->status >= 100
			   ? 0
			   : -EPROTO;
	case HTTP_CHUNK_SIZE:
		return chunk_size(x);
	case HTTP_CHUNK_END:
		x->phase = HTTP_CHUNK_SIZE;
		return x->line[0] == '\0' ? 0 : -EPROTO;
	default: /* HTTP_TRAILER */
		if (x->line[0] == '\0')
			x->phase = HTTP_DONE;
		return 0;
	}
}

static int
take_byte_of_line(struct exchange *x, char c)
{
	if (++x->head_len > HTTP_HEAD_MAX || x->line_len == sizeof(x->line) - 1)
		return -EPROTO;
	if (c != '\n') {
		x->line[x->line_len++] = c;
		return 0;
	}
	if (x->line_len > 0 && x->line[x->line_len - 1] == '\r')
		x->line_len--;
	x->line[x->line_len] = '\0';
	x->line_len = 0;
	if (x->phase != HTTP_HEAD)
		x->head_len = 0;
	return take_line(x);
}

static int
take_body(struct exchange *x, const uint8_t *data, size_t len)
{
	int rc = x->sink != NULL ? x->sink(x->sink_arg, data, len) : 0;

	if (x->phase == HTTP_BODY && x->to_close)
		return rc;
	x->left -= len;
	if (x->left == 0)
		x->phase = x->phase == HTTP_CHUNK ? HTTP_CHUNK_END : HTTP_DONE;
	return rc;
}

static int
parse(struct exchange *x, const uint8_t *data, size_t len)
{
	int rc = 0;

	while (len > 0 && rc == 0 && x->phase != HTTP_DONE) {
		size_t n = 1;

		if (x->phase == HTTP_BODY || x->phase == HTTP_CHUNK) {
			bool all = x->phase == HTTP_BODY && x->to_close;

			n = all || x->left > len ? len : (size_t)x->left;
			rc = take_body(x, data, n);
		} else {
			rc = take_byte_of_line(x, (char)*data);
		}
		data += n;
		len -= n;
	}
	return rc;
}

int
exchange_read(struct exchange *x)
{
	uint8_t buf[65536];
	ssize_t n = recv(x->fd, buf, sizeof(buf), 0);
	int rc;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (n == 0) {
		if (x->phase == HTTP_BODY && x->to_close)
			x->phase = HTTP_DONE;
		return x->phase == HTTP_DONE ? 1 : -ECONNRESET;
	}
	rc = parse(x, buf, (size_t)n);
	if (rc != 0)
		return rc;
	return x->phase == HTTP_DONE;
}

int
exchange_finish(struct exchange *x)
{
	int rc;

	while ((rc = exchange_read(x)) == 0)
		;
	return rc < 0 ? rc : 0;
}

void
exchange_close(struct exchange *x)
{
	if (x->fd >= 0)
		close(x->fd);
	x->fd = -1;
}
