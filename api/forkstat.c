/* SPDX-License-Identifier: ISC */
/* forkstat.c: read and add up statistics pages. */
#include "forkstat.h"

#include <errno.h>
#include <string.h>

#include "loop.h"
#include "sandbox.h"
#include "server.h"
#include "template.h"

#define HOST_MAX_AGE_NS 200000000u /* reading smaps of a large VMM is not for free */

const struct forkstat_counter forkstat_counters[] = {
#define COUNTER_ROW(name, text) {#name, text, offsetof(struct tine_stats, name)},
    TINE_STAT_COUNTERS(COUNTER_ROW)
#undef COUNTER_ROW
};
const size_t forkstat_ncounters = sizeof(forkstat_counters) / sizeof(forkstat_counters[0]);

const struct forkstat_hist forkstat_hists[] = {
    {"fork", offsetof(struct tine_stats, fork)},
    {"vfork", offsetof(struct tine_stats, vfork)},
    {"exec", offsetof(struct tine_stats, exec)},
    {"cow", offsetof(struct tine_stats, cow)},
};
const size_t forkstat_nhists = sizeof(forkstat_hists) / sizeof(forkstat_hists[0]);

const char *const forkstat_phases[START_NPHASES] = {
#define PHASE_NAME(phase, name) [START_##phase] = name,
    START_PHASES(PHASE_NAME)
#undef PHASE_NAME
};

bool
forkstat_is_gauge(const char *name)
{
	static const char *const gauges[] = {"nprocesses",  "nthreads",      "maxproc",
					     "maxthread",   "lastpid",       "frames_total",
					     "frames_free", "frames_shared", "frames_pt"};

	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		if (strcmp(name, gauges[i]) == 0)
			return true;
	return false;
}

uint64_t
forkstat_get(const struct tine_stats *stats, const struct forkstat_counter *counter)
{
	uint64_t value;

	memcpy(&value, (const char *)stats + counter->offset, sizeof(value));
	return value;
}

const struct tine_hist *
forkstat_hist_of(const struct tine_stats *stats, const struct forkstat_hist *hist)
{
	return (const struct tine_hist *)(const void *)((const char *)stats + hist->offset);
}

int
forkstat_read(const struct api_sandbox *sb, struct tine_stats *stats, bool *torn)
{
	int rc = sandbox_stats(sb->vm, stats, torn);

	/* The page is the guest's: nothing in it is more than a claim. */
	if (rc == 0 && stats->magic != TINE_STATS_MAGIC)
		return -ENODATA;
	return rc;
}

const struct sandbox_hoststats *
forkstat_host(struct api_sandbox *sb)
{
	struct hoststats_cache *cache = &sb->hoststats;
	struct sandbox_hoststats hs = {0};
	uint64_t now = loop_now_ns();

	if (cache->valid && (cache->hs.final || now - cache->read_ns < HOST_MAX_AGE_NS))
		return &cache->hs;
	if (sandbox_hoststats(sb->vm, &hs, NULL) == 0) {
		cache->hs = hs;
		cache->read_ns = now;
		sb->server->nlooked += sb->listed && !cache->valid;
		cache->valid = true;
	}
	return cache->valid ? &cache->hs : NULL;
}

/* The guest's phase is what is left of the time to READY: times in STARTED have been checked. */
void
forkstat_started(struct api_sandbox *sb)
{
	struct start_sum *start = &sb->start;

	if (!sb->have_started || start->starts != 0) /* it may be ready again, after a reset */
		return;
	start->starts = 1;
	start->prepared_ns = sb->started.prepared_ns;
	memcpy(start->phase_ns, sb->started.phase_ns, sizeof(start->phase_ns));
	start->phase_ns[START_GUEST] = sb->ready_ns - sb->requested_ns - sb->started.start_ns;
}

/* ---- sums ---------------------------------------------------------------------------------- */

static uint64_t
sat_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static void
add_u64(void *sum, const void *from, size_t offset)
{
	uint64_t a, b;

	memcpy(&a, (char *)sum + offset, sizeof(a));
	memcpy(&b, (const char *)from + offset, sizeof(b));
	a = sat_add(a, b);
	memcpy((char *)sum + offset, &a, sizeof(a));
}

static uint32_t
sat_add32(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static void
add_hist(struct tine_hist *sum, const struct tine_hist *from)
{
	sum->count = sat_add(sum->count, from->count);
	sum->sum = sat_add(sum->sum, from->sum);
	for (size_t i = 0; i < TINE_HIST_BUCKETS; i++)
		sum->bucket[i] = sat_add32(sum->bucket[i], from->bucket[i]);
}

static void
add_stats(struct tine_stats *sum, const struct tine_stats *from, bool gauges)
{
	for (size_t i = 0; i < forkstat_ncounters; i++)
		if (gauges || !forkstat_is_gauge(forkstat_counters[i].name))
			add_u64(sum, from, forkstat_counters[i].offset);
	add_hist(&sum->fork, &from->fork);
	add_hist(&sum->vfork, &from->vfork);
	add_hist(&sum->exec, &from->exec);
	add_hist(&sum->cow, &from->cow);
	for (size_t i = 0; i < TINE_NSYSCALL; i++)
		sum->enosys[i] = sat_add32(sum->enosys[i], from->enosys[i]);
	/* One host has one TSC; a page that says otherwise must not spoil the others' times. */
	if (sum->tsc_khz == 0)
		sum->tsc_khz = from->tsc_khz;
}

static void
add_host(struct sandbox_hoststats *sum, const struct sandbox_hoststats *from, bool gauges)
{
	static const size_t counters[] = {offsetof(struct sandbox_hoststats, nested_faults),
					  offsetof(struct sandbox_hoststats, exits),
					  offsetof(struct sandbox_hoststats, io_exits),
					  offsetof(struct sandbox_hoststats, irq_exits),
					  offsetof(struct sandbox_hoststats, halt_exits)};
	static const size_t now[] = {offsetof(struct sandbox_hoststats, private_bytes),
				     offsetof(struct sandbox_hoststats, shared_bytes),
				     offsetof(struct sandbox_hoststats, mapped_4k),
				     offsetof(struct sandbox_hoststats, mapped_2m),
				     offsetof(struct sandbox_hoststats, vmm_pss_bytes)};

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		add_u64(sum, from, counters[i]);
	for (size_t i = 0; gauges && i < sizeof(now) / sizeof(now[0]); i++)
		add_u64(sum, from, now[i]);
}

static void
add_start(struct start_sum *sum, const struct start_sum *from)
{
	sum->starts += from->starts;
	sum->prepared_ns = sat_add(sum->prepared_ns, from->prepared_ns);
	for (int i = 0; i < START_NPHASES; i++)
		sum->phase_ns[i] = sat_add(sum->phase_ns[i], from->phase_ns[i]);
}

static void
sub_hist(struct tine_hist *hist, const struct tine_hist *from)
{
	hist->count -= hist->count < from->count ? hist->count : from->count;
	hist->sum -= hist->sum < from->sum ? hist->sum : from->sum;
	for (size_t i = 0; i < TINE_HIST_BUCKETS; i++)
		hist->bucket[i] -=
		    hist->bucket[i] < from->bucket[i] ? hist->bucket[i] : from->bucket[i];
}

/* A clone's counters go on from those of its template, which the original has in the sum already.
 */
static void
subtract_inherited(struct tine_stats *stats, const struct tine_stats *from)
{
	for (size_t i = 0; i < forkstat_ncounters; i++) {
		const struct forkstat_counter *c = &forkstat_counters[i];
		uint64_t value = forkstat_get(stats, c), before = forkstat_get(from, c);

		if (forkstat_is_gauge(c->name))
			continue;
		value -= value < before ? value : before;
		memcpy((char *)stats + c->offset, &value, sizeof(value));
	}
	sub_hist(&stats->fork, &from->fork);
	sub_hist(&stats->vfork, &from->vfork);
	sub_hist(&stats->exec, &from->exec);
	sub_hist(&stats->cow, &from->cow);
	for (size_t i = 0; i < TINE_NSYSCALL; i++)
		stats->enosys[i] -=
		    stats->enosys[i] < from->enosys[i] ? stats->enosys[i] : from->enosys[i];
}

/* What the sandbox has counted itself.  During a reset its page may be the template's again. */
static int
read_own(const struct api_sandbox *sb, struct tine_stats *stats)
{
	bool torn;
	int rc;

	if (sb->resetting) {
		*stats = *sb->before_reset;
		return 0;
	}
	rc = forkstat_read(sb, stats, &torn);
	if (rc == 0)
		subtract_inherited(stats, &sb->inherited);
	return rc;
}

void
forkstat_add(struct forkstat_sum *sum, struct api_sandbox *sb, bool ended)
{
	const struct sandbox_hoststats *host = forkstat_host(sb);
	bool gauges = !ended && !sb->gone;
	struct tine_stats stats;

	if (read_own(sb, &stats) == 0) {
		add_stats(&sum->stats, &stats, gauges);
		sum->sandboxes++;
	}
	if (host != NULL)
		add_host(&sum->host, host, gauges);
	add_start(&sum->start, &sb->start);
}

int
forkstat_before_reset(struct api_sandbox *sb)
{
	if (sb->before_reset == NULL)
		sb->before_reset = malloc(sizeof(*sb->before_reset));
	if (sb->before_reset == NULL)
		return -ENOMEM;
	if (read_own(sb, sb->before_reset) < 0)
		memset(sb->before_reset, 0, sizeof(*sb->before_reset));
	return 0;
}

void
forkstat_after_reset(struct api_sandbox *sb)
{
	add_stats(&sb->server->retired.stats, sb->before_reset, false);
	free(sb->before_reset);
	sb->before_reset = NULL;
}

void
forkstat_total(struct server *server, struct forkstat_sum *sum)
{
	struct api_sandbox *sb;

	*sum = server->retired;
	TAILQ_FOREACH (sb, &server->sandboxes, link)
		forkstat_add(sum, sb, false);
	sum->stats.lastpid = 0;
}

void
forkstat_clones(const struct api_template *t, struct forkstat_sum *sum)
{
	struct api_sandbox *sb;

	memset(sum, 0, sizeof(*sum));
	TAILQ_FOREACH (sb, &t->server->sandboxes, link)
		if (sb->origin == t)
			forkstat_add(sum, sb, false);
	sum->stats.lastpid = 0;
}
