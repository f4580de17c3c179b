/* SPDX-License-Identifier: ISC */
/* measure.h: what the benchmarks that are one program share: time, the middle one of several. */
#ifndef TINE_BENCH_MEASURE_H
#define TINE_BENCH_MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS_MAX 1000

/* CLOCK_MONOTONIC in nanoseconds. */
static inline uint64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A benchmark without one of its steps measures nothing: it ends. */
static inline void
need(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static inline int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Sorts them; n is at least 1. */
static inline uint64_t
median(uint64_t *v, size_t n)
{
	qsort(v, n, sizeof(v[0]), compare);
	return v[n / 2];
}

#endif
