/* SPDX-License-Identifier: ISC */
/* cli_stream.c: tine events. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "decode.h"

static const char usage[] =
    "usage: tine events [OPTION]... [SANDBOX]\n"
    "\n"
    "Follow what happens to sandboxes and, where a sandbox was started with --events, to their\n"
    "processes, until interrupted.\n"
    "\n"
    "      --since SEQ       begin after event SEQ; 0 = with the oldest that is kept\n"
    "      --no-follow       end after the events that are there\n" CLI_USAGE;

enum { OPT_SINCE = 256, OPT_NO_FOLLOW };

struct printer {
	const struct client *client;
	struct exchange x;
	char line[8192]; /* being collected; the whole body if the answer is a problem */
	size_t len;
};

static void
print_event(const json_t *ev)
{
	static const char *const shown[] = {"name",   "pid",  "child", "how",
					    "status", "comm", "count", "reason"};

	printf("%8lld  %.15s  %-16s  %-15s", (long long)get_int(ev, "seq"),
	       strlen(get_string(ev, "time", "")) > 11 ? get_string(ev, "time", "") + 11 : "",
	       get_string(ev, "sandbox", "-"), get_string(ev, "type", "?"));
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		const json_t *value = json_object_get(ev, shown[i]);

		if (json_is_integer(value))
			printf(" %s=%lld", shown[i], (long long)json_integer_value(value));
		else if (value != NULL)
			printf(" %s=", shown[i]),
			    print_safe(stdout, json_is_object(value)
						   ? get_string(value, "detail", "?")
						   : json_string_value(value));
	}
	putchar('\n');
}

static void
print_line(struct printer *p)
{
	json_t *ev;

	if (p->client->json) {
		printf("%.*s\n", (int)p->len, p->line);
	} else {
		ev = json_loadb(p->line, p->len, 0, NULL);
		if (ev != NULL)
			print_event(ev);
		json_decref(ev);
	}
	fflush(stdout);
}

static int
on_data(void *arg, const uint8_t *data, size_t len)
{
	struct printer *p = arg;

	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n' && p->x.status == 200) {
			print_line(p);
			p->len = 0;
		} else if (p->len < sizeof(p->line)) {
			p->line[p->len++] = (char)data[i];
		}
	}
	return ferror(stdout) ? -EPIPE : 0;
}

static int
follow(struct client *client, const char *path)
{
	struct printer p = {.client = client};
	json_t *doc;
	int rc;

	p.x.sink = on_data;
	p.x.sink_arg = &p;
	rc = client_open(client, &p.x, "GET", path, NULL, NULL, 0);
	if (rc != CMD_OK)
		return rc;
	rc = exchange_finish(&p.x);
	exchange_close(&p.x);
	if (rc == 0 && p.x.status == 200)
		return CMD_OK;
	if (rc < 0) {
		client_error(client, "the stream was cut: %s", strerror(-rc));
		return CMD_FAILURE;
	}
	doc = json_loadb(p.line, p.len, 0, NULL);
	client_problem(client, p.x.status, doc);
	json_decref(doc);
	return CMD_FAILURE;
}

static int
options(struct client *client, int argc, char **argv, const char **since, bool *once)
{
	static const struct option table[] = {{"since", required_argument, NULL, OPT_SINCE},
					      {"no-follow", no_argument, NULL, OPT_NO_FOLLOW},
					      CLI_OPTIONS};
	uint64_t seq;
	int opt, rc;

	while ((opt = getopt_long(argc, argv, "h", table, NULL)) != -1) {
		if (opt == OPT_NO_FOLLOW) {
			*once = true;
		} else if (opt == OPT_SINCE) {
			if (parse_uint(optarg, INT64_MAX, &seq) < 0)
				return client_usage_error(client, usage,
							  "--since: number expected");
			*since = optarg;
		} else if ((rc = client_option(client, opt, usage)) >= 0) {
			return rc;
		}
	}
	return argc - optind <= 1 ? -1 : client_usage_error(client, usage, "one sandbox at most");
}

int
cmd_events(int argc, char **argv)
{
	const char *since = NULL;
	struct client client;
	char *id, *path;
	bool once = false;
	int rc;

	client_init(&client, "events");
	rc = options(&client, argc, argv, &since, &once);
	if (rc < 0) {
		id = path_escape(optind < argc ? argv[optind] : "");
		path = path_printf("/v1/events?follow=%d%s%s%s%s", !once, since ? "&since=" : "",
				   since ? since : "", id[0] ? "&sandbox=" : "", id);
		rc = follow(&client, path);
		free(path);
		free(id);
	}
	client_fini(&client);
	return rc;
}
