/* SPDX-License-Identifier: ISC */
/* harness.h: cmocka with what it needs, and a small generator of random numbers. */
#ifndef TINE_TEST_HARNESS_H
#define TINE_TEST_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Repeatable: a failure of a random test can be looked at. */
static inline uint64_t
test_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
