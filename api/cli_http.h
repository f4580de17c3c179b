/* SPDX-License-Identifier: ISC */
/*
 * cli_http.h: the client's side of HTTP/1.1: one exchange a connection, parsed as bytes come, so
 * that `tine exec` can serve several at once from one poll loop.
 */
#ifndef TINE_API_CLI_HTTP_H
#define TINE_API_CLI_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX 16384u

enum http_phase {
	HTTP_HEAD,
	HTTP_BODY,
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK,
	HTTP_CHUNK_END,
	HTTP_TRAILER,
	HTTP_DONE
};

struct exchange {
	int fd;
	enum http_phase phase;
	int status;               /* 0 until the head is there */
	char line[HTTP_HEAD_MAX]; /* head line or chunk size being collected */
	size_t line_len, head_len;
	bool chunked, to_close;
	uint64_t left; /* bytes of the body or the chunk */
	/* Takes the body as it comes; not 0 gives up. */
	int (*sink)(void *arg, const uint8_t *data, size_t len);
	void *sink_arg;
};

/* "PATH" of a Unix socket or "tcp:HOST:PORT"; a descriptor or -errno. */
int exchange_connect(const char *target);

/* Send head and body, blocking; body NULL with len 0 = none, len SIZE_MAX = chunked, which follows
 * by exchange_chunk().  token NULL = none.  0 or -errno. */
int exchange_start(struct exchange *x, int fd, const char *method, const char *path,
		   const char *type, const void *body, size_t len, const char *token);

/* Frame bytes as a chunk (len 0: the last one) into out, which has room for len + 20. */
size_t exchange_chunk(const void *data, size_t len, char *out);

/* Read once and parse: 1 = the answer is complete, 0 = more to come, -errno (-EPROTO: not HTTP,
 * -ECONNRESET: cut before its end). */
int exchange_read(struct exchange *x);
/* Until complete. */
int exchange_finish(struct exchange *x);
void exchange_close(struct exchange *x);

#endif
