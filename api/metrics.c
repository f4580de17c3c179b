/* SPDX-License-Identifier: ISC */
/*
 * metrics.c: Prometheus text exposition, version 0.0.4.
 *
 * Sums over all sandboxes come without a label; the few figures that tell sandboxes apart carry
 * their id.  Labels for every counter of every sandbox would make a scrape of hundreds of
 * sandboxes megabytes long; /v1/sandboxes/{id}/forkstat has them.
 */
#include "metrics.h"

#include <stdio.h>
#include <string.h>

#include "forkstat.h"
#include "names.h"
#include "sandbox.h"
#include "server.h"

typedef unsigned long long ull;

static void
head(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
one(FILE *f, const char *name, const char *type, const char *help, ull value)
{
	head(f, name, type, help);
	fprintf(f, "%s %llu\n", name, value);
}

static void
put_daemon(FILE *f, const struct server *server)
{
	head(f, "tine_build_info", "gauge", "version of the daemon");
	fprintf(f, "tine_build_info{version=\"%s\"} 1\n", TINE_VERSION);
	head(f, "tine_sandboxes", "gauge", "sandboxes by state");
	for (int i = 0; i < API_NSTATES; i++)
		fprintf(f, "tine_sandboxes{state=\"%s\"} %zu\n", api_state_name((enum api_state)i),
			server->nstate[i]);
	one(f, "tine_sandboxes_max", "gauge", "limit on sandboxes", server->config.max_sandboxes);
	one(f, "tine_sandboxes_created_total", "counter", "sandboxes ever created",
	    server->created_total);
	one(f, "tine_sandboxes_failed_total", "counter", "sandboxes that failed",
	    server->failed_total);
	one(f, "tine_requests_total", "counter", "HTTP requests dispatched",
	    server->requests_total);
	one(f, "tine_events_total", "counter", "events put on the stream", server->events.last);
}

static void
put_counters(FILE *f, const struct tine_stats *stats)
{
	for (size_t i = 0; i < forkstat_ncounters; i++) {
		const struct forkstat_counter *c = &forkstat_counters[i];
		bool gauge = forkstat_is_gauge(c->name);
		char name[64];

		if (strcmp(c->name, "lastpid") == 0)
			continue;
		snprintf(name, sizeof(name), "tine_guest_%s%s", c->name, gauge ? "" : "_total");
		one(f, name, gauge ? "gauge" : "counter", c->text, forkstat_get(stats, c));
	}
}

static void
put_hist(FILE *f, const char *kind, const struct tine_hist *hist, double hz)
{
	ull below = 0;

	for (unsigned b = 0; b < TINE_HIST_BUCKETS; b++) {
		below += hist->bucket[b];
		if (hist->bucket[b] != 0)
			fprintf(f, "tine_latency_seconds_bucket{op=\"%s\",le=\"%.9g\"} %llu\n",
				kind, (double)(2ull << b) / hz, below);
	}
	/* The count and the buckets of an untrusted page need not agree; a histogram must. */
	fprintf(f, "tine_latency_seconds_bucket{op=\"%s\",le=\"+Inf\"} %llu\n", kind, below);
	fprintf(f, "tine_latency_seconds_sum{op=\"%s\"} %.9g\n", kind, (double)hist->sum / hz);
	fprintf(f, "tine_latency_seconds_count{op=\"%s\"} %llu\n", kind, below);
}

static void
put_latency(FILE *f, const struct tine_stats *stats)
{
	double hz = (double)stats->tsc_khz * 1000.0;

	if (stats->tsc_khz == 0)
		return;
	head(f, "tine_latency_seconds", "histogram", "time taken by forks, execs and page copies");
	for (size_t i = 0; i < forkstat_nhists; i++)
		put_hist(f, forkstat_hists[i].name, forkstat_hist_of(stats, &forkstat_hists[i]),
			 hz);
}

static void
put_enosys(FILE *f, const struct tine_stats *stats)
{
	char buf[24];

	head(f, "tine_guest_enosys_total", "counter", "calls of system calls that do not exist");
	for (uint32_t nr = 0; nr < TINE_NSYSCALL; nr++)
		if (stats->enosys[nr] != 0)
			fprintf(f, "tine_guest_enosys_total{syscall=\"%s\"} %u\n",
				syscall_name(nr, buf, sizeof(buf)), stats->enosys[nr]);
}

static void
put_host(FILE *f, const struct sandbox_hoststats *hs)
{
	one(f, "tine_host_nested_faults_total", "counter", "EPT/NPT violations", hs->nested_faults);
	one(f, "tine_host_exits_total", "counter", "VM exits", hs->exits);
	one(f, "tine_host_io_exits_total", "counter", "VM exits for port I/O", hs->io_exits);
	one(f, "tine_host_irq_exits_total", "counter", "VM exits for interrupts", hs->irq_exits);
	one(f, "tine_host_halt_exits_total", "counter", "VM exits for HLT", hs->halt_exits);
	one(f, "tine_host_private_bytes", "gauge", "guest memory private to its sandbox",
	    hs->private_bytes);
	one(f, "tine_host_shared_bytes", "gauge", "guest memory shared with others",
	    hs->shared_bytes);
	one(f, "tine_host_vmm_pss_bytes", "gauge", "proportional set size of all VMM processes",
	    hs->vmm_pss_bytes);
}

static void
put_starts(FILE *f, const struct start_sum *start)
{
	one(f, "tine_starts_total", "counter", "starts of sandboxes", start->starts);
	head(f, "tine_start_seconds_total", "counter", "time taken by starts, by phase");
	for (int i = 0; i < START_NPHASES; i++)
		fprintf(f, "tine_start_seconds_total{phase=\"%s\"} %.9g\n", forkstat_phases[i],
			(double)start->phase_ns[i] / 1e9);
	head(f, "tine_start_prepared_seconds_total", "counter", "of it, before the request");
	fprintf(f, "tine_start_prepared_seconds_total %.9g\n", (double)start->prepared_ns / 1e9);
}

static void
put_sandboxes(FILE *f, struct server *server)
{
	static const struct {
		const char *name, *type, *help;
		size_t offset;
	} rows[] = {
	    {"tine_sandbox_forks_total", "counter", "forks of a sandbox",
	     offsetof(struct tine_stats, forks)},
	    {"tine_sandbox_processes", "gauge", "processes of a sandbox",
	     offsetof(struct tine_stats, nprocesses)},
	};
	struct tine_stats stats;
	struct api_sandbox *sb;
	bool torn;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		head(f, rows[i].name, rows[i].type, rows[i].help);
		TAILQ_FOREACH (sb, &server->sandboxes, link) {
			uint64_t value;

			if (forkstat_read(sb, &stats, &torn) < 0)
				continue;
			memcpy(&value, (const char *)&stats + rows[i].offset, sizeof(value));
			fprintf(f, "%s{sandbox=\"%s\",name=\"%s\"} %llu\n", rows[i].name, sb->id,
				sb->name, (ull)value);
		}
	}
}

char *
metrics_text(struct server *server, size_t *len)
{
	struct forkstat_sum sum;
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	if (f == NULL)
		return NULL;
	forkstat_total(server, &sum);
	put_daemon(f, server);
	put_counters(f, &sum.stats);
	put_latency(f, &sum.stats);
	put_enosys(f, &sum.stats);
	put_host(f, &sum.host);
	put_starts(f, &sum.start);
	put_sandboxes(f, server);
	if (fclose(f) != 0)
		return NULL;
	return text;
}
