/* SPDX-License-Identifier: ISC */
/* client.c: requests to the daemon over its Unix socket. */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un address = {.sun_family = AF_UNIX};

void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void
client_init(void)
{
	const char *path = getenv("TINE_SOCKET");

	if (path == NULL || strlen(path) >= sizeof(address.sun_path))
		die("TINE_SOCKET has to name the socket of `tine serve'");
	memcpy(address.sun_path, path, strlen(path));
}

/* ---- one request --------------------------------------------------------------------------- */

static FILE *
connect_daemon(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *f;

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("%s: %s", address.sun_path, strerror(errno));
	f = fdopen(fd, "r+");
	if (f == NULL)
		die("%s", strerror(errno));
	return f;
}

/* The status; the stream stands at the body. */
static int
read_head(FILE *f)
{
	char line[1024];
	int status;

	if (fgets(line, sizeof(line), f) == NULL || sscanf(line, "HTTP/%*s %d", &status) != 1)
		die("the daemon has not answered");
	while (fgets(line, sizeof(line), f) != NULL && strcmp(line, "\r\n") != 0)
		continue;
	return status;
}

/* The stream at the body of a good answer. */
static FILE *
request(const char *method, const char *path, const char *type, const void *body, size_t len)
{
	FILE *f = connect_daemon();
	char reason[2048];
	int status;

	fprintf(f, "%s %s HTTP/1.0\r\n", method, path);
	if (type != NULL)
		fprintf(f, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, len);
	fprintf(f, "\r\n");
	if (len > 0)
		fwrite(body, 1, len, f);
	if (fflush(f) != 0)
		die("%s %s: %s", method, path, strerror(errno));
	status = read_head(f);
	if (status < 200 || status > 299) {
		reason[fread(reason, 1, sizeof(reason) - 1, f)] = '\0';
		die("%s %s: %d %s", method, path, status, reason);
	}
	return f;
}

#define FORMAT(path, fmt)                                                                          \
	do {                                                                                       \
		va_list ap;                                                                        \
		va_start(ap, fmt);                                                                 \
		vsnprintf(path, sizeof(path), fmt, ap);                                            \
		va_end(ap);                                                                        \
	} while (0)

json_t *
api(const char *method, json_t *body, const char *fmt, ...)
{
	char path[PATH_MAX], *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	json_t *answer;
	FILE *f;

	FORMAT(path, fmt);
	f = request(method, path, text != NULL ? "application/json" : NULL, text,
		    text != NULL ? strlen(text) : 0);
	answer = json_loadf(f, 0, NULL);
	fclose(f);
	free(text);
	json_decref(body);
	return answer;
}

void
api_put(const void *data, size_t len, const char *fmt, ...)
{
	char path[PATH_MAX];

	FORMAT(path, fmt);
	fclose(request("PUT", path, "application/octet-stream", data, len));
}

FILE *
api_get(const char *fmt, ...)
{
	char path[PATH_MAX];

	FORMAT(path, fmt);
	return request("GET", path, NULL, NULL, 0);
}

/* ---- what the examples have in common ------------------------------------------------------- */

char *
make_sandbox(const char *program, int vmfork)
{
	char host_path[PATH_MAX], *id;
	json_t *doc;

	if (realpath(program, host_path) == NULL)
		die("%s: %s", program, strerror(errno));
	doc =
	    api("POST",
		json_pack("{s:i, s:i, s:[{s:s, s:s, s:i}]}", "memory_mib", 64, "vmfork", vmfork,
			  "files", "host_path", host_path, "guest_path", "/program", "mode", 0755),
		"/v1/sandboxes");
	id = strdup(json_string_value(json_object_get(doc, "id")));
	json_decref(doc);
	return id;
}

long long
launch(const char *sandbox, const char *arg)
{
	json_t *doc =
	    api("POST", json_pack("{s:[s,s], s:s}", "argv", "/program", arg, "stdin", "open"),
		"/v1/sandboxes/%s/processes", sandbox);
	long long handle = json_integer_value(json_object_get(doc, "launch"));

	json_decref(doc);
	return handle;
}

char *
read_line(const char *sandbox, long long handle, long long *offset)
{
	FILE *f = api_get("/v1/sandboxes/%s/processes/l%lld/stdout?follow=1&offset=%lld", sandbox,
			  handle, *offset);
	char *line = NULL;
	size_t size = 0;
	ssize_t n = getline(&line, &size, f);

	if (n <= 0 || line[n - 1] != '\n')
		die("the program in sandbox %s has ended without a word", sandbox);
	*offset += n;
	line[n - 1] = '\0';
	fclose(f);
	return line;
}

int
listen_on(int port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0 || listen(fd, 16) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) < 0)
		die("port %d: %s", port, strerror(errno));
	printf("listening on 127.0.0.1:%d\n", ntohs(sin.sin_port));
	fflush(stdout);
	return fd;
}
