/* SPDX-License-Identifier: ISC */
/* phases.c: what the start of a sandbox spends its time on. */
#include <string.h>
#include <time.h>

#include "phases.h"

static struct {
	uint64_t at; /* end of the last phase */
	uint64_t start, requested;
	uint64_t ns[START_NPHASES];
} times;

uint64_t
monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void
phase_end(enum start_phase phase)
{
	uint64_t now = monotonic_ns();

	times.ns[phase] += now - times.at;
	times.at = now;
}

void
phases_begin(uint64_t start_ns)
{
	times.at = times.start = times.requested = start_ns;
	phase_end(START_PROCESS);
}

void
phases_request(uint64_t requested_ns)
{
	times.requested = requested_ns;
	if (requested_ns < times.start) {
		times.ns[START_PROCESS] += times.start - requested_ns;
		times.start = requested_ns;
	}
}

void
phases_report(struct vmm_started *started)
{
	memcpy(started->phase_ns, times.ns, sizeof(started->phase_ns));
	started->start_ns = times.at - times.requested;
	started->prepared_ns = times.requested - times.start;
}
