/* SPDX-License-Identifier: ISC */
/* clock.h: wall-clock times as the API writes them. */
#ifndef TINE_API_CLOCK_H
#define TINE_API_CLOCK_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define RFC3339_LEN 32

static inline uint64_t
realtime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* "2024-05-01T12:00:00.123456Z" */
static inline const char *
rfc3339(uint64_t ns, char text[RFC3339_LEN])
{
	time_t sec = (time_t)(ns / 1000000000u);
	struct tm tm;
	size_t n;

	gmtime_r(&sec, &tm);
	n = strftime(text, RFC3339_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, RFC3339_LEN - n, ".%06uZ", (unsigned)(ns % 1000000000u / 1000u));
	return text;
}

static inline const char *
rfc3339_now(char text[RFC3339_LEN])
{
	return rfc3339(realtime_ns(), text);
}

#endif
