/* SPDX-License-Identifier: ISC */
/*
 * fuzz.c: the skeleton of a snapshot fuzzer.
 *
 * usage: fuzz TARGET EXECUTIONS [SEED]
 *
 * TARGET (static, as examples/fuzz_target.c) runs in a sandbox up to the point where it would read
 * its input, where it asks for a template with tine_freeze().  One clone of that is given input
 * after input, and reset in between: whatever an input does to it, the next one meets the same
 * machine.
 *
 * Prints executions per second, and each input that ended the target by a signal.  Exit status: 0
 * if there was one, 3 if there was none.  What a fuzzer needs beside this is a corpus that grows by
 * coverage.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"

#define INPUT_MAX 64u

static const uint8_t valid[] = {'t', 'a', 'g', 'L', 3, 'a', 'b', 'c'};

/* xorshift64: the same inputs for the same seed */
static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* The valid input with one byte changed. */
static size_t
mutate(uint64_t *state, uint8_t input[INPUT_MAX])
{
	memcpy(input, valid, sizeof(valid));
	input[next_random(state) % sizeof(valid)] = (uint8_t)(next_random(state) >> 32);
	return sizeof(valid);
}

static void
make_clone(const char *target, char id[32], long long *handle)
{
	char *sandbox = make_sandbox(target, 1), *template;
	long long offset = 0;
	json_t *clone;

	*handle = launch(sandbox, "");
	template = read_line(sandbox, *handle, &offset);
	clone = api("POST", json_pack("{s:s}", "template", template), "/v1/sandboxes");
	snprintf(id, 32, "%s", json_string_value(json_object_get(clone, "id")));
	api("DELETE", NULL, "/v1/sandboxes/%s", sandbox);
	json_decref(clone);
	free(template);
	free(sandbox);
}

/* The signal that ended the target, 0 if none did. */
static int
execute(const char *clone, long long handle, const uint8_t *input, size_t len)
{
	json_t *end;
	int sig;

	api_put(input, len, "/v1/sandboxes/%s/processes/l%lld/stdin?eof=1", clone, handle);
	end = api("GET", NULL, "/v1/sandboxes/%s/processes/l%lld/wait", clone, handle);
	sig = (int)json_integer_value(json_object_get(end, "signal"));
	json_decref(end);
	json_decref(api("POST", NULL, "/v1/sandboxes/%s/reset", clone));
	return sig;
}

static void
report(int sig, const uint8_t *input, size_t len)
{
	printf("signal %d:", sig);
	for (size_t i = 0; i < len; i++)
		printf(" %02x", input[i]);
	printf("\n");
}

int
main(int argc, char **argv)
{
	unsigned long n = argc > 2 ? strtoul(argv[2], NULL, 10) : 0, crashes = 0;
	uint64_t state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	struct timespec start, end;
	uint8_t input[INPUT_MAX];
	long long handle;
	char clone[32];
	double seconds;

	if (argc < 3 || argc > 4 || n == 0 || state == 0)
		die("usage: fuzz TARGET EXECUTIONS [SEED]");
	client_init();
	make_clone(argv[1], clone, &handle);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned long i = 0; i < n; i++) {
		size_t len = mutate(&state, input);
		int sig = execute(clone, handle, input, len);

		if (sig != 0)
			report(sig, input, len);
		crashes += sig != 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	printf("%lu executions, %lu crashes, %.1f executions a second\n", n, crashes,
	       (double)n / seconds);
	api("DELETE", NULL, "/v1/sandboxes/%s", clone);
	return crashes > 0 ? 0 : 3;
}
