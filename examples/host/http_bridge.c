/* SPDX-License-Identifier: ISC */
/*
 * http_bridge.c: HTTP for a handler in a sandbox, which has no network.
 *
 * usage: http_bridge HANDLER [PORT]
 *
 * HANDLER (static, as examples/http_prefork.c) runs in a sandbox.  The bridge listens on 127.0.0.1
 * (PORT 0 or none: any, told on standard output) and carries: a request becomes a line "NUMBER
 * LENGTH" and its bytes on the handler's standard input, an answer comes as the same on its
 * standard output.  One connection is served at a time, which keeps the bridge short; the frames
 * are numbered so that one that serves many could be written.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client.h"

#define REQUEST_MAX 8000u
#define ANSWER_MAX 65536u

/* A request without a body: up to the empty line.  Its length, 0 if it is none. */
static size_t
read_request(FILE *client, char *buf, size_t size)
{
	size_t n = 0;

	while (n < size - 1 && fgets(buf + n, (int)(size - n), client) != NULL) {
		n += strlen(buf + n);
		if (n >= 4 && strcmp(buf + n - 4, "\r\n\r\n") == 0)
			return n;
	}
	return 0;
}

static void
pass_on(const char *sandbox, long long handle, unsigned long number, const char *request,
	size_t len)
{
	char frame[REQUEST_MAX + 64];
	int head = snprintf(frame, sizeof(frame), "%lu %zu\n", number, len);

	memcpy(frame + head, request, len);
	api_put(frame, (size_t)head + len, "/v1/sandboxes/%s/processes/l%lld/stdin", sandbox,
		handle);
}

/* The next answer, to this request: one is carried at a time, so there is no other. */
static size_t
read_answer(FILE *out, unsigned long number, char *answer)
{
	unsigned long answered;
	size_t len;

	if (fscanf(out, "%lu %zu", &answered, &len) != 2 || fgetc(out) != '\n')
		die("the handler has ended");
	if (answered != number || len > ANSWER_MAX || fread(answer, 1, len, out) != len)
		die("the handler answers what nobody asked");
	return len;
}

int
main(int argc, char **argv)
{
	char request[REQUEST_MAX], *sandbox;
	static char answer[ANSWER_MAX];
	unsigned long number = 0;
	long long handle;
	int fd, port = argc > 2 ? atoi(argv[2]) : 0;
	FILE *out;

	if (argc < 2 || argc > 3 || port < 0 || port > 65535)
		die("usage: http_bridge HANDLER [PORT]");
	signal(SIGPIPE, SIG_IGN);
	client_init();
	sandbox = make_sandbox(argv[1], 0);
	handle = launch(sandbox, "");
	out = api_get("/v1/sandboxes/%s/processes/l%lld/stdout?follow=1", sandbox, handle);
	fd = listen_on(port);
	for (;;) {
		int conn = accept(fd, NULL, NULL);
		FILE *client = conn >= 0 ? fdopen(conn, "r+") : NULL;
		size_t len;

		if (client == NULL)
			die("accept: %s", strerror(errno));
		len = read_request(client, request, sizeof(request));
		if (len > 0) {
			pass_on(sandbox, handle, ++number, request, len);
			len = read_answer(out, number, answer);
			fwrite(answer, 1, len, client);
		}
		fclose(client);
	}
}
