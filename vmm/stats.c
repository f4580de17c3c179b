/* SPDX-License-Identifier: ISC */
/* stats.c: read the statistics page while its writer runs, hangs or has died. */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "abi/abi.h"
#include "forkstat.h"
#include "vmm.h"

/* A writer that runs needs microseconds; one that was preempted, a time slice; a dead one never
 * ends. */
#define TRIES 256
#define TRIES_BEFORE_YIELD 16

int
stats_read(const uint8_t *shared_region, struct tine_stats *stats, bool *torn)
{
	const struct tine_stats *page = (const void *)(shared_region + TINE_SHARED_STATS);

	*torn = true;
	for (int i = 0; *torn && i < TRIES; i++) {
		uint32_t seq = __atomic_load_n(&page->seq, __ATOMIC_ACQUIRE);

		if (i >= TRIES_BEFORE_YIELD)
			sched_yield();
		if ((seq & 1) != 0 && i + 1 < TRIES)
			continue;
		memcpy(stats, page, sizeof(*stats));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		*torn = (seq & 1) != 0 || __atomic_load_n(&page->seq, __ATOMIC_RELAXED) != seq;
	}
	if (stats->magic != TINE_STATS_MAGIC || stats->version != TINE_ABI_VERSION)
		return -ENODATA;
	return 0;
}

uint64_t
hist_quantile(const struct tine_hist *hist, double q)
{
	uint64_t total = 0, seen = 0;
	double want;

	/* The buckets are the truth: count is another word of the guest's. */
	for (unsigned b = 0; b < TINE_HIST_BUCKETS; b++)
		total += hist->bucket[b];
	if (total == 0 || !(q >= 0.0))
		return 0;
	want = (q > 1.0 ? 1.0 : q) * (double)total;
	for (unsigned b = 0; b < TINE_HIST_BUCKETS; b++) {
		seen += hist->bucket[b];
		if (hist->bucket[b] != 0 && (double)seen >= want)
			return (2ull << b) - 1;
	}
	return (1ull << TINE_HIST_BUCKETS) - 1;
}
