/* SPDX-License-Identifier: ISC */
/*
 * warm_function.c: a function that needs a big table; made once, before the template is.
 *
 * Says how many primes there are up to N, for the N of one line of its standard input.  It runs in
 * a sandbox that examples/host/warm_server.c makes: the original works out the table, asks for the
 * template and ends; each clone goes on behind tine_freeze(), with the table in place, and serves
 * one request.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tine.h>

#define LIMIT 1000000u

static uint32_t upto[LIMIT + 1]; /* primes up to the index */

static void
make_table(void)
{
	static uint8_t composite[LIMIT + 1];

	for (uint32_t i = 2; i <= LIMIT; i++) {
		upto[i] = upto[i - 1] + !composite[i];
		for (uint64_t j = (uint64_t)i * i; !composite[i] && j <= LIMIT; j += i)
			composite[j] = 1;
	}
}

static int
serve(void)
{
	unsigned long n;

	if (scanf("%lu", &n) != 1 || n > LIMIT) {
		printf("a number up to %u expected\n", LIMIT);
		return 1;
	}
	printf("%u\n", upto[n]);
	return 0;
}

int
main(void)
{
	long id;

	make_table();
	id = tine_freeze();
	if (id == 0)
		return serve();
	if (id < 0) {
		perror("tine_freeze");
		return 1;
	}
	printf("%016lx\n", (unsigned long)id);
	return 0;
}
