/* SPDX-License-Identifier: ISC */
/* forkstat.c: the fork statistics for readers: text and JSON.  All figures are the guest's claims.
 */
#include <jansson.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "forkstat.h"
#include "vmm.h"

static const struct counter {
	const char *name, *text;
	size_t offset;
} counters[] = {
#define COUNTER(name, text) {#name, text, offsetof(struct tine_stats, name)},
    TINE_STAT_COUNTERS(COUNTER)
#undef COUNTER
};

static const struct histogram {
	const char *name;
	size_t offset;
} histograms[] = {
    {"fork", offsetof(struct tine_stats, fork)},
    {"vfork", offsetof(struct tine_stats, vfork)},
    {"exec", offsetof(struct tine_stats, exec)},
    {"cow", offsetof(struct tine_stats, cow)},
};

#define NCOUNTERS (sizeof(counters) / sizeof(counters[0]))
#define NHISTOGRAMS (sizeof(histograms) / sizeof(histograms[0]))

static uint64_t
counter_value(const struct tine_stats *stats, size_t i)
{
	uint64_t v;

	memcpy(&v, (const uint8_t *)stats + counters[i].offset, sizeof(v));
	return v;
}

static const struct tine_hist *
histogram_of(const struct tine_stats *stats, size_t i)
{
	return (const void *)((const uint8_t *)stats + histograms[i].offset);
}

static double
to_ns(uint64_t cycles, const struct tine_stats *stats)
{
	return stats->tsc_khz == 0 ? 0.0 : (double)cycles * 1e6 / (double)stats->tsc_khz;
}

/* JSON integers are signed. */
static json_t *
integer(uint64_t v)
{
	return json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v);
}

int
stats_syscall_name(uint32_t nr, char *buf, size_t size)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)nr);
	int known = name != NULL;

	if (known)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "syscall_%u", nr);
	free(name);
	return known;
}

static json_t *
histogram_json(const struct tine_hist *h, const struct tine_stats *stats)
{
	json_t *buckets = json_array();

	for (unsigned b = 0; b < TINE_HIST_BUCKETS; b++)
		if (h->bucket[b] != 0)
			json_array_append_new(buckets, json_pack("{s:o, s:I}", "le_cycles",
								 integer((2ull << b) - 1), "count",
								 (json_int_t)h->bucket[b]));
	return json_pack("{s:o, s:o, s:f, s:f, s:f, s:f, s:o}", "count", integer(h->count),
			 "sum_cycles", integer(h->sum), "mean_ns",
			 h->count == 0 ? 0.0 : to_ns(h->sum, stats) / (double)h->count, "p50_ns",
			 to_ns(hist_quantile(h, 0.5), stats), "p90_ns",
			 to_ns(hist_quantile(h, 0.9), stats), "p99_ns",
			 to_ns(hist_quantile(h, 0.99), stats), "buckets", buckets);
}

static json_t *
enosys_json(const struct tine_stats *stats)
{
	json_t *list = json_array();
	char name[64];

	for (uint32_t i = 0; i < TINE_NSYSCALL; i++) {
		if (stats->enosys[i] == 0)
			continue;
		stats_syscall_name(i, name, sizeof(name));
		json_array_append_new(list, json_pack("{s:i, s:s, s:I}", "number", (int)i, "name",
						      name, "calls", (json_int_t)stats->enosys[i]));
	}
	return list;
}

json_t *
stats_json(const struct tine_stats *stats, bool torn)
{
	json_t *all = json_object(), *latency = json_object();

	for (size_t i = 0; i < NCOUNTERS; i++)
		json_object_set_new(all, counters[i].name, integer(counter_value(stats, i)));
	for (size_t i = 0; i < NHISTOGRAMS; i++)
		json_object_set_new(latency, histograms[i].name,
				    histogram_json(histogram_of(stats, i), stats));
	return json_pack("{s:b, s:o, s:o, s:o, s:o}", "torn", torn, "tsc_khz",
			 integer(stats->tsc_khz), "counters", all, "latency", latency, "enosys",
			 enosys_json(stats));
}

static void
print_text(FILE *out, const struct tine_stats *stats, bool torn)
{
	char name[64];

	if (torn)
		fputs("(the guest was writing: figures may not fit together)\n", out);
	for (size_t i = 0; i < NCOUNTERS; i++) {
		uint64_t v = counter_value(stats, i);

		if (v != 0)
			fprintf(out, "%14llu  %-20s %s\n", (unsigned long long)v, counters[i].name,
				counters[i].text);
	}
	for (size_t i = 0; i < NHISTOGRAMS; i++) {
		const struct tine_hist *h = histogram_of(stats, i);

		if (h->count != 0)
			fprintf(
			    out,
			    "%14llu  %-20s mean %.0f ns, half below %.0f ns, 99 %% below %.0f ns\n",
			    (unsigned long long)h->count, histograms[i].name,
			    to_ns(h->sum, stats) / (double)h->count,
			    to_ns(hist_quantile(h, 0.5), stats),
			    to_ns(hist_quantile(h, 0.99), stats));
	}
	for (uint32_t i = 0; i < TINE_NSYSCALL; i++)
		if (stats->enosys[i] != 0) {
			stats_syscall_name(i, name, sizeof(name));
			fprintf(out, "%14u  %-20s not implemented (system call %u)\n",
				stats->enosys[i], name, i);
		}
}

void
forkstat_prepare(void)
{
	json_object_seed(0); /* opens /dev/urandom */
}

void
forkstat_print(FILE *out, const uint8_t *shared_region, bool json)
{
	struct tine_stats stats;
	bool torn;
	json_t *root;

	if (stats_read(shared_region, &stats, &torn) != 0) {
		fputs(json ? "null\n" : "the guest kernel wrote no statistics\n", out);
		return;
	}
	if (!json) {
		print_text(out, &stats, torn);
		return;
	}
	root = stats_json(&stats, torn);
	json_dumpf(root, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(root);
}
