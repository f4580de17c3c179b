/* SPDX-License-Identifier: ISC */
/* cli_stat.c: tine stat. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "forkstat.h"

static const char usage[] = "usage: tine stat [OPTION]... [SANDBOX]\n"
			    "\n"
			    "Show the fork statistics of a sandbox, or summed over all.\n"
			    "\n"
			    "  -a, --all             counters that are zero too\n" CLI_USAGE;

static void
print_counters(const json_t *counters, bool all)
{
	for (size_t i = 0; i < forkstat_ncounters; i++) {
		const json_t *value = json_object_get(counters, forkstat_counters[i].name);

		if (value == NULL || (!all && json_integer_value(value) == 0))
			continue;
		printf("%20lld  %-22s %s\n", (long long)json_integer_value(value),
		       forkstat_counters[i].name, forkstat_counters[i].text);
	}
}

static void
print_latency(const json_t *latency)
{
	static const char *const columns[] = {"mean", "p50", "p90", "p99", "p999", "max"};

	printf("\n%-6s %10s", "ns", "count");
	for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++)
		printf(" %10s", columns[c]);
	putchar('\n');
	for (size_t i = 0; i < forkstat_nhists; i++) {
		const json_t *h = json_object_get(latency, forkstat_hists[i].name);

		printf("%-6s %10lld", forkstat_hists[i].name, (long long)get_int(h, "count"));
		for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++)
			printf(" %10lld", (long long)get_int(json_object_get(h, columns[c]), "ns"));
		putchar('\n');
	}
}

static void
print_enosys(const json_t *list)
{
	const json_t *row;
	size_t i;

	if (json_array_size(list) > 0)
		printf("\nsystem calls that do not exist here:\n");
	json_array_foreach (list, i, row)
		printf("%20lld  %s (%lld)\n", (long long)get_int(row, "count"),
		       get_string(row, "name", "?"), (long long)get_int(row, "nr"));
}

static void
print_start(const json_t *start)
{
	int64_t starts = get_int(start, "starts");
	char name[32];

	if (starts == 0)
		return;
	printf("\nof a start%s:\n", starts > 1 ? ", on average" : "");
	for (int i = 0; i < START_NPHASES; i++) {
		snprintf(name, sizeof(name), "%s_ns", forkstat_phases[i]);
		printf("%20lld  %s\n", (long long)(get_int(start, name) / starts), name);
	}
	printf("%20lld  prepared_ns (of these before the request)\n",
	       (long long)(get_int(start, "prepared_ns") / starts));
}

static void
print_host(const json_t *host)
{
	const char *key;
	json_t *value;

	if (!json_is_object(host))
		return;
	printf("\nmeasured by the host:\n");
	json_object_foreach ((json_t *)(uintptr_t)host, key, value)
		if (json_is_integer(value))
			printf("%20lld  %s\n", (long long)json_integer_value(value), key);
	print_start(json_object_get(host, "start"));
}

static void
print_stat(const json_t *doc, bool all)
{
	print_counters(json_object_get(doc, "counters"), all);
	print_latency(json_object_get(doc, "latency"));
	print_enosys(json_object_get(doc, "enosys"));
	print_host(json_object_get(doc, "host"));
	if (get_bool(doc, "torn"))
		printf(
		    "\nThe kernel died while it wrote these figures; they may not fit together.\n");
	if (get_bool(doc, "final"))
		printf("\nThe sandbox has ended; these are its last figures.\n");
}

static int
options(struct client *client, int argc, char **argv, bool *all)
{
	static const struct option table[] = {{"all", no_argument, NULL, 'a'}, CLI_OPTIONS};
	int opt, rc;

	while ((opt = getopt_long(argc, argv, "ah", table, NULL)) != -1) {
		if (opt == 'a') {
			*all = true;
			continue;
		}
		rc = client_option(client, opt, usage);
		if (rc >= 0)
			return rc;
	}
	return argc - optind <= 1 ? -1 : client_usage_error(client, usage, "one sandbox at most");
}

int
cmd_stat(int argc, char **argv)
{
	char *id = NULL, *path = NULL;
	struct client client;
	json_t *doc = NULL;
	bool all = false;
	int rc;

	client_init(&client, "stat");
	rc = options(&client, argc, argv, &all);
	if (rc < 0) {
		id = path_escape(optind < argc ? argv[optind] : "");
		path = id[0] != '\0' ? path_printf("/v1/sandboxes/%s/forkstat", id)
				     : strdup("/v1/forkstat");
		rc = client_call(&client, "GET", path, NULL, &doc);
		if (rc == CMD_OK && client.json)
			print_json(doc);
		else if (rc == CMD_OK)
			print_stat(doc, all);
	}
	json_decref(doc);
	free(path);
	free(id);
	client_fini(&client);
	return rc;
}
