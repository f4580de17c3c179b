/* SPDX-License-Identifier: ISC */
/* cli_spawn.c: tine spawn. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "decode.h"

/* ---- spawn --------------------------------------------------------------------------------- */

static const char spawn_usage[] =
    "usage: tine spawn [OPTION]...\n"
    "\n"
    "Start a sandbox and print its id.\n"
    "\n"
    "  -n, --name NAME       a name that can be used instead of the id\n"
    "  -T, --template NAME   clone this template\n"
    "  -r, --rootfs PATH     root file system: directory, tar, cpio or EROFS image\n"
    "  -m, --memory MIB      memory (default 256)\n"
    "      --hostname NAME\n"
    "      --sysctl N=VALUE  set a kernel variable at boot; can be repeated\n"
    "      --add HOST:GUEST  add a file to the root file system; can be repeated\n"
    "      --vmfork N        its programs may ask for N clones and templates of it\n"
    "      --events          report forks, execs and exits on the event stream\n"
    "      --no-wait         do not wait until it is ready\n" CLI_USAGE;

enum { OPT_HOSTNAME = 256, OPT_SYSCTL, OPT_ADD, OPT_VMFORK, OPT_EVENTS, OPT_NO_WAIT };

/* Relative paths mean ours, not the daemon's. */
static void
set_path(json_t *body, const char *key, const char *path)
{
	char *real = realpath(path, NULL);

	json_object_set_new(body, key, json_string(real != NULL ? real : path));
	free(real);
}

static int
add_file(json_t *body, char *arg)
{
	char *colon = strrchr(arg, ':');
	json_t *file;

	if (colon == NULL || colon == arg || colon[1] != '/')
		return -1;
	*colon = '\0';
	file = json_object();
	set_path(file, "host_path", arg);
	json_object_set_new(file, "guest_path", json_string(colon + 1));
	if (json_object_get(body, "files") == NULL)
		json_object_set_new(body, "files", json_array());
	return json_array_append_new(json_object_get(body, "files"), file);
}

static int
add_sysctl(json_t *body, char *arg)
{
	char *equals = strchr(arg, '=');

	if (equals == NULL)
		return -1;
	*equals = '\0';
	if (json_object_get(body, "sysctls") == NULL)
		json_object_set_new(body, "sysctls", json_object());
	return json_object_set_new(json_object_get(body, "sysctls"), arg, json_string(equals + 1));
}

static int
spawn_option(struct client *client, int opt, json_t *body, bool *wait)
{
	uint64_t number;

	switch (opt) {
	case 'n':
		json_object_set_new(body, "name", json_string(optarg));
		return -1;
	case 'T':
		json_object_set_new(body, "template", json_string(optarg));
		return -1;
	case 'r':
		set_path(body, "rootfs", optarg);
		return -1;
	case 'm':
		if (parse_uint(optarg, INT32_MAX, &number) < 0)
			return client_usage_error(client, spawn_usage, "--memory: MiB expected");
		json_object_set_new(body, "memory_mib", json_integer((json_int_t)number));
		return -1;
	case OPT_HOSTNAME:
		json_object_set_new(body, "hostname", json_string(optarg));
		return -1;
	case OPT_SYSCTL:
		return add_sysctl(body, optarg) == 0
			   ? -1
			   : client_usage_error(client, spawn_usage,
						"--sysctl: NAME=VALUE expected");
	case OPT_ADD:
		return add_file(body, optarg) == 0
			   ? -1
			   : client_usage_error(client, spawn_usage, "--add: HOST:/GUEST expected");
	case OPT_VMFORK:
		if (parse_uint(optarg, INT32_MAX, &number) < 0)
			return client_usage_error(client, spawn_usage, "--vmfork: number expected");
		json_object_set_new(body, "vmfork", json_integer((json_int_t)number));
		return -1;
	case OPT_EVENTS:
		json_object_set_new(body, "events", json_true());
		return -1;
	case OPT_NO_WAIT:
		*wait = false;
		return -1;
	default:
		return client_option(client, opt, spawn_usage);
	}
}

static int
spawn_options(struct client *client, int argc, char **argv, json_t *body, bool *wait)
{
	static const struct option options[] = {{"name", required_argument, NULL, 'n'},
						{"template", required_argument, NULL, 'T'},
						{"rootfs", required_argument, NULL, 'r'},
						{"memory", required_argument, NULL, 'm'},
						{"hostname", required_argument, NULL, OPT_HOSTNAME},
						{"sysctl", required_argument, NULL, OPT_SYSCTL},
						{"add", required_argument, NULL, OPT_ADD},
						/* what it was called first */
						{"file", required_argument, NULL, OPT_ADD},
						{"vmfork", required_argument, NULL, OPT_VMFORK},
						{"events", no_argument, NULL, OPT_EVENTS},
						{"no-wait", no_argument, NULL, OPT_NO_WAIT},
						CLI_OPTIONS};
	int opt, rc;

	while ((opt = getopt_long(argc, argv, "n:T:r:m:h", options, NULL)) != -1) {
		rc = spawn_option(client, opt, body, wait);
		if (rc >= 0)
			return rc;
	}
	return optind == argc ? -1
			      : client_usage_error(client, spawn_usage, "no arguments expected");
}

int
cmd_spawn(int argc, char **argv)
{
	json_t *body = json_object(), *doc = NULL;
	struct client client;
	bool wait = true;
	int rc;

	client_init(&client, "spawn");
	rc = spawn_options(&client, argc, argv, body, &wait);
	if (rc < 0) {
		rc =
		    client_call(&client, "POST", wait ? "/v1/sandboxes" : "/v1/sandboxes?wait=none",
				json_incref(body), &doc);
		if (rc == CMD_OK && client.json)
			print_json(doc);
		else if (rc == CMD_OK)
			printf("%s\n", get_string(doc, "id", "?"));
	}
	json_decref(body);
	json_decref(doc);
	client_fini(&client);
	return rc;
}
