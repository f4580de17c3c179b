/* SPDX-License-Identifier: ISC */
/*
 * forkstat.h: fork statistics of one sandbox and summed over all.
 *
 * Sums.  A counter ("counts events since boot") is summed over every sandbox that the daemon has
 * run, those deleted since included, so that it never goes down.  A gauge ("is so now") is summed
 * over the sandboxes whose kernel runs.  lastpid has no sum.  Histograms add up bucket by bucket.
 */
#ifndef TINE_API_FORKSTAT_H
#define TINE_API_FORKSTAT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/vmm.h"

struct api_sandbox;
struct server;
struct api_template;

struct hoststats_cache {
	struct sandbox_hoststats hs;
	uint64_t read_ns; /* CLOCK_MONOTONIC */
	bool valid;
};

struct start_sum {
	uint64_t starts; /* that are in it, up to READY */
	uint64_t prepared_ns, phase_ns[START_NPHASES];
};

struct forkstat_sum {
	struct tine_stats stats;
	struct sandbox_hoststats host;
	struct start_sum start;
	uint64_t sandboxes; /* that are in it */
};

extern const char *const forkstat_phases[START_NPHASES];

/* One row for each of TINE_STAT_COUNTERS. */
struct forkstat_counter {
	const char *name, *text;
	size_t offset; /* in struct tine_stats */
};
extern const struct forkstat_counter forkstat_counters[];
extern const size_t forkstat_ncounters;
bool forkstat_is_gauge(const char *name);
uint64_t forkstat_get(const struct tine_stats *stats, const struct forkstat_counter *counter);

struct forkstat_hist {
	const char *name;
	size_t offset;
};
extern const struct forkstat_hist forkstat_hists[];
extern const size_t forkstat_nhists;
const struct tine_hist *forkstat_hist_of(const struct tine_stats *stats,
					 const struct forkstat_hist *hist);

/* The statistics page, 0 or -errno; *torn as sandbox_stats(). */
int forkstat_read(const struct api_sandbox *sb, struct tine_stats *stats, bool *torn);
/* The host's figures, read anew when older than a fifth of a second; NULL if there are none. */
const struct sandbox_hoststats *forkstat_host(struct api_sandbox *sb);

/* The sandbox has become ready: from here on its start is in the figures. */
void forkstat_started(struct api_sandbox *sb);

json_t *forkstat_json(struct api_sandbox *sb);
json_t *forkstat_sum_json(struct server *server);
json_t *forkstat_template_json(const struct api_template *t);

/* A reset puts the counters back too: what was counted goes to the sum of those that have ended
 * when it has been done.  0 or -ENOMEM. */
int forkstat_before_reset(struct api_sandbox *sb);
void forkstat_after_reset(struct api_sandbox *sb);

/* Add a sandbox to a sum; with ended, only its counters. */
void forkstat_add(struct forkstat_sum *sum, struct api_sandbox *sb, bool ended);
void forkstat_total(struct server *server, struct forkstat_sum *sum);
/* Over the clones of a template that have not been deleted. */
void forkstat_clones(const struct api_template *t, struct forkstat_sum *sum);

#endif
