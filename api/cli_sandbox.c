/* SPDX-License-Identifier: ISC */
/* cli_sandbox.c: tine spawn, rm, signal, wait, sysctl, put, log, health. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "decode.h"
#include "names.h"

/* ---- spawn --------------------------------------------------------------------------------- */

static const char spawn_usage[] =
    "usage: tine spawn [OPTION]...\n"
    "\n"
    "Start a sandbox and print its id.\n"
    "\n"
    "  -n, --name NAME       a name that can be used instead of the id\n"
    "  -r, --rootfs PATH     root file system: directory, tar, cpio or EROFS image\n"
    "  -m, --memory MIB      memory (default 256)\n"
    "      --hostname NAME\n"
    "      --sysctl NAME=VALUE  set a kernel variable at boot; can be repeated\n"
    "      --file HOST:GUEST    add a file to the root file system; can be repeated\n"
    "      --events          report forks, execs and exits on the event stream\n"
    "      --no-wait         do not wait until it is ready\n" CLI_USAGE;

enum { OPT_HOSTNAME = 256, OPT_SYSCTL, OPT_FILE, OPT_EVENTS, OPT_NO_WAIT };

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
	uint64_t mib;

	switch (opt) {
	case 'n':
		json_object_set_new(body, "name", json_string(optarg));
		return -1;
	case 'r':
		set_path(body, "rootfs", optarg);
		return -1;
	case 'm':
		if (parse_uint(optarg, INT32_MAX, &mib) < 0)
			return client_usage_error(client, spawn_usage, "--memory: MiB expected");
		json_object_set_new(body, "memory_mib", json_integer((json_int_t)mib));
		return -1;
	case OPT_HOSTNAME:
		json_object_set_new(body, "hostname", json_string(optarg));
		return -1;
	case OPT_SYSCTL:
		return add_sysctl(body, optarg) == 0
			   ? -1
			   : client_usage_error(client, spawn_usage,
						"--sysctl: NAME=VALUE expected");
	case OPT_FILE:
		return add_file(body, optarg) == 0
			   ? -1
			   : client_usage_error(client, spawn_usage,
						"--file: HOST:/GUEST expected");
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
						{"rootfs", required_argument, NULL, 'r'},
						{"memory", required_argument, NULL, 'm'},
						{"hostname", required_argument, NULL, OPT_HOSTNAME},
						{"sysctl", required_argument, NULL, OPT_SYSCTL},
						{"file", required_argument, NULL, OPT_FILE},
						{"events", no_argument, NULL, OPT_EVENTS},
						{"no-wait", no_argument, NULL, OPT_NO_WAIT},
						CLI_OPTIONS};
	int opt, rc;

	while ((opt = getopt_long(argc, argv, "n:r:m:h", options, NULL)) != -1) {
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

/* ---- commands of one shape: options, a number of arguments, one request --------------------- */

struct simple {
	const char *name, *usage;
	int min_args, max_args;
	int (*run)(struct client *client, int argc, char **argv);
};

static int
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

/* "/v1/sandboxes/SANDBOX/WHAT[/ITEM][/VERB]" */
static char *
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
put_mapped(struct client *client, char *path, const void *data, size_t len)
{
	json_t *doc = NULL;
	int status = 0;
	int rc =
	    client_try(client, "PUT", path, "application/octet-stream", data, len, &status, &doc);

	if (rc == CMD_OK && status != 204) {
		client_problem(client, status, doc);
		rc = CMD_FAILURE;
	}
	json_decref(doc);
	return rc;
}

static int
run_put(struct client *client, int argc, char **argv)
{
	int fd = open(argv[1], O_RDONLY | O_CLOEXEC), rc;
	char *guest = path_escape(argv[2]), *base, *path;
	void *data = MAP_FAILED;
	struct stat st = {0};

	(void)argc;
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd < 0 || !S_ISREG(st.st_mode) || (st.st_size > 0 && data == MAP_FAILED)) {
		client_error(client, "%s: %s", argv[1],
			     fd < 0 || S_ISREG(st.st_mode) ? strerror(errno)
							   : "not a regular file");
		rc = CMD_FAILURE;
	} else {
		base = sandbox_path(argv[0], "files", NULL, NULL);
		path = path_printf("%s?path=%s&mode=%o", base, guest, st.st_mode & 07777u);
		rc = put_mapped(client, path, st.st_size > 0 ? data : "", (size_t)st.st_size);
		free(path);
		free(base);
	}
	if (data != MAP_FAILED)
		munmap(data, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	free(guest);
	return rc;
}

int
cmd_put(int argc, char **argv)
{
	static const struct simple cmd = {
	    "put",
	    "usage: tine put [OPTION]... SANDBOX FILE PATH\n\n"
	    "Copy FILE of this host to PATH in a sandbox, with its permissions.\n\n" CLI_USAGE,
	    3, 3, run_put};

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
