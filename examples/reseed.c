/* SPDX-License-Identifier: ISC */
/*
 * reseed.c: a random generator inside a program that survives being cloned with its sandbox.
 *
 * Libraries such as OpenSSL have a generator of their own, seeded once; clones of the sandbox would
 * all go on with the same numbers.  This one compares the page of tine_generation_page(2) with the
 * generation it was seeded in: one load for each number.
 *
 * usage: reseed [-n]; answers each line of standard input with 16 hexadecimal digits.  -n: never
 * look at the page, to see what happens without.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <tine.h>

/* ChaCha20 as in RFC 8439, each block's first half the next key (fast key erasure). */
static struct {
	uint32_t key[8];
	uint64_t generation; /* that the key was drawn in */
	bool seeded;
} rng;

static const volatile struct tine_generation *page; /* NULL: do not look */

static uint32_t
rotl(uint32_t v, int n)
{
	return v << n | v >> (32 - n);
}

static void
quarter_round(uint32_t x[16], int a, int b, int c, int d)
{
	x[a] += x[b];
	x[d] = rotl(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotl(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotl(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotl(x[b] ^ x[c], 7);
}

static uint64_t
next_number(void)
{
	uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, x[16];
	uint64_t number;

	memcpy(&in[4], rng.key, sizeof(rng.key));
	memcpy(x, in, sizeof(x));
	for (int i = 0; i < 10; i++) {
		for (int c = 0; c < 4; c++)
			quarter_round(x, c, 4 + c, 8 + c, 12 + c);
		for (int c = 0; c < 4; c++)
			quarter_round(x, c, 4 + (c + 1) % 4, 8 + (c + 2) % 4, 12 + (c + 3) % 4);
	}
	for (int i = 0; i < 16; i++)
		x[i] += in[i];
	memcpy(rng.key, x, sizeof(rng.key));
	memcpy(&number, &x[8], sizeof(number));
	return number;
}

/* The fences keep the compiler from moving the page's load past what it is to guard. */
static bool
is_stale(void)
{
	atomic_signal_fence(memory_order_seq_cst);
	return !rng.seeded || (page != NULL && page->generation != rng.generation);
}

/* The generation is noted down before the seed is asked for: a clone made in between is noticed. */
static bool
reseed(void)
{
	if (page != NULL)
		rng.generation = page->generation;
	atomic_signal_fence(memory_order_seq_cst);
	rng.seeded = getrandom(rng.key, sizeof(rng.key), 0) == sizeof(rng.key);
	return rng.seeded;
}

/* The page is looked at once more behind the number: the clone may have been made while it was on
 * its way, and then the original has it too. */
static bool
draw(uint64_t *number)
{
	do {
		if (is_stale() && !reseed())
			return false;
		*number = next_number();
	} while (is_stale());
	return true;
}

int
main(int argc, char **argv)
{
	bool watch = argc < 2 || strcmp(argv[1], "-n") != 0;
	uint64_t number;
	char line[256];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (watch && (page = tine_generation_page()) == NULL) {
		perror("reseed: tine_generation_page");
		return 1;
	}
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (!draw(&number)) {
			perror("reseed: getrandom");
			return 1;
		}
		printf("%016" PRIx64 "\n", number);
	}
	return 0;
}
