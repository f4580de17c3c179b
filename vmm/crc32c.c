/* SPDX-License-Identifier: ISC */
/* crc32c.c: checksums of templates. */
#include <nmmintrin.h>
#include <string.h>

#include "crc32c.h"

#define POLYNOMIAL 0x82f63b78u /* bits reversed */

static uint32_t
by_bits(uint32_t crc, const uint8_t *p, size_t len)
{
	while (len-- > 0) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (POLYNOMIAL & -(crc & 1));
	}
	return crc;
}

__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t c = crc, word;

#pragma GCC unroll 8
	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		c = _mm_crc32_u64(c, word);
	}
	crc = (uint32_t)c;
	while (len-- > 0)
		crc = _mm_crc32_u8(crc, *p++);
	return crc;
}

uint32_t
crc32c(uint32_t crc, const void *data, size_t len)
{
	crc = ~crc;
	crc = __builtin_cpu_supports("sse4.2") ? by_instruction(crc, data, len)
					       : by_bits(crc, data, len);
	return ~crc;
}
