/* SPDX-License-Identifier: ISC */
/* test_bad_input.c: what hostile or clumsy clients send, and what they get. */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct daemon d;

#define SBS "/v1/sandboxes"
#define PROCS "/v1/sandboxes/p/processes"
#define SIG "/v1/sandboxes/p/processes/1/signal"

static const struct {
	const char *method, *path, *body;
	int status;
	const char *slug, *where; /* where: pointer, or ?parameter */
} rows[] = {
    /* routing */
    {"GET", "/", NULL, 404, "not-found", NULL},
    {"GET", "/v1/sandboxes/", NULL, 404, "not-found", NULL},
    {"GET", "/v1//sandboxes", NULL, 404, "not-found", NULL},
    {"GET", "/v1/sandboxes/nope", NULL, 404, "unknown-sandbox", NULL},
    {"GET", "/v1/sandboxes/%00", NULL, 400, "bad-value", NULL},
    {"GET", "/v1/sandboxes/p%00/forkstat", NULL, 400, "bad-value", NULL},
    {"DELETE", "/v1/sandboxes/p%00q", NULL, 400, "bad-value", NULL},
    {"GET", SBS "?limit=1%00", NULL, 400, "bad-value", NULL},
    {"PUT", "/v1/sandboxes/p/files?path=/a%00b", "x", 400, "bad-value", NULL},
    {"GET", "/v1/sandboxes/../version", NULL, 404, "not-found", NULL},
    {"POST", "/v1/version", NULL, 405, "method-not-allowed", NULL},
    {"PUT", SBS, NULL, 405, "method-not-allowed", NULL},
    {"BREW", SBS, NULL, 405, "method-not-allowed", NULL},
    {"GET", PROCS "/1/stdin", NULL, 405, "method-not-allowed", NULL},
    /* query */
    {"GET", "/v1/version?x=1", NULL, 400, "unknown-parameter", "?x"},
    {"GET", SBS "?limit=0", NULL, 400, "bad-parameter", "?limit"},
    {"GET", SBS "?limit=1001", NULL, 400, "bad-parameter", "?limit"},
    {"GET", SBS "?limit=-1", NULL, 400, "bad-parameter", "?limit"},
    {"GET", SBS "?limit=99999999999999999999999", NULL, 400, "bad-parameter", "?limit"},
    {"GET", SBS "?limit=1x", NULL, 400, "bad-parameter", "?limit"},
    {"GET", SBS "?limit", NULL, 400, "bad-parameter", "?limit"},
    {"GET", SBS "?cursor=abc", NULL, 400, "bad-parameter", "?cursor"},
    {"GET", PROCS "?cursor=-1", NULL, 400, "bad-parameter", "?cursor"},
    {"GET", "/v1/events?follow=maybe", NULL, 400, "bad-parameter", "?follow"},
    {"POST", SBS "?wait=later", NULL, 400, "bad-parameter", "?wait"},
    /* JSON */
    {"POST", SBS, "{", 400, "bad-json", NULL},
    {"POST", SBS, "{}}", 400, "bad-json", NULL},
    {"POST", SBS, "nul", 400, "bad-json", NULL},
    {"POST", SBS, "{\"name\":\"a\",\"name\":\"b\"}", 400, "bad-json", NULL},
    {"POST", SBS, "{\"name\":\"\\u0000\"}", 400, "bad-json", NULL},
    {"POST", SBS, "{\"name\":\"\xff\"}", 400, "bad-json", NULL},
    {"POST", SBS, "{\"memory_mib\":123456789012345678901234567890}", 400, "bad-json", NULL},
    {"POST", SBS, "[]", 400, "wrong-type", ""},
    {"POST", SBS, "\"x\"", 400, NULL, NULL},
    /* sandboxes */
    {"POST", SBS, "{\"bogus\":1}", 400, "unknown-field", "/bogus"},
    {"POST", SBS, "{\"a/b~c\":1}", 400, "unknown-field", "/a~1b~0c"},
    {"POST", SBS, "{\"memory_mib\":\"64\"}", 400, "wrong-type", "/memory_mib"},
    {"POST", SBS, "{\"memory_mib\":64.0}", 400, "wrong-type", "/memory_mib"},
    {"POST", SBS, "{\"memory_mib\":null}", 400, "wrong-type", "/memory_mib"},
    {"POST", SBS, "{\"memory_mib\":15}", 400, "out-of-range", "/memory_mib"},
    {"POST", SBS, "{\"memory_mib\":-1}", 400, "out-of-range", "/memory_mib"},
    {"POST", SBS, "{\"memory_mib\":65537}", 400, "out-of-range", "/memory_mib"},
    {"POST", SBS, "{\"name\":\"\"}", 400, "out-of-range", "/name"},
    {"POST", SBS, "{\"name\":\"a b\"}", 400, "bad-value", "/name"},
    {"POST", SBS, "{\"name\":\"../x\"}", 400, "bad-value", "/name"},
    {"POST", SBS, "{\"name\":\"0123456789abcdef\"}", 400, "bad-value", "/name"},
    {"POST", SBS, "{\"hostname\":\"-x\"}", 400, "bad-value", "/hostname"},
    {"POST", SBS, "{\"rootfs\":\"relative\"}", 400, "bad-value", "/rootfs"},
    {"POST", SBS, "{\"rootfs\":\"/no/such/file\"}", 400, "bad-value", "/rootfs"},
    {"POST", SBS, "{\"events\":1}", 400, "wrong-type", "/events"},
    {"POST", SBS, "{\"sysctls\":[]}", 400, "wrong-type", "/sysctls"},
    {"POST", SBS, "{\"sysctls\":{\"a=b\":1}}", 400, "bad-value", "/sysctls/a=b"},
    {"POST", SBS, "{\"sysctls\":{\"a\":\"x\\ny\"}}", 400, "wrong-type", "/sysctls/a"},
    {"POST", SBS, "{\"sysctls\":{\"a\":true}}", 400, "wrong-type", "/sysctls/a"},
    {"POST", SBS, "{\"files\":[{}]}", 400, "missing-field", "/files/0/host_path"},
    {"POST", SBS, "{\"files\":[{\"host_path\":\"/x\",\"guest_path\":\"x/y\"}]}", 400, "bad-value",
     "/files/0/guest_path"},
    {"POST", SBS, "{\"files\":[{\"host_path\":\"/x\",\"guest_path\":\"/a/..\"}]}", 400, "bad-value",
     "/files/0/guest_path"},
    {"POST", SBS,
     "{\"files\":[{\"host_path\":\"/etc/passwd\",\"guest_path\":\"/x\",\"mode\":4096}]}", 400,
     "out-of-range", "/files/0/mode"},
    {"PATCH", SBS "/p", NULL, 400, "body-required", NULL},
    {"PATCH", SBS "/p", "{}", 400, "missing-field", "/events"},
    /* processes */
    {"POST", PROCS, NULL, 400, "body-required", NULL},
    {"POST", PROCS, "{}", 400, "missing-field", "/argv"},
    {"POST", PROCS, "{\"argv\":[]}", 400, "out-of-range", "/argv"},
    {"POST", PROCS, "{\"argv\":\"true\"}", 400, "wrong-type", "/argv"},
    {"POST", PROCS, "{\"argv\":{\"a\":\"b\"}}", 400, "wrong-type", "/argv"},
    {"POST", PROCS, "{\"argv\":[\"a\",1]}", 400, "wrong-type", "/argv/1"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"env\":[\"X\"]}", 400, "bad-value", "/env/0"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"env\":[\"=X\"]}", 400, "bad-value", "/env/0"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"env\":{\"\":\"x\"}}", 400, "bad-value", "/env/"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"env\":{\"A\":1}}", 400, "wrong-type", "/env/A"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"uid\":-1}", 400, "out-of-range", "/uid"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"uid\":4294967295}", 400, "out-of-range", "/uid"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"stdin\":\"maybe\"}", 400, "bad-value", "/stdin"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"stdin\":{}}", 400, "missing-field", "/stdin/data"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"stdin\":{\"data\":\"@\",\"encoding\":\"base64\"}}", 400,
     "bad-value", "/stdin/data"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"stdin\":{\"data\":\"\",\"encoding\":\"rot13\"}}", 400,
     "bad-value", "/stdin/encoding"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"tty\":true}", 400, "wrong-type", "/tty"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"tty\":{\"rows\":65536}}", 400, "out-of-range",
     "/tty/rows"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"stdout_policy\":\"x\"}", 400, "bad-value",
     "/stdout_policy"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"stdout_policy\":\"block\",\"wait\":true}", 400,
     "bad-value", "/stdout_policy"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"output_limit\":1}", 400, "out-of-range", "/output_limit"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"executable\":{\"path\":\"/x\"}}", 400, "missing-field",
     "/executable/data"},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"executable\":{\"path\":\"x\",\"data\":\"\"}}", 400, NULL,
     NULL},
    {"POST", PROCS, "{\"argv\":[\"a\"],\"executable\":{\"path\":\"/x\",\"data\":\"a===\"}}", 400,
     "bad-value", "/executable/data"},
    {"GET", PROCS "/99999", NULL, 404, "unknown-process", NULL},
    {"GET", PROCS "/l99999", NULL, 404, "unknown-process", NULL},
    {"GET", PROCS "/abc", NULL, 404, "unknown-process", NULL},
    {"GET", PROCS "/1/wait", NULL, 404, "unknown-process", NULL},
    {"GET", PROCS "/-1/stdout", NULL, 404, "unknown-process", NULL},
    {"POST", SIG, "{}", 400, "missing-field", "/signal"},
    {"POST", SIG, "{\"signal\":65}", 400, "out-of-range", "/signal"},
    {"POST", SIG, "{\"signal\":-1}", 400, "out-of-range", "/signal"},
    {"POST", SIG, "{\"signal\":\"NOPE\"}", 400, "bad-value", "/signal"},
    {"POST", SIG, "{\"signal\":true}", 400, "wrong-type", "/signal"},
    {"POST", PROCS "/-1/signal", "{\"signal\":9}", 404, "unknown-process", NULL},
    {"POST", PROCS "/0/signal", "{\"signal\":9}", 404, "unknown-process", NULL},
    /* the rest */
    {"GET", SBS "/p/sysctl/a%3Db", NULL, 404, "unknown-sysctl", NULL},
    {"PUT", SBS "/p/sysctl/kern.maxproc", "{\"value\":[]}", 400, "wrong-type", "/value"},
    {"GET", SBS "/p/log?limit=513", NULL, 400, "bad-parameter", "?limit"},
    {"PUT", SBS "/p/files", NULL, 400, "bad-parameter", "?path"},
};

static void
check_where(const struct answer *a, const char *where)
{
	const char *key = where[0] == '?' ? "parameter" : "pointer";
	const char *found = json_string_value(json_object_get(a->json, key));

	if (found == NULL)
		fail_msg("no %s in %s", key, a->body);
	assert_string_equal(found, where[0] == '?' ? where + 1 : where);
}

static void
test_table(void **state)
{
	(void)state;
	make_sandbox(&d, "{\"name\":\"p\"}"); /* which the rows speak of */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct answer *a =
		    call(&d, rows[i].method, rows[i].path, rows[i].body, rows[i].status);

		if (rows[i].slug != NULL && strcmp(problem_slug(a), rows[i].slug) != 0)
			fail_msg("row %zu, %s %s: %s", i, rows[i].method, rows[i].path, a->body);
		if (rows[i].where != NULL)
			check_where(a, rows[i].where);
		if (rows[i].status == 405)
			assert_true(header(a, "Allow")[0] != '\0');
	}
}

static void
test_syntax_position(void **state)
{
	struct answer *a = call(&d, "POST", SBS, "{\n  \"name\": oops\n}", 400);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(a->json, "line")), 2);
	assert_true(json_integer_value(json_object_get(a->json, "column")) > 5);
}

static void
test_media_types(void **state)
{
	struct answer *a;

	(void)state;
	a = call_raw(&d, "POST", SBS, "text/plain", "{}", 2, 415);
	assert_string_equal(problem_slug(a), "unsupported-media-type");
	call_raw(&d, "POST", SBS, NULL, "{}", 2, 415);
	call_raw(&d, "POST", SBS, "application/jsonx", "{}", 2, 415);
	a = call_raw(&d, "POST", SBS, "Application/JSON; charset=utf-8", "{}", 2, 201);
	call(&d, "DELETE", fmt("%s", header(a, "Location")), NULL, 204);
}

static void
test_large_bodies(void **state)
{
	size_t len = (1u << 20) + 1;
	char *body = malloc(len + 1), reply[4096] = "";
	struct answer *a;
	int fd;

	(void)state;
	assert_non_null(body);
	memset(body, ' ', len);
	body[len] = '\0';
	a = call_raw(&d, "POST", SBS, "application/json", body, len, 413);
	assert_string_equal(problem_slug(a), "body-too-large");
	a = call_raw(&d, "GET", "/v1/version", "application/json", "{}", 2, 413);
	/* Announced, but not sent: refused before it comes. */
	fd = dial(&d);
	send_text(fd, "PUT /v1/sandboxes/p/files?path=/x HTTP/1.1\r\nHost: x\r\n"
		      "Content-Length: 99999999999\r\n\r\n");
	assert_true(read_until(fd, reply, sizeof(reply), "body-too-large"));
	close(fd);
	/* Not announced. */
	fd = dial(&d);
	send_text(fd, "POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
		      "Transfer-Encoding: chunked\r\n\r\n100001\r\n");
	send_text(fd, body);
	send_text(fd, "\r\n0\r\n\r\n");
	reply[0] = '\0';
	assert_true(read_until(fd, reply, sizeof(reply), "body-too-large"));
	close(fd);
	free(body);
}

static void
test_deep_json(void **state)
{
	size_t len = 100000;
	char *body = malloc(len);
	struct answer *a;

	(void)state;
	assert_non_null(body);
	memset(body, '[', len);
	a = call_raw(&d, "POST", SBS, "application/json", body, len, 400);
	assert_string_equal(problem_slug(a), "bad-json");
	free(body);
}

/* Things that are no HTTP, or break off, must not harm anybody else. */
static void
test_not_http(void **state)
{
	static const char *const texts[] = {
	    "\r\n\r\n",
	    "GET\r\n\r\n",
	    "\x16\x03\x01\x02",
	    "GET / HTTP/9.9\r\n\r\n",
	    "GET /v1/version HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
	    "POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
	    "POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	    "POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	    "Content-Length: 100\r\n\r\n{"};
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		fd = dial(&d);
		send_text(fd, texts[i]);
		shutdown(fd, SHUT_WR);
		close(fd);
	}
	call(&d, "GET", "/v1/health", NULL, 200);
}

/* Two ways to tell where the body ends: refused, and what follows is no request. */
static void
test_framing(void **state)
{
	static const char *const fields[] = {
	    "Content-Length: 2\r\nContent-Length: 3",
	    "Content-Length: 2\r\nTransfer-Encoding: chunked",
	    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
	    "Transfer-Encoding: gzip, chunked",
	    "Transfer-Encoding: xchunked",
	    "Transfer-Encoding : chunked",
	    "Content-Length : 5",
	};
	char reply[4096];
	size_t len;
	ssize_t n;
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		fd = dial(&d);
		send_text(fd, "POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\n"
			      "Content-Type: application/json\r\n");
		send_text(fd, fields[i]);
		send_text(fd, "\r\n\r\n0\r\n\r\nGET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n");
		len = 0;
		while ((n = read(fd, reply + len, sizeof(reply) - 1 - len)) > 0)
			len += (size_t)n;
		reply[len] = '\0';
		assert_non_null(strstr(reply, "HTTP/1.1 400 "));
		assert_non_null(strstr(reply, "urn:tine:problem:bad-framing"));
		assert_null(strstr(reply, "HTTP/1.1 200 "));
		close(fd);
	}
}

static void
test_long_header(void **state)
{
	char *text = malloc(300000);
	char reply[256] = "";
	int fd = dial(&d);

	(void)state;
	assert_non_null(text);
	memset(text, 'a', 300000);
	text[299999] = '\0';
	send_text(fd, "GET /");
	send_text(fd, text);
	read_until(fd, reply, sizeof(reply), "HTTP/1.1");
	close(fd);
	free(text);
	call(&d, "GET", "/v1/health", NULL, 200);
}

static void
test_keep_alive(void **state)
{
	char reply[8192] = "";
	int fd = dial(&d);

	(void)state;
	/* Three requests at once on one connection, the second refused with its body unread. */
	send_text(fd, "GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n"
		      "POST /v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
		      "GET /v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	read_until(fd, reply, sizeof(reply), "uptime_ns");
	assert_non_null(strstr(reply, "guest_abi"));
	assert_non_null(strstr(reply, "404 Not Found"));
	assert_non_null(strstr(reply, "uptime_ns"));
	close(fd);
}

static void
test_head(void **state)
{
	char reply[2048] = "";
	int fd = dial(&d);

	(void)state;
	send_text(fd, "HEAD /v1/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	while (read_until(fd, reply, sizeof(reply), "never"))
		;
	assert_non_null(strstr(reply, "200 OK"));
	assert_null(strstr(reply, "guest_abi"));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),       cmocka_unit_test(test_syntax_position),
	    cmocka_unit_test(test_media_types), cmocka_unit_test(test_large_bodies),
	    cmocka_unit_test(test_deep_json),   cmocka_unit_test(test_not_http),
	    cmocka_unit_test(test_long_header), cmocka_unit_test(test_keep_alive),
	    cmocka_unit_test(test_head),        cmocka_unit_test(test_framing),
	};

	return RUN_WITH_DAEMON(&d, NULL, tests);
}
