/* SPDX-License-Identifier: ISC */
/*
 * stats.h: the statistics page.  The guest writes it under a seqlock (seq odd = being written);
 * the host reads it while the guest runs, hangs or has died, and treats it as untrusted input.
 * A reader gives up waiting for an even seq after a bounded number of tries and marks the
 * result as torn (a dead guest can leave seq odd).
 *
 * TINE_STAT_COUNTERS names every 64-bit counter once: X(field, description).  The JSON codec, the
 * documentation and the guest's own forkstat call are made from this list.
 */
#ifndef TINE_ABI_STATS_H
#define TINE_ABI_STATS_H

#include <stddef.h>
#include <stdint.h>

#define TINE_STATS_MAGIC 0x73746174u
#define TINE_HIST_BUCKETS                                                                          \
	48u /* bucket b counts values v with 2^b <= v < 2^(b+1); bucket 0 also v = 0 */
#define TINE_NSYSCALL 640u /* Linux numbers 0..511, then the native range */

#define TINE_STAT_COUNTERS(X)                                                                      \
	X(cntfork, "successful forks")                                                             \
	X(cntvfork, "successful vforks")                                                           \
	X(cnttfork, "threads created (__tfork, clone with CLONE_THREAD)")                          \
	X(cntkthread, "processes created by the kernel itself")                                    \
	X(cntrfork, "successful rforks and clones with other flags")                               \
	X(sizfork, "pages (data + stack) of the new address space, summed over forks")             \
	X(sizvfork, "the same over vforks")                                                        \
	X(siztfork, "the same over threads")                                                       \
	X(sizkthread, "the same over kernel-made processes")                                       \
	X(sizrfork, "the same over rforks")                                                        \
	X(forks, "all of them")                                                                    \
	X(forks_ppwait, "forks whose parent waited for exec or exit")                              \
	X(forks_sharevm, "forks that shared the address space")                                    \
	X(execs, "successful execs")                                                               \
	X(exits, "processes that have exited")                                                     \
	X(nprocesses, "processes now")                                                             \
	X(nthreads, "threads now")                                                                 \
	X(maxproc, "limit on processes")                                                           \
	X(maxthread, "limit on threads")                                                           \
	X(lastpid, "pid allocated last")                                                           \
	X(eagain_maxproc, "forks refused: process limit")                                          \
	X(eagain_maxthread, "forks refused: thread limit")                                         \
	X(eagain_rlimit, "forks refused: RLIMIT_NPROC")                                            \
	X(enomem, "forks refused: no memory")                                                      \
	X(tablefull_suppressed, "table-full messages not logged")                                  \
	X(cow_faults, "write faults on copy-on-write pages")                                       \
	X(cow_pages_copied, "pages copied by them")                                                \
	X(cow_pages_reused, "pages taken over because the faulter was the only owner")             \
	X(pt_pages_shared, "page-table subtrees shared by fork")                                   \
	X(pt_pages_unshared, "page-table pages copied to un-share a path")                         \
	X(zero_fill_faults, "demand-zero faults")                                                  \
	X(file_faults, "faults served from file pages")                                            \
	X(frames_total, "page frames managed")                                                     \
	X(frames_free, "page frames free")                                                         \
	X(frames_shared, "frames and page-table pages with more than one reference")               \
	X(frames_pt, "frames used as page-table pages")                                            \
	X(syscalls, "system calls")                                                                \
	X(ctxswitches, "context switches")                                                         \
	X(interrupts, "interrupts taken")                                                          \
	X(signals, "signals delivered to handlers")                                                \
	X(oom_kills, "processes killed for want of memory")                                        \
	X(events_dropped, "events lost because the ring to the host was full")                     \
	X(boot_ns, "time from kernel entry to ready, nanoseconds")

struct tine_hist {
	uint64_t count;
	uint64_t sum; /* TSC cycles */
	uint32_t bucket[TINE_HIST_BUCKETS];
};

struct tine_stats {
	uint32_t magic;   /* OUT */
	uint32_t version; /* OUT TINE_ABI_VERSION */
	uint32_t seq;     /* OUT odd while being written */
	uint32_t pad;
	uint64_t tsc_khz; /* OUT to turn cycles into nanoseconds */
#define TINE_STAT_FIELD(name, text) uint64_t name;
	TINE_STAT_COUNTERS(TINE_STAT_FIELD)
#undef TINE_STAT_FIELD
	struct tine_hist fork, vfork, exec, cow; /* OUT latency, TSC cycles */
	uint32_t enosys[TINE_NSYSCALL]; /* OUT calls of system calls that do not exist, by number */
};

_Static_assert(offsetof(struct tine_stats, cntfork) == 24, "layout");
_Static_assert(sizeof(struct tine_stats) <= 0x8000, "TINE_SHARED_STATS_SIZE");

#endif
