/* SPDX-License-Identifier: ISC */
/* cli_simple.c: commands of one shape: the common options, a number of arguments, a request or a
 * few. */
#include <stdlib.h>
#include <string.h>

#include "cli_simple.h"
#include "names.h"

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

/* One request, whose answer is shown by `show' (NULL: not at all), or as JSON.  path and body are
 * stolen. */
static int
request(struct client *client, const char *method, char *path, json_t *body,
	void (*show)(const json_t *doc))
{
	json_t *doc = NULL;
	int rc = client_call(client, method, path, body, show != NULL ? &doc : NULL);

	if (rc == CMD_OK && show != NULL) {
		if (client->json)
			print_json(doc);
		else
			show(doc);
	}
	json_decref(doc);
	free(path);
	return rc;
}

/* One request for each sandbox, also after one that has failed. */
static int
request_each(struct client *client, int argc, char **argv, const char *method, const char *what)
{
	int rc = CMD_OK, one;

	for (int i = 0; i < argc; i++) {
		one = request(client, method, sandbox_path(argv[i], what, NULL, NULL), NULL, NULL);
		rc = one != CMD_OK ? one : rc;
	}
	return rc;
}

static int
run_rm(struct client *client, int argc, char **argv)
{
	return request_each(client, argc, argv, "DELETE", NULL);
}

static int
run_reset(struct client *client, int argc, char **argv)
{
	return request_each(client, argc, argv, "POST", "reset");
}

static int
run_signal(struct client *client, int argc, char **argv)
{
	char *pid = argv[1];
	bool group = pid[0] == '-', numeric = argv[2][0] >= '0' && argv[2][0] <= '9';
	int number = signal_number(argv[2]);
	json_t *body;

	(void)argc;
	if (number < 0) {
		client_error(client, "%s: not a signal", argv[2]);
		return CMD_USAGE;
	}
	body = json_pack("{s:o, s:b}", "signal",
			 numeric ? json_integer(number) : json_string(argv[2]), "group", group);
	return request(client, "POST", sandbox_path(argv[0], "processes", pid + group, "signal"),
		       body, NULL);
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
	(void)argc;
	return request(client, "GET", sandbox_path(argv[0], "processes", argv[1], "wait"), NULL,
		       print_end);
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
	char *path = sandbox_path(argv[0], "processes", argv[1], "profile");

	if (argc > 2)
		return request(client, "POST", path, json_pack("{s:s}", "action", argv[2]), NULL);
	return request(client, "GET", path, NULL, print_profile);
}

static void
print_variable(const json_t *doc)
{
	const char *name = get_string(doc, "name", "?"), *value = get_string(doc, "value", "");

	if (json_object_get(doc, "old") != NULL)
		printf("%s: %s -> %s\n", name, get_string(doc, "old", ""), value);
	else
		printf("%s = %s\n", name, value);
}

static int
one_sysctl(struct client *client, const char *sandbox, char *arg)
{
	char *equals = strchr(arg, '=');
	json_t *body = NULL;

	if (equals != NULL) {
		*equals = '\0';
		body = json_pack("{s:s}", "value", equals + 1);
	}
	return request(client, body != NULL ? "PUT" : "GET",
		       sandbox_path(sandbox, "sysctl", arg, NULL), body, print_variable);
}

static int
run_sysctl(struct client *client, int argc, char **argv)
{
	int rc = CMD_OK;

	for (int i = 1; i < argc && rc == CMD_OK; i++)
		rc = one_sysctl(client, argv[0], argv[i]);
	return rc;
}

static void
print_log(const json_t *doc)
{
	const json_t *line;
	size_t i;

	json_array_foreach (json_object_get(doc, "items"), i, line) {
		print_safe(stdout, get_string(line, "text", ""));
		putchar('\n');
	}
}

static int
run_log(struct client *client, int argc, char **argv)
{
	(void)argc;
	return request(client, "GET", sandbox_path(argv[0], "log", NULL, NULL), NULL, print_log);
}

static void
print_health(const json_t *doc)
{
	const json_t *host = json_object_get(doc, "host"),
		     *states = json_object_get(doc, "sandboxes");

	printf("%s: host %s %s, sandboxes: %lld ready, %lld starting, %lld failed, "
	       "%lld at most\n",
	       get_string(doc, "status", "?"), get_string(host, "vendor", "?"),
	       get_string(host, "paging", ""), (long long)get_int(states, "ready"),
	       (long long)get_int(states, "starting"), (long long)get_int(states, "failed"),
	       (long long)get_int(doc, "max_sandboxes"));
	if (get_string(host, "detail", "")[0] != '\0')
		printf("%s\n", get_string(host, "detail", ""));
}

static int
run_health(struct client *client, int argc, char **argv)
{
	(void)argc, (void)argv;
	return request(client, "GET", path_printf("/v1/health"), NULL, print_health);
}

#define MANY (1 << 20) /* arguments */

static const struct simple {
	const char *name;
	int min_args, max_args;
	int (*run)(struct client *client, int argc, char **argv);
	const char *usage;
} commands[] = {
    {"rm", 1, MANY, run_rm,
     "usage: tine rm SANDBOX...\n\n"
     "Stop and remove sandboxes; their processes are killed.\n\n" CLI_USAGE},
    {"reset", 1, MANY, run_reset,
     "usage: tine reset SANDBOX...\n\n"
     "Put clones back to the state of their templates, in place: what has happened in them\n"
     "since is undone.\n\n" CLI_USAGE},
    {"signal", 3, 3, run_signal,
     "usage: tine signal [OPTION]... [--] SANDBOX PID SIGNAL\n\n"
     "Send a signal (TERM, SIGTERM, 15) to a process, with -PID to its process group.  lN\n"
     "instead of a pid is the process with launch handle N.\n\n" CLI_USAGE},
    {"wait", 2, 2, run_wait,
     "usage: tine wait [OPTION]... SANDBOX PID\n\n"
     "Wait until a launched process (PID, or lN for launch handle N) has ended.\n\n" CLI_USAGE},
    {"profile", 2, 3, run_profile,
     "usage: tine profile [OPTION]... SANDBOX PID [start|stop]\n\n"
     "Start or stop counting where a process (PID, or lN for launch handle N) and its\n"
     "children are at the ticks of the clock, or show what has been counted.\n\n" CLI_USAGE},
    {"sysctl", 2, MANY, run_sysctl,
     "usage: tine sysctl [OPTION]... SANDBOX NAME[=VALUE]...\n\n"
     "Read or set variables of a sandbox's kernel.\n\n" CLI_USAGE},
    {"log", 1, 1, run_log,
     "usage: tine log [OPTION]... SANDBOX\n\n"
     "Show the last lines that a sandbox's kernel has logged.\n\n" CLI_USAGE},
    {"put", 3, 3, run_put,
     "usage: tine put [OPTION]... SANDBOX FILE PATH\n\n"
     "Copy FILE of this host to PATH in a sandbox, with its permissions.\n\n" CLI_USAGE},
    {"health", 0, 0, run_health,
     "usage: tine health [OPTION]...\n\nShow the state of the daemon and of its "
     "host.\n\n" CLI_USAGE},
};

static const struct simple *
find(const char *name)
{
	const struct simple *cmd = commands;

	while (strcmp(cmd->name, name) != 0)
		cmd++; /* main.c asks for those of the table only */
	return cmd;
}

int
cmd_simple(int argc, char **argv)
{
	const struct simple *cmd = find(argv[0]);
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
