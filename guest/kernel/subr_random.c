/* SPDX-License-Identifier: ISC */
/*
 * subr_random.c: the kernel's random bytes: ChaCha20 with fast key erasure (Bernstein, 2017).
 *
 * Each refill makes REFILL_BLOCKS of keystream; its first 32 bytes become the next key at once and
 * handed-out bytes are erased, so that a later look at memory tells nothing about earlier output.
 */
#include <sys/md.h>
#include <sys/random.h>
#include <sys/systm.h>

#define KEY_WORDS 8
#define BLOCK_WORDS 16
#define REFILL_BLOCKS 4 /* a start needs one refill, and pays for all of it */
#define POOL_BYTES ((size_t)(REFILL_BLOCKS * 64))
#define KEY_BYTES 32UL
#define MIX_REFILLS 256 /* hardware randomness is mixed in again after so many refills */

static struct {
	uint32_t key[KEY_WORDS];
	uint8_t pool[POOL_BYTES];
	size_t used; /* pool bytes handed out or spent on the key */
	unsigned refills;
} rng __resume_data = {.used = POOL_BYTES};

static inline uint32_t
rotl(uint32_t v, int n)
{
	return v << n | v >> (32 - n);
}

static inline void
quarter_round(uint32_t *x, int a, int b, int c, int d)
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

void
chacha20_block(const uint32_t in[16], uint32_t out[16])
{
	uint32_t x[BLOCK_WORDS];

	memcpy(x, in, sizeof(x));
	for (int i = 0; i < 10; i++) {
		quarter_round(x, 0, 4, 8, 12);
		quarter_round(x, 1, 5, 9, 13);
		quarter_round(x, 2, 6, 10, 14);
		quarter_round(x, 3, 7, 11, 15);
		quarter_round(x, 0, 5, 10, 15);
		quarter_round(x, 1, 6, 11, 12);
		quarter_round(x, 2, 7, 8, 13);
		quarter_round(x, 3, 4, 9, 14);
	}
	for (int i = 0; i < BLOCK_WORDS; i++)
		out[i] = x[i] + in[i];
}

static void
mix_hardware(void)
{
	uint64_t v;

	for (int i = 0; i < KEY_WORDS; i += 2) {
		if (!cpu_random64(&v))
			return;
		rng.key[i] ^= (uint32_t)v;
		rng.key[i + 1] ^= (uint32_t)(v >> 32);
	}
}

/* Block n of the key's stream. */
static void
key_block(uint32_t n, uint32_t out[BLOCK_WORDS])
{
	uint32_t in[BLOCK_WORDS] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

	memcpy(&in[4], rng.key, sizeof(rng.key));
	in[12] = n;
	chacha20_block(in, out);
}

static void
refill(void)
{
	uint32_t out[BLOCK_WORDS];

	if (rng.refills++ % MIX_REFILLS == 0)
		mix_hardware();
	for (uint32_t i = 0; i < REFILL_BLOCKS; i++) {
		key_block(i, out);
		memcpy(&rng.pool[(size_t)i * 64], out, 64);
	}
	memcpy(rng.key, rng.pool, KEY_BYTES);
	memset(rng.pool, 0, KEY_BYTES);
	rng.used = KEY_BYTES;
}

/* Absorb the seed 32 bytes at a time: each step's key depends on all seeds and keys before it. What
 * is in the pool comes from a key before, which clones share: it is dropped for the other half of
 * the last block.  A whole pool is made when somebody wants more, not while a clone is waited for.
 */
void
random_seed(const void *seed, size_t len)
{
	uint32_t out[BLOCK_WORDS];
	const uint8_t *p = seed;

	do {
		uint8_t chunk[KEY_BYTES] = {0};
		uint32_t words[KEY_WORDS];
		size_t n = MIN(len, KEY_BYTES);

		memcpy(chunk, p, n);
		memcpy(words, chunk, sizeof(words));
		for (int i = 0; i < KEY_WORDS; i++)
			rng.key[i] ^= words[i];
		key_block(0, out);
		memcpy(rng.key, out, KEY_BYTES);
		p += n;
		len -= n;
	} while (len > 0);
	memset(rng.pool, 0, sizeof(rng.pool));
	rng.used = POOL_BYTES - KEY_BYTES;
	memcpy(&rng.pool[rng.used], &out[KEY_WORDS], KEY_BYTES);
	rng.refills = 0;
}

void
random_stir(uint64_t v)
{
	static unsigned next;

	rng.key[next++ % KEY_WORDS] ^= (uint32_t)v;
	rng.key[next++ % KEY_WORDS] ^= (uint32_t)(v >> 32);
}

void
arc4random_buf(void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len > 0) {
		size_t n;

		if (rng.used == POOL_BYTES)
			refill();
		n = MIN(len, POOL_BYTES - rng.used);
		memcpy(p, &rng.pool[rng.used], n);
		memset(&rng.pool[rng.used], 0, n);
		rng.used += n;
		p += n;
		len -= n;
	}
}

uint32_t
arc4random(void)
{
	uint32_t v;

	arc4random_buf(&v, sizeof(v));
	return v;
}

/* Values below 2^32 mod upper are rejected, so that each remainder has equally many sources. */
uint32_t
arc4random_uniform(uint32_t upper)
{
	uint32_t min, v;

	if (upper < 2)
		return 0;
	min = -upper % upper;
	do
		v = arc4random();
	while (v < min);
	return v % upper;
}
