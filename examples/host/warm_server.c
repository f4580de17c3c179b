/* SPDX-License-Identifier: ISC */
/*
 * warm_server.c: a server whose every request is answered by a sandbox of its own, which is a clone
 * of one that has been warmed up.
 *
 * usage: warm_server PROGRAM [PORT]
 *
 * PROGRAM (static, as examples/warm_function.c) runs in a sandbox until it asks for a template with
 * tine_freeze(), and prints its id.  Then the server listens on 127.0.0.1 (PORT 0 or none: any,
 * told on standard output): a connection brings a request up to a newline, which a new clone gets
 * as its standard input; what the clone prints is the answer.  No request sees anything of another.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client.h"

static char template[32];
static long long handle; /* of the program, the same in each clone */

static void
make_template(const char *program)
{
	char *sandbox = make_sandbox(program, 1), *line;
	long long offset = 0;

	handle = launch(sandbox, "");
	line = read_line(sandbox, handle, &offset);
	if ((size_t)snprintf(template, sizeof(template), "%s", line) >= sizeof(template))
		die("%s: not the id of a template: %s", program, line);
	free(line);
	api("DELETE", NULL, "/v1/sandboxes/%s", sandbox);
	free(sandbox);
}

/* The request, then what a clone says to it. */
static void
serve(FILE *client)
{
	char request[1024], answer[4096];
	json_t *clone;
	const char *id;
	size_t n;
	FILE *f;

	if (fgets(request, sizeof(request), client) == NULL)
		return;
	clone = api("POST", json_pack("{s:s}", "template", template), "/v1/sandboxes");
	id = json_string_value(json_object_get(clone, "id"));
	api_put(request, strlen(request), "/v1/sandboxes/%s/processes/l%lld/stdin?eof=1", id,
		handle);
	f = api_get("/v1/sandboxes/%s/processes/l%lld/stdout?follow=1", id, handle);
	while ((n = fread(answer, 1, sizeof(answer), f)) > 0)
		fwrite(answer, 1, n, client);
	fclose(f);
	api("DELETE", NULL, "/v1/sandboxes/%s", id);
	json_decref(clone);
}

int
main(int argc, char **argv)
{
	int fd, port = argc > 2 ? atoi(argv[2]) : 0;

	if (argc < 2 || argc > 3 || port < 0 || port > 65535)
		die("usage: warm_server PROGRAM [PORT]");
	signal(SIGPIPE, SIG_IGN);
	client_init();
	make_template(argv[1]);
	fd = listen_on(port);
	for (;;) {
		int conn = accept(fd, NULL, NULL);
		FILE *client = conn >= 0 ? fdopen(conn, "r+") : NULL;

		if (client == NULL)
			die("accept: %s", strerror(errno));
		serve(client);
		fclose(client);
	}
}
