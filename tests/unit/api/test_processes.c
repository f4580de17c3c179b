/* SPDX-License-Identifier: ISC */
/* test_processes.c: processes in sandboxes, their streams, files and variables over HTTP; every
 * answer is checked against the contract. */
#include "harness.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static struct daemon d;

static struct answer *
launch(const char *sb, const char *body, int status)
{
	return call(&d, "POST", fmt("/v1/sandboxes/%s/processes", sb), body, status);
}

static const char *
process_path(const char *sb, const struct answer *a, const char *tail)
{
	return fmt("/v1/sandboxes/%s/processes/l%lld%s", sb, (long long)answer_number(a, "launch"),
		   tail);
}

/* ---- processes ----------------------------------------------------------------------------- */

static void
test_launch_and_wait(void **state)
{
	struct answer *a;

	(void)state;
	make_sandbox(&d, "{\"name\":\"p\"}");
	a = launch("p", "{\"argv\":[\"echo\",\"hi\"],\"wait\":true}", 200);
	assert_int_equal(answer_number(a, "exit_code"), 0);
	assert_string_equal(json_string_value(json_object_get(answer_member(a, "stdout"), "data")),
			    "hi\n");
	a = launch("p", "{\"argv\":[\"exit\",\"7\"],\"wait\":true}", 200);
	assert_int_equal(answer_number(a, "exit_code"), 7);
	a = launch("p", "{\"argv\":[\"err\",\"oops\"],\"wait\":true}", 200);
	assert_string_equal(json_string_value(json_object_get(answer_member(a, "stderr"), "data")),
			    "oops");
	a = launch("p", "{\"argv\":[\"err\",\"oops\"],\"wait\":true,\"merge_stderr\":true}", 200);
	assert_string_equal(json_string_value(json_object_get(answer_member(a, "stdout"), "data")),
			    "oops");
	a = launch("p",
		   "{\"argv\":[\"cat\"],\"wait\":true,\"stdin\":{\"encoding\":\"base64\",\"data\":"
		   "\"/wA=\"}}",
		   200);
	assert_string_equal(json_string_value(json_object_get(answer_member(a, "stdout"), "data")),
			    "/wA=");
	a = launch("p", "{\"argv\":[\"uid\"],\"uid\":5,\"env\":{\"A\":\"b\"},\"wait\":true}", 200);
	assert_string_equal(json_string_value(json_object_get(answer_member(a, "stdout"), "data")),
			    "5 A=b\n");
	a = launch("p", "{\"argv\":[\"sleep\"],\"wait\":true,\"timeout_ms\":30}", 200);
	assert_true(json_is_false(answer_member(a, "ended")));
	a = launch("p", "{\"argv\":[\"vmfork\"],\"wait\":true}", 200);
	assert_int_equal(answer_number(a, "exit_code"), 1); /* EPERM */
	a = launch("p", "{\"argv\":[\"nosuch\"]}", 422);
	assert_string_equal(problem_slug(a), "launch-failed");
	assert_string_equal(answer_text(a, "errno"), "ENOENT");
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
}

static void
test_signal_and_list(void **state)
{
	struct answer *a;
	const char *pid;

	(void)state;
	make_sandbox(&d, "{\"name\":\"p\"}");
	launch("p", "{\"argv\":[\"spawn\",\"5\"],\"wait\":true}", 200);
	a = launch("p", "{\"argv\":[\"sleep\"]}", 201);
	pid = fmt("%lld", (long long)answer_number(a, "pid"));
	a = call(&d, "GET", "/v1/sandboxes/p/processes?limit=4", NULL, 200);
	assert_int_equal(json_array_size(answer_member(a, "items")), 4);
	a = call(&d, "GET", fmt("/v1/sandboxes/p/processes?cursor=%s", answer_text(a, "next")),
		 NULL, 200);
	assert_int_equal(json_array_size(answer_member(a, "items")), 2);
	assert_null(json_object_get(a->json, "next"));
	a = call(&d, "GET", fmt("/v1/sandboxes/p/processes/%s", pid), NULL, 200);
	assert_non_null(json_object_get(a->json, "info"));
	call(&d, "POST", fmt("/v1/sandboxes/p/processes/%s/signal", pid), "{\"signal\":0}", 204);
	call(&d, "POST", fmt("/v1/sandboxes/p/processes/%s/signal", pid), "{\"signal\":\"KILL\"}",
	     204);
	a = call(&d, "GET", fmt("/v1/sandboxes/p/processes/%s/wait", pid), NULL, 200);
	assert_int_equal(answer_number(a, "signal"), SIGKILL);
	a = call(&d, "POST", "/v1/sandboxes/p/processes/l2/signal", "{\"signal\":9}", 409);
	assert_string_equal(problem_slug(a), "process-exited");
	call(&d, "POST", "/v1/sandboxes/p/processes/9999/signal", "{\"signal\":9}", 404);
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
}

/* More processes than one answer of the kernel holds. */
static void
test_long_list(void **state)
{
	const char *cursor = "0";
	struct answer *a;
	size_t seen = 0;

	(void)state;
	make_sandbox(&d, "{\"name\":\"p\"}");
	launch("p", "{\"argv\":[\"spawn\",\"1500\"],\"wait\":true}", 200);
	do {
		a = call(&d, "GET", fmt("/v1/sandboxes/p/processes?limit=600&cursor=%s", cursor),
			 NULL, 200);
		seen += json_array_size(answer_member(a, "items"));
		cursor =
		    json_object_get(a->json, "next") ? fmt("%s", answer_text(a, "next")) : NULL;
	} while (cursor != NULL);
	assert_int_equal(seen, 1500);
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
}

/* Somebody who waits learns of the end of the sandbox as well. */
static void
test_wait_interrupted(void **state)
{
	char buf[4096] = "", buf2[4096] = "";
	int fd, fd2;

	(void)state;
	make_sandbox(&d, "{\"name\":\"p\"}");
	launch("p", "{\"argv\":[\"sleep\"]}", 201);
	fd = dial(&d);
	send_text(fd, "GET /v1/sandboxes/p/processes/l1/wait HTTP/1.1\r\nHost: x\r\n\r\n");
	fd2 = dial(&d);
	send_text(fd2,
		  "GET /v1/sandboxes/p/processes/l1/stdout?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(read_until(fd2, buf2, sizeof(buf2), "\r\n\r\n"));
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
	assert_true(read_until(fd, buf, sizeof(buf), "\"lost\""));
	assert_true(read_until(fd2, buf2, sizeof(buf2), "0\r\n\r\n"));
	close(fd);
	close(fd2);
}

static void
test_clients_that_leave(void **state)
{
	int fd;

	(void)state;
	make_sandbox(&d, "{\"name\":\"p\"}");
	launch("p", "{\"argv\":[\"sleep\"]}", 201);
	for (int i = 0; i < 100; i++) {
		static const char *const paths[] = {"/v1/events",
						    "/v1/sandboxes/p/processes/l1/wait",
						    "/v1/sandboxes/p/processes/l1/stdout?follow=1"};

		fd = dial(&d);
		send_text(fd, fmt("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i % 3]));
		if (i % 2 == 0) {
			char buf[64] = "";

			if (i % 3 != 1)
				assert_true(read_until(fd, buf, sizeof(buf), "HTTP/1.1 200"));
		}
		close(fd);
	}
	call(&d, "POST", "/v1/sandboxes/p/processes/l1/signal", "{\"signal\":15}", 204);
	call(&d, "GET", "/v1/sandboxes/p/processes/l1/wait", NULL, 200);
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
}

/* ---- standard streams ---------------------------------------------------------------------- */

static void
test_output_bounds(void **state)
{
	struct answer *a;

	(void)state;
	make_sandbox(&d, "{\"name\":\"p\"}");
	/* Nobody reads: the program still ends, what was lost is told. */
	a = launch("p", "{\"argv\":[\"yes\",\"1000000\"],\"output_limit\":65536,\"wait\":true}",
		   200);
	a = call(&d, "GET", process_path("p", a, "/stdout"), NULL, 200);
	assert_int_equal(a->len, 65536);
	assert_string_equal(header(a, "Tine-Offset"), "934464");
	assert_string_equal(header(a, "Tine-Dropped"), "934464");
	/* With "block" it waits for its reader and nothing is lost. */
	a = launch(
	    "p",
	    "{\"argv\":[\"yes\",\"1000000\"],\"output_limit\":65536,\"stdout_policy\":\"block\"}",
	    201);
	a = call(&d, "GET", process_path("p", a, "/stdout?follow=1"), NULL, 200);
	assert_int_equal(a->len, 1000000);
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
}

static void
test_output_offsets(void **state)
{
	const char *path;
	struct answer *a;

	(void)state;
	make_sandbox(&d, "{\"name\":\"p\"}");
	a = launch("p", "{\"argv\":[\"echo\",\"0123456789\"],\"wait\":true}", 200);
	path = process_path("p", a, "/stdout");
	assert_string_equal(call(&d, "GET", fmt("%s?offset=4", path), NULL, 200)->body, "456789\n");
	assert_string_equal(call(&d, "GET", fmt("%s?offset=99", path), NULL, 200)->body, "");
	assert_string_equal(call(&d, "GET", fmt("%s?offset=8&follow=1", path), NULL, 200)->body,
			    "89\n");
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
}

static void
test_stdin(void **state)
{
	size_t len = 3u << 20;
	char *data = malloc(len);
	const char *in, *out;
	struct answer *a;
	char buf[256] = "";
	int fd;

	(void)state;
	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 7 + i / 251);
	make_sandbox(&d, "{\"name\":\"p\"}");
	a = launch("p", "{\"argv\":[\"cat\"],\"stdin\":\"open\",\"output_limit\":4194304}", 201);
	in = process_path("p", a, "/stdin");
	out = process_path("p", a, "/stdout?follow=1");
	/* One feeder at a time; its connection may last as long as it likes. */
	fd = dial(&d);
	send_text(
	    fd,
	    fmt("PUT %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", in));
	a = call(&d, "GET", process_path("p", a, "/stdout"), NULL, 200);
	a = call_raw(&d, "PUT", in, NULL, "x", 1, 409);
	assert_string_equal(problem_slug(a), "stdin-busy");
	send_text(fd, "0\r\n\r\n");
	assert_true(read_until(fd, buf, sizeof(buf), "204 No Content"));
	close(fd);
	call_raw(&d, "PUT", fmt("%s?eof=1", in), "application/octet-stream", data, len, 204);
	a = call(&d, "GET", out, NULL, 200);
	assert_int_equal(a->len, len + 2);
	assert_memory_equal(a->body + 2, data, len);
	a = call_raw(&d, "PUT", in, NULL, "x", 1, 409);
	free(data);
	a = launch("p", "{\"argv\":[\"sleep\"]}", 201);
	a = call_raw(&d, "PUT", process_path("p", a, "/stdin"), NULL, "x", 1, 409);
	assert_string_equal(problem_slug(a), "stdin-closed");
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
}

static void
test_tty(void **state)
{
	const char *base;
	struct answer *a;

	(void)state;
	make_sandbox(&d, "{\"name\":\"p\"}");
	a = launch("p", "{\"argv\":[\"cat\"],\"tty\":{\"rows\":10,\"cols\":20}}", 201);
	assert_true(json_is_true(answer_member(a, "tty")));
	base = process_path("p", a, "");
	call(&d, "POST", fmt("%s/winsize", base), "{\"rows\":1,\"cols\":2}", 204);
	call_raw(&d, "PUT", fmt("%s/stdin?eof", base), NULL, "x", 1, 204);
	call(&d, "GET", fmt("%s/wait", base), NULL, 200);
	call(&d, "POST", fmt("%s/winsize", base), "{\"rows\":1,\"cols\":2}", 409);
	a = launch("p", "{\"argv\":[\"sleep\"]}", 201);
	a = call(&d, "POST", process_path("p", a, "/winsize"), "{\"rows\":1,\"cols\":2}", 409);
	assert_string_equal(problem_slug(a), "no-tty");
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
}

/* ---- profiles ------------------------------------------------------------------------------ */

static void
test_profile(void **state)
{
	json_t *first;
	struct answer *a;

	(void)state;
	make_sandbox(&d, "{\"name\":\"p\"}");
	launch("p", "{\"argv\":[\"sleep\"]}", 201);
	call(&d, "POST", "/v1/sandboxes/p/processes/l1/profile", "{\"action\":\"start\"}", 204);
	a = call(&d, "GET", "/v1/sandboxes/p/processes/l1/profile", NULL, 200);
	assert_int_equal(json_integer_value(json_object_get(a->json, "samples")), 8);
	assert_int_equal(json_integer_value(json_object_get(a->json, "lost")), 1);
	assert_int_equal(json_array_size(json_object_get(a->json, "entries")), 2);
	first = json_array_get(json_object_get(a->json, "entries"), 0);
	assert_int_equal(json_integer_value(json_object_get(first, "pc")), 0x402000);
	assert_int_equal(json_integer_value(json_object_get(first, "count")), 5);
	call(&d, "POST", "/v1/sandboxes/p/processes/l1/profile", "{\"action\":\"stop\"}", 204);
	a = call(&d, "POST", "/v1/sandboxes/p/processes/l1/profile", "{\"action\":\"go\"}", 400);
	assert_string_equal(answer_text(a, "pointer"), "/action");
	a = call(&d, "GET", "/v1/sandboxes/p/processes/9999/profile", NULL, 404);
	assert_string_equal(problem_slug(a), "unknown-process");
	call(&d, "POST", "/v1/sandboxes/p/processes/l1/signal", "{\"signal\":9}", 204);
	call(&d, "GET", "/v1/sandboxes/p/processes/l1/wait", NULL, 200);
	a = call(&d, "GET", "/v1/sandboxes/p/processes/l1/profile", NULL, 409);
	assert_string_equal(problem_slug(a), "process-exited");
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
}

/* ---- files and variables ------------------------------------------------------------------- */

static void
test_files_and_sysctl(void **state)
{
	struct answer *a;

	(void)state;
	make_sandbox(&d, "{\"name\":\"p\"}");
	call_raw(&d, "PUT", "/v1/sandboxes/p/files?path=/tmp/a&mode=755", NULL, "data", 4, 204);
	call_raw(&d, "PUT", "/v1/sandboxes/p/files?path=/tmp/empty", NULL, "", 0, 204);
	a = call_raw(&d, "PUT", "/v1/sandboxes/p/files?path=tmp/a", NULL, "data", 4, 400);
	assert_string_equal(answer_text(a, "parameter"), "path");
	call_raw(&d, "PUT", "/v1/sandboxes/p/files?path=/a/../b", NULL, "data", 4, 400);
	a = call_raw(&d, "PUT", "/v1/sandboxes/p/files?path=/a&mode=9", NULL, "data", 4, 400);
	assert_string_equal(answer_text(a, "parameter"), "mode");
	launch("p",
	       "{\"argv\":[\"true\"],\"wait\":true,\"executable\":{\"path\":\"/bin/"
	       "x\",\"data\":\"IyEvYmluL3No\"}}",
	       200);
	a = launch(
	    "p", "{\"argv\":[\"true\"],\"executable\":{\"path\":\"/bin/x\",\"data\":\"aGVsbG8=\"}}",
	    422);
	assert_string_equal(problem_slug(a), "not-elf");
	assert_string_equal(answer_text(a, "pointer"), "/executable/data");
	a = call(&d, "GET", "/v1/sandboxes/p/sysctl/kern.maxproc", NULL, 200);
	assert_string_equal(answer_text(a, "value"), "1000");
	a = call(&d, "PUT", "/v1/sandboxes/p/sysctl/kern.maxproc", "{\"value\":50}", 200);
	assert_string_equal(answer_text(a, "old"), "1000");
	a = call(&d, "PUT", "/v1/sandboxes/p/sysctl/kern.maxproc", "{\"value\":\"x\"}", 422);
	assert_string_equal(answer_text(a, "errno"), "EINVAL");
	a = call(&d, "GET", "/v1/sandboxes/p/sysctl/kern.nope", NULL, 404);
	assert_string_equal(problem_slug(a), "unknown-sysctl");
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
}

int
main(void)
{
	static const char *const args[] = {"--max-sandboxes", "20", "--guest-timeout", "200", NULL};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_launch_and_wait),
	    cmocka_unit_test(test_signal_and_list),
	    cmocka_unit_test(test_long_list),
	    cmocka_unit_test(test_wait_interrupted),
	    cmocka_unit_test(test_clients_that_leave),
	    cmocka_unit_test(test_output_bounds),
	    cmocka_unit_test(test_output_offsets),
	    cmocka_unit_test(test_stdin),
	    cmocka_unit_test(test_tty),
	    cmocka_unit_test(test_profile),
	    cmocka_unit_test(test_files_and_sysctl),
	};

	return RUN_WITH_DAEMON(&d, args, tests);
}
