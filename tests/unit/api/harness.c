/* SPDX-License-Identifier: ISC */
/* harness.c: start a daemon, talk HTTP to it without a library in between. */
#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the daemon ---------------------------------------------------------------------------- */

static void
run_daemon(struct daemon *d, const char *const *args, int out)
{
	const char *argv[32] = {TINE_FAKE, "serve", "--socket", d->socket};
	int n = 4;

	for (; args != NULL && *args != NULL && n < 31; args++)
		argv[n++] = *args;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, 2);
	execv(TINE_FAKE, (char *const *)(uintptr_t)argv);
	_exit(127);
}

void
daemon_start(struct daemon *d, const char *const *args)
{
	char log[4096] = "";
	int pipefd[2];

	memset(d, 0, sizeof(*d));
	strcpy(d->dir, "/tmp/tine-api-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	snprintf(d->socket, sizeof(d->socket), "%s/sock", d->dir);
	if (!contract_load(&d->contract, TINE_OPENAPI))
		fail_msg("%s", d->contract.why);
	assert_int_equal(pipe(pipefd), 0);
	d->pid = fork();
	if (d->pid == 0)
		run_daemon(d, args, pipefd[1]);
	close(pipefd[1]);
	if (!read_until(pipefd[0], log, sizeof(log), "listening on "))
		fail_msg("the daemon did not start: %s", log);
	/* The read end stays open, and is never read again: the log is short. */
}

void
daemon_stop(struct daemon *d)
{
	int status;

	assert_int_equal(kill(d->pid, SIGTERM), 0);
	assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
	assert_int_equal(status, 0);
	assert_int_equal(access(d->socket, F_OK), -1);
	assert_int_equal(rmdir(d->dir), 0);
	contract_free(&d->contract);
}

/* ---- connections --------------------------------------------------------------------------- */

int
dial(const struct daemon *d)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(sun.sun_path, d->socket);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static void
send_bytes(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0)
			return; /* refused early: the answer tells */
		p += n;
		len -= (size_t)n;
	}
}

void
send_text(int fd, const char *text)
{
	send_bytes(fd, text, strlen(text));
}

bool
read_until(int fd, char *buf, size_t size, const char *text)
{
	size_t len = strlen(buf);

	while (strstr(buf, text) == NULL && len < size - 1) {
		ssize_t n = read(fd, buf + len, size - 1 - len);

		if (n <= 0)
			return false;
		len += (size_t)n;
		buf[len] = '\0';
	}
	return strstr(buf, text) != NULL;
}

/* ---- answers ------------------------------------------------------------------------------- */

static char *
read_all(int fd, size_t *len)
{
	size_t size = 65536;
	char *data = malloc(size);
	ssize_t n;

	*len = 0;
	while (data != NULL && (n = read(fd, data + *len, size - *len - 1)) > 0) {
		*len += (size_t)n;
		if (size - *len < 4096)
			data = realloc(data, size *= 2);
	}
	assert_non_null(data);
	data[*len] = '\0';
	return data;
}

const char *
header(const struct answer *a, const char *name)
{
	static char value[256];
	const char *line = a->head;

	value[0] = '\0';
	while ((line = strstr(line, "\r\n")) != NULL) {
		line += 2;
		if (strncasecmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			sscanf(line + strlen(name) + 1, " %255[^\r]", value);
	}
	return value;
}

static void
join_chunks(struct answer *a)
{
	char *in = a->body, *out = a->body, *end = a->body + a->len;

	while (in < end) {
		size_t n = strtoul(in, &in, 16);

		in += 2;
		if (n == 0 || in + n > end)
			break;
		memmove(out, in, n);
		out += n;
		in += n + 2;
	}
	a->len = (size_t)(out - a->body);
	*out = '\0';
}

static void
parse(struct answer *a, char *data, size_t len)
{
	char *end = strstr(data, "\r\n\r\n");

	if (end == NULL || sscanf(data, "HTTP/1.1 %d", &a->status) != 1)
		fail_msg("not HTTP: %.200s", data);
	snprintf(a->head, sizeof(a->head), "%.*s\r\n", (int)(end - data), data);
	a->len = len - (size_t)(end + 4 - data);
	a->body = malloc(a->len + 1);
	assert_non_null(a->body);
	memcpy(a->body, end + 4, a->len);
	a->body[a->len] = '\0';
	if (strcasecmp(header(a, "Transfer-Encoding"), "chunked") == 0)
		join_chunks(a);
	a->json = json_loadb(a->body, a->len, 0, NULL);
}

void
answer_free(struct answer *a)
{
	free(a->body);
	json_decref(a->json);
	memset(a, 0, sizeof(*a));
}

struct answer *
call_raw(struct daemon *d, const char *method, const char *path, const char *type, const void *body,
	 size_t len, int status)
{
	static struct answer a;
	char head[2048], *data;
	int fd = dial(d);
	size_t n;

	answer_free(&a);
	snprintf(
	    head, sizeof(head),
	    "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s%sContent-Length: %zu\r\n\r\n",
	    method, path, type ? "Content-Type: " : "", type ? type : "", type ? "\r\n" : "", len);
	send_text(fd, head);
	send_bytes(fd, body, len);
	data = read_all(fd, &n);
	close(fd);
	parse(&a, data, n);
	free(data);
	if (status != 0 && a.status != status)
		fail_msg("%s %s: status %d, not %d: %.500s", method, path, a.status, status,
			 a.body);
	if (!contract_check(&d->contract, method, path, a.status, header(&a, "Content-Type"),
			    a.body, a.len))
		fail_msg("%s %s: %s\n%.1000s", method, path, d->contract.why, a.body);
	return &a;
}

struct answer *
call(struct daemon *d, const char *method, const char *path, const char *body, int status)
{
	return call_raw(d, method, path, body != NULL ? "application/json" : NULL, body,
			body != NULL ? strlen(body) : 0, status);
}

/* cmocka hands nothing to them. */
static struct {
	struct daemon *daemon;
	const char *const *args;
} group;

static int
start_group(void **state)
{
	(void)state;
	daemon_start(group.daemon, group.args);
	return 0;
}

static int
stop_group(void **state)
{
	(void)state;
	daemon_stop(group.daemon);
	return 0;
}

int
run_with_daemon(struct daemon *d, const char *const *args, const char *name,
		const struct CMUnitTest *tests, size_t n)
{
	group.daemon = d;
	group.args = args;
	signal(SIGPIPE, SIG_IGN);
	return _cmocka_run_group_tests(name, tests, n, start_group, stop_group);
}

json_t *
answer_member(const struct answer *a, const char *key)
{
	json_t *value = json_object_get(a->json, key);

	if (value == NULL)
		fail_msg("no \"%s\" in %s", key, a->body);
	return value;
}

const char *
answer_text(const struct answer *a, const char *key)
{
	return json_string_value(answer_member(a, key));
}

json_int_t
answer_number(const struct answer *a, const char *key)
{
	return json_integer_value(answer_member(a, key));
}

const char *
problem_slug(const struct answer *a)
{
	const char *type = json_string_value(json_object_get(a->json, "type"));

	return type != NULL && strrchr(type, ':') != NULL ? strrchr(type, ':') + 1 : "";
}

const char *
make_sandbox(struct daemon *d, const char *body)
{
	struct answer *a = call(d, "POST", "/v1/sandboxes", body, 201);

	return fmt("%s", json_string_value(json_object_get(a->json, "id")));
}

const char *
fmt(const char *format, ...)
{
	static char ring[16][512];
	static unsigned next;
	char *buf = ring[next++ % 16];
	va_list ap;

	va_start(ap, format);
	vsnprintf(buf, sizeof(ring[0]), format, ap);
	va_end(ap);
	return buf;
}
