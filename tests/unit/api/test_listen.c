/* SPDX-License-Identifier: ISC */
/* test_listen.c: sockets, tokens, and what a client may name. */
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"
#include "listen.h"

static char dir[64];

static const char *
in_dir(const char *name)
{
	return fmt("%s/%s", dir, name);
}

static void
put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fchmod(fd, mode);
	close(fd);
}

static void
test_take_over(void **state)
{
	const char *path = in_dir("sock");
	struct listener first, second;
	struct tine_error error;
	struct stat st;

	(void)state;
	assert_int_equal(listen_unix(path, &first, &error), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* In use: refused, and left alone. */
	assert_int_equal(listen_unix(path, &second, &error), -EADDRINUSE);
	assert_non_null(strstr(error.detail, "listening there already"));
	/* A daemon that was killed closes its socket but leaves the file. */
	close(first.fd);
	assert_int_equal(listen_unix(path, &second, &error), 0);
	/* Somebody removed the file and started another: it is not ours to remove. */
	unlink(path);
	assert_int_equal(listen_unix(path, &first, &error), 0);
	listen_close(&second);
	assert_int_equal(access(path, F_OK), 0);
	listen_close(&first);
	assert_int_equal(access(path, F_OK), -1);
}

static void
test_bad_places(void **state)
{
	struct tine_error error;
	struct listener l;
	char path[200];

	(void)state;
	put(in_dir("file"), "x", 0600);
	assert_int_equal(listen_unix(in_dir("file"), &l, &error), -EEXIST);
	assert_int_equal(access(in_dir("file"), F_OK), 0);
	assert_int_equal(listen_unix(in_dir("no/such"), &l, &error), -ENOENT);
	assert_non_null(strstr(error.detail, "no/such"));
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(listen_unix(path, &l, &error), -ENAMETOOLONG);
	unlink(in_dir("file"));
}

static void
test_host_port(void **state)
{
	static const struct {
		const char *text, *host, *port;
	} rows[] = {
	    {"a:1", "a", "1"},      {"[::1]:80", "::1", "80"}, {"127.0.0.1:0", "127.0.0.1", "0"},
	    {"::1:80", NULL, NULL}, {"a", NULL, NULL},         {"a:", NULL, NULL},
	    {":1", NULL, NULL},     {"[]:1", NULL, NULL}};
	char *host, *port, text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcpy(text, rows[i].text);
		if (split_host_port(text, &host, &port) != (rows[i].host != NULL))
			fail_msg("%s", rows[i].text);
		if (rows[i].host == NULL)
			continue;
		assert_string_equal(host, rows[i].host);
		assert_string_equal(port, rows[i].port);
	}
}

static void
test_token(void **state)
{
	struct tine_error error;
	char *token = NULL;

	(void)state;
	put(in_dir("token"), "0123456789abcdef\n", 0644);
	assert_int_equal(token_load(in_dir("token"), &token, &error), -EPERM);
	put(in_dir("token"), "short\n", 0600);
	assert_int_equal(token_load(in_dir("token"), &token, &error), -EINVAL);
	put(in_dir("token"), "0123456789 abcdef\n", 0600);
	assert_int_equal(token_load(in_dir("token"), &token, &error), -EINVAL);
	assert_int_equal(token_load(in_dir("none"), &token, &error), -ENOENT);
	put(in_dir("token"), "0123456789abcdef\n", 0600);
	assert_int_equal(token_load(in_dir("token"), &token, &error), 0);
	assert_true(token_matches(token, "Bearer 0123456789abcdef"));
	assert_true(token_matches(token, "bearer 0123456789abcdef"));
	assert_false(token_matches(token, NULL));
	assert_false(token_matches(token, ""));
	assert_false(token_matches(token, "Bearer "));
	assert_false(token_matches(token, "Basic 0123456789abcdef"));
	assert_false(token_matches(token, "Bearer 0123456789abcde"));
	assert_false(token_matches(token, "Bearer 0123456789abcdeg"));
	assert_false(token_matches(token, "Bearer 0123456789abcdef0"));
	free(token);
	unlink(in_dir("token"));
}

static int
confine_rootfs(const char *root, const char *path, char *real)
{
	struct sandbox_args args = {.rootfs = path};
	struct confinement paths = {0};
	struct problem problem = {0};
	int rc = confine_args(root, &args, &paths, &problem);

	if (rc == 0)
		strcpy(real, args.rootfs);
	else
		assert_string_equal(problem.pointer, "/rootfs");
	confinement_free(&paths);
	return rc == 0 ? 0 : problem.status;
}

static void
test_confine(void **state)
{
	char real[4096];

	(void)state;
	mkdir(in_dir("roots"), 0700);
	mkdir(in_dir("rootsx"), 0700);
	mkdir(in_dir("roots/a"), 0700);
	assert_int_equal(symlink("/etc", in_dir("roots/out")), 0);
	assert_int_equal(confine_rootfs(NULL, in_dir("roots/a"), real), 0);
	assert_int_equal(confine_rootfs(NULL, "roots", real), 400);
	assert_int_equal(confine_rootfs(in_dir("roots"), "a", real), 0);
	assert_string_equal(real, in_dir("roots/a"));
	assert_int_equal(confine_rootfs(in_dir("roots"), in_dir("roots/a"), real), 0);
	assert_int_equal(confine_rootfs(in_dir("roots"), "a/../..", real), 403);
	assert_int_equal(confine_rootfs(in_dir("roots"), "out", real), 403);
	assert_int_equal(confine_rootfs(in_dir("roots"), "out/nothing", real), 403);
	assert_int_equal(confine_rootfs(in_dir("roots"), in_dir("rootsx"), real), 403);
	assert_int_equal(confine_rootfs(in_dir("roots"), "/etc", real), 403);
	assert_int_equal(confine_rootfs("/", "/etc", real), 0);
	unlink(in_dir("roots/out"));
	rmdir(in_dir("roots/a"));
	rmdir(in_dir("roots"));
	rmdir(in_dir("rootsx"));
}

/* ---- TCP, with a whole daemon -------------------------------------------------------------- */

static int
free_port(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	close(fd);
	return ntohs(sin.sin_port);
}

static void
tcp_request(int port, const char *authorization, const char *expect)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char reply[4096] = "";

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0; i++) {
		assert_true(i < 100); /* the Unix socket comes first, this one right after it */
		usleep(10000);
	}
	send_text(fd, fmt("GET /v1/version HTTP/1.1\r\nHost: x\r\n%s\r\n", authorization));
	assert_true(read_until(fd, reply, sizeof(reply), "\r\n\r\n"));
	if (strstr(reply, expect) == NULL)
		fail_msg("%s", reply);
	close(fd);
}

static void
test_tcp(void **state)
{
	const char *args[] = {"--listen", NULL, "--token-file", in_dir("token"), "--rootfs-dir",
			      dir,        NULL};
	struct daemon d;
	int port = free_port();

	(void)state;
	args[1] = fmt("127.0.0.1:%d", port);
	put(in_dir("token"), "0123456789abcdef\n", 0600);
	daemon_start(&d, args);
	tcp_request(port, "", "401 Unauthorized");
	tcp_request(port, "", "WWW-Authenticate: Bearer");
	tcp_request(port, "Authorization: Bearer wrong-token-12345\r\n", "401 Unauthorized");
	tcp_request(port, "Authorization: Bearer 0123456789abcdef\r\n", "200 OK");
	call(&d, "POST", "/v1/sandboxes", "{\"rootfs\":\"/etc\"}", 403);
	daemon_stop(&d);
	unlink(in_dir("token"));
}

static int
exit_status(const char *command)
{
	int status = system(fmt("%s >%s/out 2>&1", command, dir));

	unlink(in_dir("out"));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
test_usage(void **state)
{
	(void)state;
	assert_int_equal(exit_status(TINE_FAKE), 2);
	assert_int_equal(exit_status(TINE_FAKE " --help"), 0);
	assert_int_equal(exit_status(TINE_FAKE " nope"), 2);
	assert_int_equal(exit_status(TINE_FAKE " serve --nope"), 2);
	assert_int_equal(exit_status(TINE_FAKE " serve extra"), 2);
	assert_int_equal(exit_status(TINE_FAKE " serve --listen 127.0.0.1:1"), 2);
	assert_int_equal(exit_status(TINE_FAKE " serve --max-sandboxes 0"), 2);
	assert_int_equal(exit_status(TINE_FAKE " serve --socket /no/such/dir/s"), 1);
	assert_int_equal(exit_status(TINE_FAKE " ls --socket /no/such/socket"), 3);
	assert_int_equal(exit_status(TINE_FAKE " exec --socket /no/such/socket a b"), 125);
	assert_int_equal(exit_status(TINE_FAKE " exec a"), 125);
	assert_int_equal(exit_status(TINE_FAKE " signal a b"), 2);
	static const char *const commands[] = {"serve",  "spawn", "ls",      "exec",   "ps",
					       "signal", "wait",  "put",     "fork",   "template",
					       "sysctl", "stat",  "events",  "log",    "rm",
					       "health", "help",  "version", "profile"};
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		assert_int_equal(exit_status(fmt(TINE_FAKE " help %s", commands[i])), 0);
}

static int
setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/tine-listen-XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_take_over), cmocka_unit_test(test_bad_places),
	    cmocka_unit_test(test_host_port), cmocka_unit_test(test_token),
	    cmocka_unit_test(test_confine),   cmocka_unit_test(test_tcp),
	    cmocka_unit_test(test_usage),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
