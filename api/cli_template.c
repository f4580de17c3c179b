/* SPDX-License-Identifier: ISC */
/* cli_template.c: tine fork, tine template. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "decode.h"

/* ---- fork ---------------------------------------------------------------------------------- */

static const char fork_usage[] =
    "usage: tine fork [OPTION]... SANDBOX [NAME]...\n"
    "\n"
    "Fork a running sandbox, and print the ids of the clones.  The sandbox goes on.\n"
    "\n"
    "  -c, --count N         make N clones (default: as many as there are names, or 1)\n" CLI_USAGE;

static int
fork_options(struct client *client, int argc, char **argv, uint64_t *count)
{
	static const struct option table[] = {{"count", required_argument, NULL, 'c'}, CLI_OPTIONS};
	int opt, rc;

	while ((opt = getopt_long(argc, argv, "c:h", table, NULL)) != -1) {
		if (opt == 'c') {
			if (parse_uint(optarg, 64, count) < 0 || *count == 0)
				return client_usage_error(client, fork_usage,
							  "--count: 1 to 64 expected");
		} else if ((rc = client_option(client, opt, fork_usage)) >= 0) {
			return rc;
		}
	}
	return optind < argc ? -1 : client_usage_error(client, fork_usage, "SANDBOX expected");
}

static int
print_clones(const struct client *client, const json_t *doc)
{
	const json_t *sb;
	int rc = CMD_OK;
	size_t i;

	if (client->json)
		print_json(doc);
	json_array_foreach (json_object_get(doc, "items"), i, sb) {
		if (!client->json)
			printf("%s\n", get_string(sb, "id", "?"));
		if (strcmp(get_string(sb, "state", ""), "failed") != 0)
			continue;
		client_error(client, "%s: %s", get_string(sb, "id", "?"),
			     get_string(json_object_get(sb, "reason"), "detail", "failed"));
		rc = CMD_FAILURE;
	}
	return rc;
}

int
cmd_fork(int argc, char **argv)
{
	json_t *names = json_array(), *doc = NULL;
	struct client client;
	uint64_t count = 0;
	char *id, *path;
	int rc;

	client_init(&client, "fork");
	rc = fork_options(&client, argc, argv, &count);
	if (rc < 0) {
		for (int i = optind + 1; i < argc; i++)
			json_array_append_new(names, json_string(argv[i]));
		if (count == 0)
			count = json_array_size(names) > 0 ? json_array_size(names) : 1;
		id = path_escape(argv[optind]);
		path = path_printf("/v1/sandboxes/%s/fork", id);
		rc = client_call(
		    &client, "POST", path,
		    json_pack("{s:I, s:O}", "count", (json_int_t)count, "names", names), &doc);
		if (rc == CMD_OK)
			rc = print_clones(&client, doc);
		free(path);
		free(id);
	}
	json_decref(names);
	json_decref(doc);
	client_fini(&client);
	return rc;
}

/* ---- template ------------------------------------------------------------------------------ */

static const char template_usage[] =
    "usage: tine template [OPTION]... SANDBOX [NAME]\n"
    "       tine template [OPTION]... --list\n"
    "       tine template [OPTION]... --rm TEMPLATE...\n"
    "       tine template [OPTION]... --save TEMPLATE FILE\n"
    "       tine template [OPTION]... --load FILE [NAME]\n"
    "\n"
    "Freeze a running sandbox to a template, which `tine spawn --template` makes clones of, and\n"
    "print its id.  The sandbox goes on.\n"
    "\n"
    "  -l, --list            list templates\n"
    "      --rm              remove templates; clones of them go on\n"
    "      --save            save a template to a new file\n"
    "      --load            load a template that has been saved, and print its id\n" CLI_USAGE;

enum { OPT_RM = 256, OPT_SAVE, OPT_LOAD };

static int
list_templates(struct client *client)
{
	json_t *doc = NULL;
	const json_t *t;
	char memory[16], data[16];
	int rc = client_call(client, "GET", "/v1/templates?limit=1000", NULL, &doc);
	size_t i;

	if (rc == CMD_OK && client->json) {
		print_json(json_object_get(doc, "items"));
	} else if (rc == CMD_OK) {
		printf("%-16s  %-16s  %-16s  %7s  %7s  %6s  %s\n", "ID", "NAME", "SOURCE", "MEMORY",
		       "DATA", "CLONES", "CREATED");
		json_array_foreach (json_object_get(doc, "items"), i, t)
			printf("%-16s  %-16s  %-16s  %7s  %7s  %6lld  %.19s\n",
			       get_string(t, "id", "?"), get_string(t, "name", "-"),
			       get_string(t, "source", "?"),
			       human_bytes(get_int(t, "memory_bytes"), memory),
			       human_bytes(get_int(t, "data_bytes"), data),
			       (long long)get_int(t, "clones"), get_string(t, "created", ""));
	}
	json_decref(doc);
	return rc;
}

static int
remove_templates(struct client *client, int argc, char **argv)
{
	int rc = CMD_OK, one;

	for (int i = 0; i < argc; i++) {
		char *id = path_escape(argv[i]), *path = path_printf("/v1/templates/%s", id);

		one = client_call(client, "DELETE", path, NULL, NULL);
		rc = one != CMD_OK ? one : rc;
		free(path);
		free(id);
	}
	return rc;
}

static int
make_template(struct client *client, int argc, char **argv)
{
	char *id = path_escape(argv[0]), *path = path_printf("/v1/sandboxes/%s/template", id);
	json_t *body = json_object(), *doc = NULL;
	int rc;

	if (argc > 1)
		json_object_set_new(body, "name", json_string(argv[1]));
	rc = client_call(client, "POST", path, body, &doc);
	if (rc == CMD_OK && client->json)
		print_json(doc);
	else if (rc == CMD_OK)
		printf("%s\n", get_string(doc, "id", "?"));
	json_decref(doc);
	free(path);
	free(id);
	return rc;
}

/* A relative path means ours, not the daemon's. */
static json_t *
path_json(const char *path)
{
	char *cwd = path[0] != '/' ? getcwd(NULL, 0) : NULL;
	json_t *value = cwd != NULL ? json_sprintf("%s/%s", cwd, path) : json_string(path);

	free(cwd);
	return value;
}

static int
save_template(struct client *client, int argc, char **argv)
{
	char *id = path_escape(argv[0]), *path = path_printf("/v1/templates/%s/save", id);
	int rc;

	(void)argc;
	rc =
	    client_call(client, "POST", path, json_pack("{s:o}", "path", path_json(argv[1])), NULL);
	free(path);
	free(id);
	return rc;
}

static int
load_template(struct client *client, int argc, char **argv)
{
	json_t *body = json_pack("{s:o}", "path", path_json(argv[0])), *doc = NULL;
	int rc;

	if (argc > 1)
		json_object_set_new(body, "name", json_string(argv[1]));
	rc = client_call(client, "POST", "/v1/templates", body, &doc);
	if (rc == CMD_OK && client->json)
		print_json(doc);
	else if (rc == CMD_OK)
		printf("%s\n", get_string(doc, "id", "?"));
	json_decref(doc);
	return rc;
}

static int
list_no_more(struct client *client, int argc, char **argv)
{
	(void)argc, (void)argv;
	return list_templates(client);
}

/* What the options choose, the first row without any. */
static const struct {
	int opt, min, max; /* arguments */
	int (*run)(struct client *client, int argc, char **argv);
} forms[] = {
    {0, 1, 2, make_template},
    {'l', 0, 0, list_no_more},
    {OPT_RM, 1, INT_MAX, remove_templates},
    {OPT_SAVE, 2, 2, save_template},
    {OPT_LOAD, 1, 2, load_template},
};

int
cmd_template(int argc, char **argv)
{
	static const struct option table[] = {{"list", no_argument, NULL, 'l'},
					      {"rm", no_argument, NULL, OPT_RM},
					      {"save", no_argument, NULL, OPT_SAVE},
					      {"load", no_argument, NULL, OPT_LOAD},
					      CLI_OPTIONS};
	struct client client;
	int opt, chosen = 0, rc = -1;
	size_t i = 0;

	client_init(&client, "template");
	while (rc < 0 && (opt = getopt_long(argc, argv, "lh", table, NULL)) != -1) {
		if (opt != 'l' && (opt < OPT_RM || opt > OPT_LOAD))
			rc = client_option(&client, opt, template_usage);
		else if (chosen != 0 && chosen != opt)
			rc = client_usage_error(&client, template_usage,
						"one of --list, --rm, --save, --load expected");
		else
			chosen = opt;
	}
	argc -= optind;
	argv += optind;
	while (forms[i].opt != chosen)
		i++;
	if (rc < 0 && (argc < forms[i].min || argc > forms[i].max))
		rc = client_usage_error(&client, template_usage, "wrong arguments");
	else if (rc < 0)
		rc = forms[i].run(&client, argc, argv);
	client_fini(&client);
	return rc;
}
