/* SPDX-License-Identifier: ISC */
/* forkstat_json.c: statistics as JSON. */
#include <stdio.h>
#include <string.h>

#include "forkstat.h"
#include "names.h"
#include "sandbox.h"
#include "server.h"
#include "text.h"

static uint64_t
cycles_to_ns(uint64_t cycles, uint64_t tsc_khz)
{
	unsigned __int128 ns = (unsigned __int128)cycles * 1000000u;

	if (tsc_khz == 0)
		return 0;
	ns /= tsc_khz;
	return ns > INT64_MAX ? INT64_MAX : (uint64_t)ns;
}

static json_t *
time_json(uint64_t cycles, uint64_t tsc_khz)
{
	return json_pack("{s:o, s:o}", "cycles", u64_json(cycles), "ns",
			 u64_json(cycles_to_ns(cycles, tsc_khz)));
}

static json_t *
buckets_json(const struct tine_hist *hist)
{
	json_t *list = json_array();

	for (unsigned b = 0; b < TINE_HIST_BUCKETS; b++)
		if (hist->bucket[b] != 0)
			json_array_append_new(list, json_pack("{s:I, s:I}", "below_cycles",
							      (json_int_t)1 << (b + 1), "count",
							      (json_int_t)hist->bucket[b]));
	return list;
}

static json_t *
hist_json(const struct tine_hist *hist, uint64_t tsc_khz)
{
	static const struct {
		const char *name;
		double q;
	} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1.0}};
	json_t *doc = json_pack("{s:o, s:o}", "count", u64_json(hist->count), "sum",
				time_json(hist->sum, tsc_khz));

	json_object_set_new(doc, "mean",
			    time_json(hist->count ? hist->sum / hist->count : 0, tsc_khz));
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		json_object_set_new(
		    doc, quantiles[i].name,
		    time_json(hist->count ? hist_quantile(hist, quantiles[i].q) : 0, tsc_khz));
	json_object_set_new(doc, "buckets", buckets_json(hist));
	return doc;
}

static json_t *
enosys_json(const struct tine_stats *stats)
{
	json_t *list = json_array();
	char buf[24];

	for (uint32_t nr = 0; nr < TINE_NSYSCALL; nr++)
		if (stats->enosys[nr] != 0)
			json_array_append_new(list,
					      json_pack("{s:i, s:s, s:I}", "nr", (int)nr, "name",
							syscall_name(nr, buf, sizeof(buf)), "count",
							(json_int_t)stats->enosys[nr]));
	return list;
}

static json_t *
counters_json(const struct tine_stats *stats, bool sum)
{
	json_t *doc = json_object();

	for (size_t i = 0; i < forkstat_ncounters; i++) {
		const struct forkstat_counter *c = &forkstat_counters[i];

		if (sum && strcmp(c->name, "lastpid") == 0)
			continue;
		json_object_set_new(doc, c->name, u64_json(forkstat_get(stats, c)));
	}
	return doc;
}

static void
put_stats(json_t *doc, const struct tine_stats *stats, bool sum)
{
	json_t *hists = json_object();

	for (size_t i = 0; i < forkstat_nhists; i++)
		json_object_set_new(
		    hists, forkstat_hists[i].name,
		    hist_json(forkstat_hist_of(stats, &forkstat_hists[i]), stats->tsc_khz));
	json_object_set_new(doc, "tsc_khz", u64_json(stats->tsc_khz));
	json_object_set_new(doc, "counters", counters_json(stats, sum));
	json_object_set_new(doc, "latency", hists);
	json_object_set_new(doc, "enosys", enosys_json(stats));
}

static json_t *
start_json(const struct start_sum *start)
{
	json_t *doc = json_pack("{s:o, s:o}", "starts", u64_json(start->starts), "prepared_ns",
				u64_json(start->prepared_ns));
	char name[32];

	for (int i = 0; i < START_NPHASES; i++) {
		snprintf(name, sizeof(name), "%s_ns", forkstat_phases[i]);
		json_object_set_new(doc, name, u64_json(start->phase_ns[i]));
	}
	return doc;
}

static json_t *
hoststats_json(const struct sandbox_hoststats *hs, const struct start_sum *start)
{
	json_t *doc = json_object();

#define MEMBER(name) json_object_set_new(doc, #name, u64_json(hs->name))
	MEMBER(nested_faults);
	MEMBER(exits);
	MEMBER(io_exits);
	MEMBER(irq_exits);
	MEMBER(halt_exits);
	MEMBER(private_bytes);
	MEMBER(shared_bytes);
	json_object_set_new(doc, "private_pages", u64_json(hs->private_bytes / TINE_PAGE_SIZE));
	json_object_set_new(doc, "shared_pages", u64_json(hs->shared_bytes / TINE_PAGE_SIZE));
	MEMBER(mapped_4k);
	MEMBER(mapped_2m);
	MEMBER(vmm_pss_bytes);
#undef MEMBER
	json_object_set_new(doc, "start", start_json(start));
	return doc;
}

json_t *
forkstat_json(struct api_sandbox *sb)
{
	const struct sandbox_hoststats *host;
	struct tine_stats stats;
	bool torn = false;
	json_t *doc;

	if (forkstat_read(sb, &stats, &torn) < 0)
		return NULL;
	host = forkstat_host(sb);
	doc = json_pack("{s:s, s:b, s:b}", "sandbox", sb->id, "torn", torn, "final", sb->gone);
	put_stats(doc, &stats, false);
	json_object_set_new(doc, "host",
			    host != NULL ? hoststats_json(host, &sb->start) : json_null());
	return doc;
}

static json_t *
sum_json(const struct forkstat_sum *sum)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "sandboxes", u64_json(sum->sandboxes));
	put_stats(doc, &sum->stats, true);
	json_object_set_new(doc, "host", hoststats_json(&sum->host, &sum->start));
	return doc;
}

json_t *
forkstat_sum_json(struct server *server)
{
	struct forkstat_sum sum;

	forkstat_total(server, &sum);
	return sum_json(&sum);
}

json_t *
forkstat_template_json(const struct api_template *t)
{
	struct forkstat_sum sum;

	forkstat_clones(t, &sum);
	return sum_json(&sum);
}
