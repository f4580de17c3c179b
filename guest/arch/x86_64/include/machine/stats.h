/* SPDX-License-Identifier: ISC */
/*
 * stats.h: counters in the statistics page, written in place under its seqlock.
 *
 * A counter is one aligned 64-bit store, so single increments need no seqlock; groups that must be
 * seen together (a fork's) are bracketed by stats_begin()/stats_end().
 */
#ifndef MACHINE_STATS_H
#define MACHINE_STATS_H
#include "abi/abi.h"
#include "abi/stats.h"

extern struct tine_stats *kstats; /* shared region; a private page until it is mapped */
#define STAT_INC(field)                                                                            \
	((void)kstats->field++) /* one instruction; volatile would make it three                   \
				 */
#define STAT_ADD(field, n) ((void)(kstats->field += (uint64_t)(n)))
#define STAT_SET(field, n) ((void)(*(volatile uint64_t *)&kstats->field = (uint64_t)(n)))
static inline void
stats_begin(void)
{
	*(volatile uint32_t *)&kstats->seq = kstats->seq + 1;
	__asm__ volatile("" ::: "memory");
}
static inline void
stats_end(void)
{
	__asm__ volatile("" ::: "memory");
	*(volatile uint32_t *)&kstats->seq = kstats->seq + 1;
}
static inline void
hist_add(struct tine_hist *h, uint64_t cycles)
{
	unsigned b = cycles == 0 ? 0 : 63 - (unsigned)__builtin_clzll(cycles);
	h->count++;
	h->sum += cycles;
	h->bucket[b < TINE_HIST_BUCKETS ? b : TINE_HIST_BUCKETS - 1]++;
}
#endif
