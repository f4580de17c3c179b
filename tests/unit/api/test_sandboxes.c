/* SPDX-License-Identifier: ISC */
/* test_sandboxes.c: sandboxes, their statistics, templates and forks over HTTP; every answer is
 * checked against the contract. */
#include "harness.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct daemon d;

static struct answer *
launch(const char *sb, const char *body, int status)
{
	return call(&d, "POST", fmt("/v1/sandboxes/%s/processes", sb), body, status);
}

/* ---- sandboxes ----------------------------------------------------------------------------- */

static void
test_service(void **state)
{
	struct answer *a;

	(void)state;
	assert_string_equal(answer_text(call(&d, "GET", "/v1/version", NULL, 200), "name"), "tine");
	assert_string_equal(answer_text(call(&d, "GET", "/v1/health", NULL, 200), "status"), "ok");
	a = call(&d, "GET", "/v1/openapi.json", NULL, 200);
	assert_true(json_equal(a->json, d.contract.doc));
	call(&d, "GET", "/v1/openapi.yaml", NULL, 200);
	a = call(&d, "GET", "/metrics", NULL, 200);
	assert_non_null(strstr(a->body, "\ntine_guest_forks_total "));
}

static void
test_sandbox_life(void **state)
{
	const char *id = make_sandbox(&d, "{\"name\":\"life\",\"memory_mib\":64,\"events\":true,"
					  "\"sysctls\":{\"kern.maxproc\":99}}");
	struct answer *a = call(&d, "GET", fmt("/v1/sandboxes/%s", id), NULL, 200);

	(void)state;
	assert_string_equal(answer_text(a, "state"), "ready");
	assert_string_equal(answer_text(a, "name"), "life");
	a = call(&d, "GET", "/v1/sandboxes/life", NULL, 200);
	assert_string_equal(answer_text(a, "id"), id);
	a = call(&d, "POST", "/v1/sandboxes", "{\"name\":\"life\"}", 409);
	assert_string_equal(problem_slug(a), "name-in-use");
	a = call(&d, "PATCH", "/v1/sandboxes/life", "{\"events\":false}", 200);
	assert_true(json_is_false(answer_member(a, "events")));
	a = call(&d, "GET", "/v1/sandboxes/life/log", NULL, 200);
	assert_int_equal(json_array_size(answer_member(a, "items")), 1);
	call(&d, "DELETE", "/v1/sandboxes/life", NULL, 204);
	a = call(&d, "GET", fmt("/v1/sandboxes/%s", id), NULL, 404);
	assert_string_equal(problem_slug(a), "unknown-sandbox");
}

static void
test_created_location(void **state)
{
	struct answer *a = call(&d, "POST", "/v1/sandboxes", NULL, 201);
	const char *path = fmt("/v1/sandboxes/%s", answer_text(a, "id"));

	(void)state;
	assert_string_equal(header(a, "Location"), path);
	call(&d, "DELETE", path, NULL, 204);
}

static void
test_pages(void **state)
{
	const char *cursor = NULL;
	struct answer *a;
	unsigned seen = 0;

	(void)state;
	for (int i = 0; i < 7; i++)
		make_sandbox(&d, fmt("{\"name\":\"page%d\"}", i));
	do {
		a = call(&d, "GET",
			 cursor ? fmt("/v1/sandboxes?limit=3&cursor=%s", cursor)
				: "/v1/sandboxes?limit=3",
			 NULL, 200);
		seen += (unsigned)json_array_size(answer_member(a, "items"));
		cursor =
		    json_object_get(a->json, "next") ? fmt("%s", answer_text(a, "next")) : NULL;
	} while (cursor != NULL);
	assert_int_equal(seen, 7);
	for (int i = 0; i < 7; i++)
		call(&d, "DELETE", fmt("/v1/sandboxes/page%d", i), NULL, 204);
}

static void
test_boot_failure(void **state)
{
	struct answer *a = call(&d, "POST", "/v1/sandboxes", "{\"hostname\":\"broken\"}", 422);

	(void)state;
	assert_string_equal(problem_slug(a), "bad-kernel");
	assert_int_equal(json_array_size(answer_member(a, "log")), 1);
	a = call(&d, "GET", "/v1/sandboxes", NULL, 200);
	assert_int_equal(answer_number(a, "total"), 0);
}

static void
test_boot_timeout(void **state)
{
	struct answer *a = call(&d, "POST", "/v1/sandboxes?timeout_ms=50",
				"{\"hostname\":\"slow\",\"name\":\"slow\"}", 201);

	(void)state;
	assert_string_equal(answer_text(a, "state"), "starting");
	a = launch("slow", "{\"argv\":[\"true\"]}", 409);
	assert_string_equal(problem_slug(a), "wrong-state");
	call(&d, "DELETE", "/v1/sandboxes/slow", NULL, 204);
}

/* The VMM process is killed from outside: the sandbox fails, the daemon and the others go on. */
static void
test_vmm_killed(void **state)
{
	const char *id = make_sandbox(&d, "{\"name\":\"victim\"}");
	struct answer *a;
	int fd;
	char buf[4096] = "";

	(void)state;
	make_sandbox(&d, "{\"name\":\"other\"}");
	launch("victim", "{\"argv\":[\"fork\",\"3\"],\"wait\":true}", 200);
	launch("victim", "{\"argv\":[\"sleep\"]}", 201);
	fd = dial(&d);
	send_text(fd, fmt("GET /v1/events?sandbox=%s HTTP/1.1\r\nHost: x\r\n\r\n", id));
	assert_true(read_until(fd, buf, sizeof(buf), "\r\n\r\n"));
	a = call(&d, "GET", "/v1/sandboxes/victim", NULL, 200);
	assert_int_equal(kill((pid_t)answer_number(a, "vmm_pid"), SIGKILL), 0);
	assert_true(read_until(fd, buf, sizeof(buf), "sandbox.failed"));
	close(fd);
	a = call(&d, "GET", "/v1/sandboxes/victim", NULL, 200);
	assert_string_equal(answer_text(a, "state"), "failed");
	a = call(&d, "GET", "/v1/sandboxes/victim/forkstat", NULL, 200);
	assert_true(json_is_true(answer_member(a, "final")));
	assert_int_equal(
	    json_integer_value(json_object_get(answer_member(a, "counters"), "cntfork")), 3);
	call(&d, "GET", "/v1/sandboxes/victim/log", NULL, 200);
	a = launch("victim", "{\"argv\":[\"true\"]}", 410);
	assert_string_equal(problem_slug(a), "sandbox-failed");
	a = call(&d, "GET", "/v1/sandboxes/victim/processes?launched=1", NULL, 200);
	assert_string_equal(json_string_value(json_object_get(
				json_array_get(answer_member(a, "launched"), 1), "state")),
			    "lost");
	launch("other", "{\"argv\":[\"true\"],\"wait\":true}", 200);
	call(&d, "DELETE", "/v1/sandboxes/victim", NULL, 204);
	call(&d, "DELETE", "/v1/sandboxes/other", NULL, 204);
}

/* What a hostile guest does ends that guest only, with a reason. */
static void
test_bad_guests(void **state)
{
	static const struct {
		const char *program, *reason;
	} rows[] = {{"panic", "guest-panic"},
		    {"badmsg", "guest-protocol"},
		    {"overrun", "guest-protocol"},
		    {"vanish", "vmm-died"}};
	struct answer *a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make_sandbox(&d, "{\"name\":\"bad\"}");
		launch("bad", fmt("{\"argv\":[\"%s\"]}", rows[i].program), 201);
		call(&d, "GET", "/v1/sandboxes/bad/processes/l1/wait", NULL, 200);
		a = call(&d, "GET", "/v1/sandboxes/bad", NULL, 200);
		assert_string_equal(answer_text(a, "state"), "failed");
		assert_string_equal(
		    json_string_value(json_object_get(answer_member(a, "reason"), "type")),
		    rows[i].reason);
		call(&d, "DELETE", "/v1/sandboxes/bad", NULL, 204);
	}
	make_sandbox(&d, "{\"name\":\"bad\"}");
	launch("bad", "{\"argv\":[\"halt\"]}", 201);
	call(&d, "GET", "/v1/sandboxes/bad/processes/l1/wait", NULL, 200);
	assert_string_equal(answer_text(call(&d, "GET", "/v1/sandboxes/bad", NULL, 200), "state"),
			    "stopped");
	call(&d, "DELETE", "/v1/sandboxes/bad", NULL, 204);
}

static void
test_mute_guest(void **state)
{
	struct answer *a;

	(void)state;
	make_sandbox(&d, "{\"name\":\"mute\",\"hostname\":\"mute\"}");
	a = call(&d, "GET", "/v1/sandboxes/mute/processes", NULL, 504);
	assert_string_equal(problem_slug(a), "guest-timeout");
	a = launch("mute", "{\"argv\":[\"true\"]}", 504);
	assert_string_equal(problem_slug(a), "guest-timeout");
	call(&d, "DELETE", "/v1/sandboxes/mute", NULL, 204);
}

/* ---- statistics and events ----------------------------------------------------------------- */

static json_int_t
counter(const struct answer *a, const char *name)
{
	return json_integer_value(json_object_get(answer_member(a, "counters"), name));
}

/* Of a start, as they come from the monitor; the guest's is measured here. */
static json_int_t
phase(const struct answer *a, const char *name)
{
	return json_integer_value(
	    json_object_get(json_object_get(answer_member(a, "host"), "start"), name));
}

static void
test_starts(void **state)
{
	json_int_t starts = phase(call(&d, "GET", "/v1/forkstat", NULL, 200), "starts"), ready;
	struct answer *a;

	(void)state;
	make_sandbox(&d, "{\"name\":\"s\"}");
	a = call(&d, "GET", "/v1/sandboxes/s", NULL, 200);
	ready = json_integer_value(answer_member(a, "ready_ns"));
	a = call(&d, "GET", "/v1/sandboxes/s/forkstat", NULL, 200);
	assert_int_equal(phase(a, "starts"), 1);
	assert_true(phase(a, "process_ns") + phase(a, "memory_ns") + phase(a, "setup_ns") +
			phase(a, "kvm_ns") + phase(a, "idle_ns") + phase(a, "guest_ns") ==
		    ready + phase(a, "prepared_ns"));
	call(&d, "DELETE", "/v1/sandboxes/s", NULL, 204);
	/* What never became ready does not count. */
	call(&d, "POST", "/v1/sandboxes?wait=none", "{\"name\":\"t\",\"hostname\":\"slow\"}", 201);
	a = call(&d, "GET", "/v1/sandboxes/t/forkstat", NULL, 200);
	assert_int_equal(phase(a, "starts"), 0);
	assert_int_equal(phase(a, "memory_ns"), 0);
	call(&d, "DELETE", "/v1/sandboxes/t", NULL, 204);
	a = call(&d, "GET", "/v1/forkstat", NULL, 200);
	assert_int_equal(phase(a, "starts"), starts + 1);
}

static void
test_forkstat(void **state)
{
	json_int_t before, enosys;
	struct answer *a = call(&d, "GET", "/v1/forkstat", NULL, 200);

	(void)state;
	before = counter(a, "forks");
	make_sandbox(&d, "{\"name\":\"p\"}");
	make_sandbox(&d, "{\"name\":\"q\"}");
	launch("p", "{\"argv\":[\"fork\",\"11\"],\"wait\":true}", 200);
	launch("q", "{\"argv\":[\"fork\",\"31\"],\"wait\":true}", 200);
	launch("p", "{\"argv\":[\"enosys\",\"101\"],\"wait\":true}", 200);
	a = call(&d, "GET", "/v1/sandboxes/p/forkstat", NULL, 200);
	assert_int_equal(counter(a, "cntfork"), 11);
	assert_int_equal(counter(a, "sizfork"), 110);
	assert_string_equal(json_string_value(json_object_get(
				json_array_get(answer_member(a, "enosys"), 0), "name")),
			    "ptrace");
	enosys = json_integer_value(
	    json_object_get(json_array_get(answer_member(a, "enosys"), 0), "nr"));
	assert_int_equal(enosys, 101);
	a = call(&d, "GET", "/v1/forkstat", NULL, 200);
	assert_int_equal(counter(a, "forks"), before + 42);
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
	call(&d, "DELETE", "/v1/sandboxes/q", NULL, 204);
	/* Counters stay in the sum, gauges do not. */
	a = call(&d, "GET", "/v1/forkstat", NULL, 200);
	assert_int_equal(counter(a, "forks"), before + 42);
	assert_int_equal(counter(a, "frames_total"), 0);
}

static void
test_events(void **state)
{
	char buf[16384] = "";
	struct answer *a;
	int fd = dial(&d);

	(void)state;
	send_text(fd, "GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n");
	assert_true(read_until(fd, buf, sizeof(buf), "text/event-stream"));
	make_sandbox(&d, "{\"name\":\"p\",\"events\":true}");
	launch("p", "{\"argv\":[\"fork\",\"2\"],\"wait\":true}", 200);
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
	assert_true(read_until(fd, buf, sizeof(buf), "event: sandbox.created\ndata: {"));
	assert_true(read_until(fd, buf, sizeof(buf), "event: process.fork\ndata: {"));
	assert_true(read_until(fd, buf, sizeof(buf), "event: sandbox.deleted\ndata: {"));
	close(fd);
	a = call(&d, "GET", "/v1/events?since=0&follow=0", NULL, 200);
	assert_true(a->len > 1000);
	call(&d, "GET", "/v1/events?sandbox=nope", NULL, 404);
}

/* A reader that is too far behind is told how much it has missed. */
static void
test_events_dropped(void **state)
{
	struct answer *a;

	(void)state;
	make_sandbox(&d, "{\"name\":\"p\",\"events\":true}");
	launch("p", "{\"argv\":[\"fork\",\"6000\"],\"wait\":true}", 200);
	a = call(&d, "GET", "/v1/events?since=0&follow=0", NULL, 200);
	assert_non_null(strstr(a->body, "\"type\":\"dropped\",\"count\":"));
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
}

/* ---- templates and forks ------------------------------------------------------------------- */

static void
test_templates(void **state)
{
	struct answer *a;
	const char *id;

	(void)state;
	make_sandbox(&d, "{\"name\":\"p\"}");
	launch("p", "{\"argv\":[\"fork\",\"4\"],\"wait\":true}", 200);
	launch("p", "{\"argv\":[\"sleep\"]}", 201);
	a = call(&d, "POST", "/v1/sandboxes/p/template", "{\"name\":\"warm\"}", 201);
	id = fmt("%s", answer_text(a, "id"));
	assert_string_equal(header(a, "Location"), fmt("/v1/templates/%s", id));
	assert_int_equal(answer_number(a, "launches"), 1);
	a = call(&d, "POST", "/v1/sandboxes/p/template", "{\"name\":\"warm\"}", 409);
	assert_string_equal(problem_slug(a), "name-in-use");
	call(&d, "POST", "/v1/sandboxes/p/template", NULL, 201);
	a = call(&d, "GET", "/v1/templates?limit=1", NULL, 200);
	a = call(&d, "GET", fmt("/v1/templates?cursor=%s", answer_text(a, "next")), NULL, 200);
	assert_int_equal(json_array_size(answer_member(a, "items")), 1);
	/* The original may go; clones live on, also without the template. */
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
	make_sandbox(&d, "{\"name\":\"c\",\"template\":\"warm\"}");
	a = call(&d, "GET", "/v1/sandboxes/c", NULL, 200);
	assert_string_equal(answer_text(a, "template"), id);
	a = call(&d, "GET", "/v1/templates/warm", NULL, 200);
	assert_int_equal(answer_number(a, "clones"), 1);
	call(&d, "DELETE", "/v1/templates/warm", NULL, 204);
	a = call(&d, "POST", "/v1/sandboxes", "{\"template\":\"warm\"}", 404);
	assert_string_equal(problem_slug(a), "unknown-template");
	/* Its process is the one that was launched in the original. */
	call(&d, "POST", "/v1/sandboxes/c/processes/l2/signal", "{\"signal\":9}", 204);
	a = call(&d, "GET", "/v1/sandboxes/c/processes/l2/wait", NULL, 200);
	assert_int_equal(answer_number(a, "signal"), SIGKILL);
	call(&d, "DELETE", "/v1/sandboxes/c", NULL, 204);
	a = call(&d, "GET", "/v1/templates", NULL, 200);
	call(&d, "DELETE",
	     fmt("/v1/templates/%s", json_string_value(json_object_get(
					 json_array_get(answer_member(a, "items"), 0), "id"))),
	     NULL, 204);
}

/* A program that is fed goes on in each clone, by itself. */
static void
test_fork_sandbox(void **state)
{
	struct answer *a;
	json_int_t before;

	(void)state;
	before = counter(call(&d, "GET", "/v1/forkstat", NULL, 200), "forks");
	make_sandbox(&d, "{\"name\":\"p\"}");
	launch("p", "{\"argv\":[\"fork\",\"5\"],\"wait\":true}", 200);
	launch("p", "{\"argv\":[\"cat\"],\"stdin\":\"open\",\"uid\":7}", 201);
	a = call(&d, "POST", "/v1/sandboxes/p/fork", "{\"count\":3,\"names\":[\"a\",\"b\"]}", 201);
	assert_int_equal(json_array_size(answer_member(a, "items")), 3);
	call(&d, "DELETE",
	     fmt("/v1/sandboxes/%s", json_string_value(json_object_get(
					 json_array_get(answer_member(a, "items"), 2), "id"))),
	     NULL, 204);
	call_raw(&d, "PUT", "/v1/sandboxes/a/processes/l2/stdin?eof=1", NULL, "in a", 4, 204);
	call_raw(&d, "PUT", "/v1/sandboxes/b/processes/l2/stdin?eof=1", NULL, "in b", 4, 204);
	a = call(&d, "GET", "/v1/sandboxes/a/processes/l2/stdout?follow=1", NULL, 200);
	assert_string_equal(a->body, "in a");
	a = call(&d, "GET", "/v1/sandboxes/b/processes/l2/stdout?follow=1", NULL, 200);
	assert_string_equal(a->body, "in b");
	a = call(&d, "GET", "/v1/sandboxes/p/processes/l2", NULL, 200);
	assert_string_equal(
	    json_string_value(json_object_get(answer_member(a, "launched"), "state")), "running");
	/* Counters go on from the template's; the sum has them once. */
	launch("a", "{\"argv\":[\"fork\",\"2\"],\"wait\":true}", 200);
	assert_int_equal(counter(call(&d, "GET", "/v1/sandboxes/a/forkstat", NULL, 200), "forks"),
			 7);
	assert_int_equal(counter(call(&d, "GET", "/v1/forkstat", NULL, 200), "forks"), before + 7);
	a = call(&d, "POST", "/v1/sandboxes/p/fork", "{\"count\":2,\"names\":[\"z\",\"a\"]}", 409);
	assert_string_equal(problem_slug(a), "name-in-use");
	a = call(&d, "POST", "/v1/sandboxes/p/fork", "{\"count\":64}", 429);
	call(&d, "POST", "/v1/sandboxes/p/fork", "{\"count\":0}", 400);
	call(&d, "POST", "/v1/sandboxes/p/fork", "{\"names\":[\"x y\"]}", 400);
	call(&d, "POST", "/v1/sandboxes/p/fork", "{\"names\":[\"x\",\"y\"]}", 400);
	for (const char *name = "pab"; *name != '\0'; name++)
		call(&d, "DELETE", fmt("/v1/sandboxes/%c", *name), NULL, 204);
}

/* ---- limits -------------------------------------------------------------------------------- */

static void
test_max_sandboxes(void **state)
{
	struct answer *a;

	(void)state;
	for (int i = 0; i < 20; i++)
		make_sandbox(&d, fmt("{\"name\":\"n%d\"}", i));
	a = call(&d, "POST", "/v1/sandboxes", NULL, 429);
	assert_string_equal(problem_slug(a), "too-many-sandboxes");
	for (int i = 0; i < 20; i++)
		call(&d, "DELETE", fmt("/v1/sandboxes/n%d", i), NULL, 204);
}

/* What a clone has counted stays in the sum, also between the reset and the news of it. */
static void
test_reset_sum(void **state)
{
	json_int_t before;
	struct answer *a;

	(void)state;
	make_sandbox(&d, "{\"name\":\"p\"}");
	launch("p", "{\"argv\":[\"fork\",\"4\"],\"wait\":true}", 200);
	call(&d, "POST", "/v1/sandboxes/p/template", "{\"name\":\"warm\"}", 201);
	a = call(&d, "POST", "/v1/sandboxes/p/reset", NULL, 409);
	assert_string_equal(problem_slug(a), "wrong-state");
	before = counter(call(&d, "GET", "/v1/forkstat", NULL, 200), "forks");
	make_sandbox(&d, "{\"name\":\"c\",\"template\":\"warm\"}");
	make_sandbox(&d, "{\"name\":\"s\",\"template\":\"warm\",\"hostname\":\"slow\"}");
	launch("c", "{\"argv\":[\"fork\",\"3\"],\"wait\":true}", 200);
	launch("s", "{\"argv\":[\"fork\",\"5\"],\"wait\":true}", 200);
	call(&d, "POST", "/v1/sandboxes/c/reset", NULL, 200);
	a = call(&d, "GET", "/v1/sandboxes/c/forkstat", NULL, 200);
	assert_int_equal(counter(a, "forks"), 4);
	a = call(&d, "POST", "/v1/sandboxes/s/reset", NULL, 504);
	assert_string_equal(problem_slug(a), "guest-timeout");
	a = call(&d, "GET", "/v1/forkstat", NULL, 200);
	assert_int_equal(counter(a, "forks"), before + 8);
	/* Nor does it get lost with one that never came back. */
	call(&d, "DELETE", "/v1/sandboxes/s", NULL, 204);
	a = call(&d, "GET", "/v1/forkstat", NULL, 200);
	assert_int_equal(counter(a, "forks"), before + 8);
	call(&d, "DELETE", "/v1/sandboxes/c", NULL, 204);
	call(&d, "DELETE", "/v1/sandboxes/p", NULL, 204);
	call(&d, "DELETE", "/v1/templates/warm", NULL, 204);
}

/* Sandboxes and templates cannot take the descriptors that clients need. */
static void
test_descriptors(void **state)
{
	const struct rlimit few = {80, 80};
	struct daemon poor;
	struct answer *a;
	int made = 1, status;

	(void)state;
	daemon_start(&poor, NULL);
	make_sandbox(&poor, "{\"name\":\"s0\"}");
	assert_int_equal(prlimit(poor.pid, RLIMIT_NOFILE, &few, NULL), 0);
	for (;; made++) {
		a = call(&poor, "POST", "/v1/sandboxes", fmt("{\"name\":\"s%d\"}", made), 0);
		status = a->status;
		if (status != 201)
			break;
	}
	assert_int_equal(status, 503);
	assert_string_equal(problem_slug(a), "no-files");
	assert_in_range(made, 4, 15);
	a = call(&poor, "POST", "/v1/sandboxes/s0/fork", NULL, 503);
	assert_string_equal(problem_slug(a), "no-files");
	a = call(&poor, "POST", "/v1/sandboxes/s0/template", NULL, 503);
	assert_string_equal(problem_slug(a), "no-files");
	call(&poor, "GET", "/v1/forkstat", NULL, 200);
	call(&poor, "DELETE", "/v1/sandboxes/s1", NULL, 204);
	call(&poor, "DELETE", "/v1/sandboxes/s2", NULL, 204);
	make_sandbox(&poor, "{\"name\":\"again\"}");
	daemon_stop(&poor);
}

/* Requests that are found when the daemon is ending already: it ends well, and none is left
 * waiting.
 */
static void
test_end(void **state)
{
	static const char *const requests[] = {
	    "GET /v1/sandboxes/p/processes/l1/wait HTTP/1.1\r\nHost: x\r\n\r\n",
	    "GET /v1/sandboxes/p/processes/l1/stdout?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n",
	    "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n",
	    "POST /v1/sandboxes/p/fork HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
	    "PUT /v1/sandboxes/p/processes/l1/stdin HTTP/1.1\r\nHost: x\r\nContent-Length: "
	    "9\r\n\r\nhalf",
	};
	int fd[sizeof(requests) / sizeof(requests[0])], status;
	struct daemon ending;

	(void)state;
	daemon_start(&ending, NULL);
	make_sandbox(&ending, "{\"name\":\"p\"}");
	call(&ending, "POST", "/v1/sandboxes/p/processes",
	     "{\"argv\":[\"cat\"],\"stdin\":\"open\"}", 201);
	kill(ending.pid, SIGSTOP);
	assert_int_equal(waitpid(ending.pid, &status, WUNTRACED), ending.pid);
	kill(ending.pid, SIGTERM);
	for (size_t i = 0; i < sizeof(fd) / sizeof(fd[0]); i++) {
		fd[i] = dial(&ending);
		send_text(fd[i], requests[i]);
	}
	kill(ending.pid, SIGCONT);
	daemon_stop(&ending);
	for (size_t i = 0; i < sizeof(fd) / sizeof(fd[0]); i++) {
		char answer[4096] = "";

		if (read_until(fd[i], answer, sizeof(answer), "\r\n"))
			assert_memory_equal(answer, "HTTP/1.1 503 ", 13);
		close(fd[i]);
	}
}

/* What a slow follower missed may be the news that it waits for: its sandbox is gone all the same.
 */
static void
test_slow_follower(void **state)
{
	static char buf[4 << 20];
	int fd;

	(void)state;
	make_sandbox(&d, "{\"name\":\"short\",\"events\":true}");
	make_sandbox(&d, "{\"name\":\"long\",\"events\":true}");
	fd = dial(&d);
	send_text(fd, "GET /v1/events?sandbox=short&since=0 HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(read_until(fd, buf, sizeof(buf), "\r\n\r\n"));
	/* More than the connection holds; then as many that it is not told of. */
	call(&d, "POST", "/v1/sandboxes/short/processes",
	     "{\"argv\":[\"fork\",\"5000\"],\"wait\":true}", 200);
	call(&d, "DELETE", "/v1/sandboxes/short", NULL, 204);
	call(&d, "POST", "/v1/sandboxes/long/processes",
	     "{\"argv\":[\"fork\",\"5000\"],\"wait\":true}", 200);
	assert_true(read_until(fd, buf, sizeof(buf), "\r\n0\r\n\r\n"));
	assert_non_null(strstr(buf, "\"dropped\""));
	assert_null(strstr(buf, "sandbox.deleted"));
	close(fd);
	call(&d, "DELETE", "/v1/sandboxes/long", NULL, 204);
}

int
main(void)
{
	static const char *const args[] = {"--max-sandboxes", "20", "--guest-timeout", "200", NULL};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_service),          cmocka_unit_test(test_sandbox_life),
	    cmocka_unit_test(test_created_location), cmocka_unit_test(test_pages),
	    cmocka_unit_test(test_boot_failure),     cmocka_unit_test(test_boot_timeout),
	    cmocka_unit_test(test_vmm_killed),       cmocka_unit_test(test_bad_guests),
	    cmocka_unit_test(test_mute_guest),       cmocka_unit_test(test_starts),
	    cmocka_unit_test(test_forkstat),         cmocka_unit_test(test_events),
	    cmocka_unit_test(test_events_dropped),   cmocka_unit_test(test_templates),
	    cmocka_unit_test(test_slow_follower),    cmocka_unit_test(test_reset_sum),
	    cmocka_unit_test(test_fork_sandbox),     cmocka_unit_test(test_max_sandboxes),
	    cmocka_unit_test(test_descriptors),      cmocka_unit_test(test_end),
	};

	return RUN_WITH_DAEMON(&d, args, tests);
}
