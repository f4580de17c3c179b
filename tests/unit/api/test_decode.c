/* SPDX-License-Identifier: ISC */
/* test_decode.c: decoders of requests, routes, states, names and text, called directly. */
#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "names.h"
#include "route.h"
#include "state.h"
#include "text.h"

/* ---- JSON ---------------------------------------------------------------------------------- */

static int
decode_process(const char *text, struct process_args *args, struct problem *problem, json_t **json)
{
	memset(problem, 0, sizeof(*problem));
	*args = process_defaults;
	*json = decode_parse(text, strlen(text), problem);
	assert_non_null(*json);
	return decode_body(*json, process_fields, args, problem);
}

static void
test_process_args(void **state)
{
	struct process_args args;
	struct problem problem;
	json_t *json;

	(void)state;
	assert_int_equal(
	    decode_process("{\"argv\":[\"a\",\"b\"],\"env\":{\"A\":\"1\",\"B\":\"\"},"
			   "\"cwd\":\"/x\",\"uid\":1,\"gid\":2,\"tty\":{\"rows\":3},"
			   "\"stdin\":{\"data\":\"hi\"},\"wait\":true,\"timeout_ms\":9,"
			   "\"stdout_policy\":\"block\",\"merge_stderr\":true}",
			   &args, &problem, &json),
	    0);
	assert_int_equal(args.argv.n, 2);
	assert_string_equal(args.argv.v[1], "b");
	assert_null(args.argv.v[2]);
	assert_int_equal(args.env.n, 2);
	assert_string_equal(args.env.v[0], "A=1");
	assert_string_equal(args.env.v[1], "B=");
	assert_string_equal(args.cwd, "/x");
	assert_true(args.tty && args.wait && args.output_block && args.merge && args.env_given);
	assert_int_equal(args.rows, 3);
	assert_int_equal(args.cols, 80);
	assert_int_equal(args.stdin_mode, STDIN_DATA);
	assert_int_equal(args.stdin_data.len, 2);
	process_args_free(&args);
	json_decref(json);
	/* An empty environment is not the same as none. */
	assert_int_equal(decode_process("{\"argv\":[\"a\"],\"env\":[]}", &args, &problem, &json),
			 0);
	assert_true(args.env_given);
	assert_non_null(args.env.v);
	assert_null(args.env.v[0]);
	process_args_free(&args);
	json_decref(json);
}

static void
test_sandbox_args(void **state)
{
	static const char text[] =
	    "{\"sysctls\":{\"kern.maxproc\":100,\"kern.pidpolicy\":\"random\"},"
	    "\"files\":[{\"host_path\":\"/a\",\"guest_path\":\"/b\"}]}";
	struct sandbox_args args = sandbox_defaults;
	struct problem problem = {0};
	json_t *json = decode_parse(text, strlen(text), &problem);

	(void)state;
	assert_int_equal(decode_body(json, sandbox_fields, &args, &problem), 0);
	assert_string_equal(args.sysctls.v[0], "kern.maxproc=100");
	assert_string_equal(args.sysctls.v[1], "kern.pidpolicy=random");
	assert_int_equal(args.nfiles, 1);
	assert_string_equal(args.files[0].guest_path, "/b");
	sandbox_args_free(&args);
	json_decref(json);
}

/* A path deeper or longer than there is room for is cut, not overrun. */
static void
test_long_pointer(void **state)
{
	struct problem problem = {0};
	struct decode d = {.problem = &problem};
	char key[1000];

	(void)state;
	memset(key, '~', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	for (int i = 0; i < 10; i++)
		decode_push(&d, key);
	decode_fail(&d, PROBLEM_BAD_VALUE, "%s", key);
	assert_true(strlen(problem.pointer) < sizeof(problem.pointer));
	assert_true(strlen(problem.pointer) > 200);
}

static void
test_numbers(void **state)
{
	uint64_t n = 0;

	(void)state;
	assert_int_equal(parse_uint("0", 10, &n), 0);
	assert_int_equal(parse_uint("18446744073709551615", UINT64_MAX, &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(parse_uint("18446744073709551616", UINT64_MAX, &n), -1);
	assert_int_equal(parse_uint("11", 10, &n), -1);
	assert_int_equal(parse_uint("", 10, &n), -1);
	assert_int_equal(parse_uint("+1", 10, &n), -1);
	assert_int_equal(parse_uint(" 1", 10, &n), -1);
	assert_int_equal(parse_uint("1 ", 10, &n), -1);
}

/* ---- routes -------------------------------------------------------------------------------- */

static void
test_route_match(void **state)
{
	static char long_name[300];
	char param[ROUTE_PARAMS][ROUTE_PARAM_LEN];

	(void)state;
	assert_true(route_match("/a/{}/b/{}", "/a/x/b/yy", param));
	assert_string_equal(param[0], "x");
	assert_string_equal(param[1], "yy");
	assert_false(route_match("/a/{}", "/a/", param));
	assert_false(route_match("/a/{}", "/a", param));
	assert_false(route_match("/a/{}", "/a/b/c", param));
	assert_false(route_match("/a/{}/b", "/a/x/c", param));
	assert_false(route_match("/a", "/ab", param));
	assert_false(route_match("/ab", "/a", param));
	memset(long_name, 'x', sizeof(long_name) - 1);
	memcpy(long_name, "/a/", 3);
	assert_false(route_match("/a/{}", long_name, param));
}

/* Every row of the table can be reached, is in the contract, and the contract has no others. */
static void
test_routes_and_contract(void **state)
{
	struct contract c = {0};
	const char *path, *method;
	json_t *item, *op;
	size_t rows = 0, ops = 0;

	(void)state;
	if (!contract_load(&c, TINE_OPENAPI))
		fail_msg("%s", c.why);
	for (const struct route *r = api_routes; r->pattern != NULL; r++, rows++) {
		char found[ROUTE_PARAMS][ROUTE_PARAM_LEN], url[256] = "";
		const struct route *hit = NULL;
		struct problem problem = {0};

		for (const char *p = r->pattern; *p != '\0'; p++)
			if (*p == '{')
				strcat(url, "x"), p++;
			else
				strncat(url, p, 1);
		assert_int_equal(route_lookup(api_routes, r->method, url, &hit, found, &problem),
				 0);
		assert_ptr_equal(hit, r);
		/* Status 400 is in the contract of every operation. */
		if (!contract_check(
			&c, r->method, url, 400, "application/problem+json",
			"{\"type\":\"urn:tine:problem:x\",\"title\":\"x\",\"status\":400}", 54))
			fail_msg("%s %s: %s", r->method, url, c.why);
	}
	json_object_foreach (json_object_get(c.doc, "paths"), path, item) {
		json_object_foreach (item, method, op) {
			ops += strcmp(method, "parameters") != 0;
		}
	}
	assert_int_equal(ops, rows);
	contract_free(&c);
}

static void
test_allow(void **state)
{
	char param[ROUTE_PARAMS][ROUTE_PARAM_LEN];
	const struct route *route;
	struct problem problem = {0};

	(void)state;
	assert_int_equal(
	    route_lookup(api_routes, "POST", "/v1/sandboxes/x", &route, param, &problem), -1);
	assert_string_equal(problem.allow, "GET, PATCH, DELETE");
	assert_int_equal(
	    route_lookup(api_routes, "HEAD", "/v1/sandboxes/x", &route, param, &problem), 0);
}

/* ---- states -------------------------------------------------------------------------------- */

static void
test_states(void **state)
{
	(void)state;
	assert_int_equal(api_state_next(API_STARTING, INPUT_READY), API_READY);
	assert_int_equal(api_state_next(API_STARTING, INPUT_GONE), API_FAILED);
	assert_int_equal(api_state_next(API_READY, INPUT_HALTED), API_STOPPED);
	assert_int_equal(api_state_next(API_READY, INPUT_FAILED), API_FAILED);
	/* The reason given first stays: the death that follows a failure changes nothing. */
	assert_int_equal(api_state_next(API_FAILED, INPUT_GONE), API_FAILED);
	assert_int_equal(api_state_next(API_STOPPED, INPUT_GONE), API_STOPPED);
	for (int s = 0; s < API_NSTATES; s++) {
		assert_int_equal(api_state_next((enum api_state)s, INPUT_DELETE), API_DELETING);
		assert_non_null(api_state_name((enum api_state)s));
	}
	for (int i = 0; i < API_NINPUTS; i++)
		assert_int_equal(api_state_next(API_DELETING, (enum api_input)i), API_DELETING);
}

/* ---- text ---------------------------------------------------------------------------------- */

static void
check_base64(const char *bytes, size_t len, const char *text)
{
	char *encoded = base64_encode((const uint8_t *)bytes, len);
	uint8_t *decoded;
	size_t n = 99;
	bool bad;

	assert_string_equal(encoded, text);
	decoded = base64_decode(text, strlen(text), &n, &bad);
	assert_non_null(decoded);
	assert_false(bad);
	assert_int_equal(n, len);
	assert_memory_equal(decoded, bytes, len);
	free(decoded);
	free(encoded);
}

static void
test_base64(void **state)
{
	static const char *const bad_texts[] = {
	    "a",    "ab",    "abc",      "a===", "====", "=abc",
	    "ab=c", "abc\n", "ab==abcd", "QR==", "QUJ=", "a-_b"};
	size_t n;
	bool bad;

	(void)state;
	check_base64("", 0, "");
	check_base64("f", 1, "Zg==");
	check_base64("fo", 2, "Zm8=");
	check_base64("foo", 3, "Zm9v");
	check_base64("foob", 4, "Zm9vYg==");
	check_base64("\0\xff\xfe", 3, "AP/+");
	for (size_t i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++) {
		assert_null(base64_decode(bad_texts[i], strlen(bad_texts[i]), &n, &bad));
		assert_true(bad);
	}
}

static bool
utf8(const char *text)
{
	return text_is_utf8((const uint8_t *)text, strlen(text));
}

static void
test_utf8(void **state)
{
	(void)state;
	assert_true(utf8("") && utf8("abc\n\x7f") && utf8("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
	assert_false(utf8("\x80") || utf8("\xc3") || utf8("\xc0\xaf") || utf8("\xe0\x80\x80"));
	assert_false(utf8("\xed\xa0\x80") || utf8("\xf4\x90\x80\x80") || utf8("\xff"));
	assert_false(text_is_utf8((const uint8_t *)"a\0b", 3));
}

static void
test_names(void **state)
{
	char buf[24];

	(void)state;
	assert_int_equal(signal_number("TERM"), SIGTERM);
	assert_int_equal(signal_number("sigterm"), SIGTERM);
	assert_int_equal(signal_number("9"), 9);
	assert_int_equal(signal_number("0"), 0);
	assert_int_equal(signal_number("RTMIN+2"), 36);
	assert_int_equal(signal_number("65"), -1);
	assert_int_equal(signal_number("RTMIN+31"), -1);
	assert_int_equal(signal_number(""), -1);
	assert_int_equal(signal_number("SIG"), -1);
	for (int sig = 1; sig <= 64; sig++)
		if (sig != 32 && sig != 33)
			assert_int_equal(signal_number(signal_name(sig, buf, sizeof(buf))), sig);
	assert_string_equal(syscall_name(57, buf, sizeof(buf)), "fork");
	assert_string_equal(syscall_name(435, buf, sizeof(buf)), "clone3");
	assert_string_equal(syscall_name(400, buf, sizeof(buf)), "nr_400");
	assert_string_equal(syscall_name(512, buf, sizeof(buf)), "native_512");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_process_args), cmocka_unit_test(test_sandbox_args),
	    cmocka_unit_test(test_long_pointer), cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_route_match),  cmocka_unit_test(test_routes_and_contract),
	    cmocka_unit_test(test_allow),        cmocka_unit_test(test_states),
	    cmocka_unit_test(test_base64),       cmocka_unit_test(test_utf8),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
