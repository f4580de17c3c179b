/* SPDX-License-Identifier: ISC */
/* cli_simple.c: commands of one shape: options, a number of arguments, one request or a few. */
#include <stdlib.h>
#include <string.h>

#include "cli_simple.h"
#include "names.h"

int
run_simple(const struct simple *cmd, int argc, char **argv)
{
	struct client client;
	int rc;

	client_init(&client, cmd->name);
	rc = client_options(&client, argc, argv, cmd->usage);
	if (rc < 0) {
		argc -= optind;
		if (argc < cmd->min_args || argc > cmd->max_args)
			rc = client_usage_error(&client, cmd->usage, "wrong number of arguments");
		else
			rc = cmd->run(&client, argc, argv + optind);
	}
	client_fini(&client);
	return rc;
}

char *
sandbox_path(const char *sandbox, const char *what, const char *item, const char *verb)
{
	char *a = path_escape(sandbox), *b = path_escape(item != NULL ? item : "");
	char *path =
	    path_printf("/v1/sandboxes/%s%s%s%s%s%s%s", a, what ? "/" : "", what ? what : "",
			item ? "/" : "", b, verb ? "/" : "", verb ? verb : "");

	free(a);
	free(b);
	return path;
}

static int
call_free(struct client *client, const char *method, char *path, json_t *body, json_t **out)
{
	int rc = client_call(client, method, path, body, out);

	free(path);
	return rc;
}

static int
run_rm(struct client *client, int argc, char **argv)
{
	int rc = CMD_OK, one;

	for (int i = 0; i < argc; i++) {
		one = call_free(client, "DELETE", sandbox_path(argv[i], NULL, NULL, NULL), NULL,
				NULL);
		rc = one != CMD_OK ? one : rc;
	}
	return rc;
}

int
cmd_rm(int argc, char **argv)
{
	static const struct simple cmd = {"rm",
					  "usage: tine rm SANDBOX...\n\nStop and remove sandboxes; "
					  "their processes are killed.\n\n" CLI_USAGE,
					  1, 1 << 20, run_rm};

	return run_simple(&cmd, argc, argv);
}

static int
run_reset(struct client *client, int argc, char **argv)
{
	int rc = CMD_OK, one;

	for (int i = 0; i < argc; i++) {
		one = call_free(client, "POST", sandbox_path(argv[i], "reset", NULL, NULL), NULL,
				NULL);
		rc = one != CMD_OK ? one : rc;
	}
	return rc;
}

int
cmd_reset(int argc, char **argv)
{
	static const struct simple cmd = {
	    "reset",
	    "usage: tine reset SANDBOX...\n\n"
	    "Put clones back to the state of their templates, in place: what has happened in them\n"
	    "since is undone.\n\n" CLI_USAGE,
	    1, 1 << 20, run_reset};

	return run_simple(&cmd, argc, argv);
}

static int
run_signal(struct client *client, int argc, char **argv)
{
	char *pid = argv[1];
	bool group = pid[0] == '-';
	json_t *body = json_pack("{s:s, s:b}", "signal", argv[2], "group", group);

	(void)argc;
	if (signal_number(argv[2]) < 0) {
		json_decref(body);
		client_error(client, "%s: not a signal", argv[2]);
		return CMD_USAGE;
	}
	if (argv[2][0] >= '0' && argv[2][0] <= '9')
		json_object_set_new(body, "signal", json_integer(signal_number(argv[2])));
	return call_free(client, "POST", sandbox_path(argv[0], "processes", pid + group, "signal"),
			 body, NULL);
}

int
cmd_signal(int argc, char **argv)
{
	static const struct simple cmd = {
	    "signal",
	    "usage: tine signal [OPTION]... [--] SANDBOX PID SIGNAL\n\n"
	    "Send a signal (TERM, SIGTERM, 15) to a process, with -PID to its process group.  lN\n"
	    "instead of a pid is the process with launch handle N.\n\n" CLI_USAGE,
	    3, 3, run_signal};

	return run_simple(&cmd, argc, argv);
}

static void
print_end(const json_t *doc)
{
	const char *state = get_string(doc, "state", "?");

	if (json_object_get(doc, "exit_code") != NULL)
		printf("exited with status %lld\n", (long long)get_int(doc, "exit_code"));
	else if (json_object_get(doc, "signal") != NULL)
		printf("killed by signal %s\n", get_string(doc, "signal_name", "?"));
	else
		printf("%s\n", state);
}

static int
run_wait(struct client *client, int argc, char **argv)
{
	json_t *doc = NULL;
	int rc = call_free(client, "GET", sandbox_path(argv[0], "processes", argv[1], "wait"), NULL,
			   &doc);

	(void)argc;
	if (rc == CMD_OK && client->json)
		print_json(doc);
	else if (rc == CMD_OK)
		print_end(doc);
	json_decref(doc);
	return rc;
}

int
cmd_wait(int argc, char **argv)
{
	static const struct simple cmd = {"wait",
					  "usage: tine wait [OPTION]... SANDBOX PID\n\n"
					  "Wait until a launched process (PID, or lN for launch "
					  "handle N) has ended.\n\n" CLI_USAGE,
					  2, 2, run_wait};

	return run_simple(&cmd, argc, argv);
}

static void
print_profile(const json_t *doc)
{
	long long samples = (long long)get_int(doc, "samples");
	const json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(doc, "entries"), i, entry) {
		long long count = (long long)get_int(entry, "count");

		printf("%8lld %5.1f%% %#llx\n", count, 100.0 * (double)count / (double)samples,
		       (unsigned long long)get_int(entry, "pc"));
	}
	printf("%8lld samples, %lld of them lost\n", samples, (long long)get_int(doc, "lost"));
}

static int
run_profile(struct client *client, int argc, char **argv)
{
	json_t *body = argc > 2 ? json_pack("{s:s}", "action", argv[2]) : NULL, *doc = NULL;
	int rc = call_free(client, body != NULL ? "POST" : "GET",
			   sandbox_path(argv[0], "processes", argv[1], "profile"), body, &doc);

	if (rc == CMD_OK && argc == 2 && client->json)
		print_json(doc);
	else if (rc == CMD_OK && argc == 2)
		print_profile(doc);
	json_decref(doc);
	return rc;
}

int
cmd_profile(int argc, char **argv)
{
	static const struct simple cmd = {
	    "profile",
	    "usage: tine profile [OPTION]... SANDBOX PID [start|stop]\n\n"
	    "Start or stop counting where a process (PID, or lN for launch handle N) and its\n"
	    "children are at the ticks of the clock, or show what has been counted.\n\n" CLI_USAGE,
	    2, 3, run_profile};

	return run_simple(&cmd, argc, argv);
}

static int
one_sysctl(struct client *client, const char *sandbox, char *arg)
{
	char *equals = strchr(arg, '=');
	json_t *body = NULL, *doc = NULL;
	int rc;

	if (equals != NULL) {
		*equals = '\0';
		body = json_pack("{s:s}", "value", equals + 1);
	}
	rc = call_free(client, body != NULL ? "PUT" : "GET",
		       sandbox_path(sandbox, "sysctl", arg, NULL), body, &doc);
	if (rc == CMD_OK && client->json)
		print_json(doc);
	else if (rc == CMD_OK && equals != NULL)
		printf("%s: %s -> %s\n", arg, get_string(doc, "old", ""),
		       get_string(doc, "value", ""));
	else if (rc == CMD_OK)
		printf("%s = %s\n", arg, get_string(doc, "value", ""));
	json_decref(doc);
	return rc;
}

static int
run_sysctl(struct client *client, int argc, char **argv)
{
	int rc = CMD_OK;

	for (int i = 1; i < argc && rc == CMD_OK; i++)
		rc = one_sysctl(client, argv[0], argv[i]);
	return rc;
}

int
cmd_sysctl(int argc, char **argv)
{
	static const struct simple cmd = {
	    "sysctl",
	    "usage: tine sysctl [OPTION]... SANDBOX NAME[=VALUE]...\n\n"
	    "Read or set variables of a sandbox's kernel.\n\n" CLI_USAGE,
	    2, 1 << 20, run_sysctl};

	return run_simple(&cmd, argc, argv);
}

static int
run_log(struct client *client, int argc, char **argv)
{
	json_t *doc = NULL, *line;
	int rc = call_free(client, "GET", sandbox_path(argv[0], "log", NULL, NULL), NULL, &doc);
	size_t i;

	(void)argc;
	if (rc == CMD_OK && client->json) {
		print_json(doc);
	} else if (rc == CMD_OK) {
		json_array_foreach (json_object_get(doc, "items"), i, line) {
			print_safe(stdout, get_string(line, "text", ""));
			putchar('\n');
		}
	}
	json_decref(doc);
	return rc;
}

int
cmd_log(int argc, char **argv)
{
	static const struct simple cmd = {
	    "log",
	    "usage: tine log [OPTION]... SANDBOX\n\n"
	    "Show the last lines that a sandbox's kernel has logged.\n\n" CLI_USAGE,
	    1, 1, run_log};

	return run_simple(&cmd, argc, argv);
}

static int
run_health(struct client *client, int argc, char **argv)
{
	json_t *doc = NULL;
	const json_t *host, *states;
	int rc = client_call(client, "GET", "/v1/health", NULL, &doc);

	(void)argc, (void)argv;
	if (rc == CMD_OK && client->json) {
		print_json(doc);
	} else if (rc == CMD_OK) {
		host = json_object_get(doc, "host");
		states = json_object_get(doc, "sandboxes");
		printf("%s: host %s %s, sandboxes: %lld ready, %lld starting, %lld failed, "
		       "%lld at most\n",
		       get_string(doc, "status", "?"), get_string(host, "vendor", "?"),
		       get_string(host, "paging", ""), (long long)get_int(states, "ready"),
		       (long long)get_int(states, "starting"), (long long)get_int(states, "failed"),
		       (long long)get_int(doc, "max_sandboxes"));
		if (get_string(host, "detail", "")[0] != '\0')
			printf("%s\n", get_string(host, "detail", ""));
	}
	json_decref(doc);
	return rc;
}

int
cmd_health(int argc, char **argv)
{
	static const struct simple cmd = {"health",
					  "usage: tine health [OPTION]...\n\nShow the state of the "
					  "daemon and of its host.\n\n" CLI_USAGE,
					  0, 0, run_health};

	return run_simple(&cmd, argc, argv);
}
