/* SPDX-License-Identifier: ISC */
/* run_options.c: command line of `tine run`. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run_options.h"

static const char usage_text[] =
    "usage: tine run [OPTIONS] PROGRAM [ARGUMENTS]\n"
    "Runs a Linux program in a sandbox of its own; standard input, output, signals and exit "
    "status\n"
    "behave as if it ran directly.\n"
    "\n"
    "  -r, --rootfs PATH     root file system: directory, tar, cpio or EROFS image; PROGRAM is "
    "then a\n"
    "                        name or path inside it.  Without it PROGRAM is a file of this host "
    "and\n"
    "                        comes alone with the libraries it needs\n"
    "      --add HOST:GUEST  add a file of this host to the root file system (repeatable)\n"
    "  -t, --tty             give the program a terminal\n"
    "  -n, --no-stdin        standard input is empty\n"
    "  -m, --memory MIB      memory (default 256)\n"
    "  -e, --env NAME=VALUE  set a variable (NAME alone: as it is here)\n"
    "      --env-clear       only the variables given by -e\n"
    "      --env-host        pass this environment on\n"
    "  -w, --cwd DIR         working directory (default /)\n"
    "  -u, --user UID[:GID]  run as this user (default 0:0)\n"
    "      --hostname NAME   host name (default tine)\n"
    "      --sysctl N=VALUE  setting of the guest kernel (repeatable)\n"
    "      --timeout SEC     kill the sandbox after so many seconds (exit status 124)\n"
    "      --stats[=FILE]    print the fork statistics at the end (standard error)\n"
    "      --json            print them as JSON\n"
    "  -v, --verbose         show the guest kernel's log\n"
    "      --kernel FILE     guest kernel image\n"
    "      --trace           keep a trace ring and show it, and where the guest is, when the\n"
    "                        kernel dies or the time is up\n"
    "      --gdb ADDRESS     wait for a debugger of the guest kernel: unix:PATH or "
    "[127.0.0.1:]PORT\n"
    "      --no-template     boot the guest kernel instead of cloning one that has booted\n"
    "      --no-jail         do not confine this process (for debugging)\n"
    "  -h, --help            this text\n"
    "\n"
    "Exit status: the program's; 128 + N if signal N killed it; 124 time is up, 125 tine failed,\n"
    "126 the program cannot be executed, 127 it was not found.\n";

enum {
	OPT_ADD = 256,
	OPT_ENV_CLEAR,
	OPT_ENV_HOST,
	OPT_HOSTNAME,
	OPT_SYSCTL,
	OPT_TIMEOUT,
	OPT_STATS,
	OPT_JSON,
	OPT_KERNEL,
	OPT_TRACE,
	OPT_GDB,
	OPT_NO_TEMPLATE,
	OPT_NO_JAIL,
};

static const struct option long_options[] = {
    {"rootfs", required_argument, NULL, 'r'},
    {"add", required_argument, NULL, OPT_ADD},
    {"tty", no_argument, NULL, 't'},
    {"no-stdin", no_argument, NULL, 'n'},
    {"memory", required_argument, NULL, 'm'},
    {"env", required_argument, NULL, 'e'},
    {"env-clear", no_argument, NULL, OPT_ENV_CLEAR},
    {"env-host", no_argument, NULL, OPT_ENV_HOST},
    {"cwd", required_argument, NULL, 'w'},
    {"user", required_argument, NULL, 'u'},
    {"hostname", required_argument, NULL, OPT_HOSTNAME},
    {"sysctl", required_argument, NULL, OPT_SYSCTL},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"stats", optional_argument, NULL, OPT_STATS},
    {"json", no_argument, NULL, OPT_JSON},
    {"verbose", no_argument, NULL, 'v'},
    {"kernel", required_argument, NULL, OPT_KERNEL},
    {"trace", no_argument, NULL, OPT_TRACE},
    {"gdb", required_argument, NULL, OPT_GDB},
    {"no-template", no_argument, NULL, OPT_NO_TEMPLATE},
    {"no-jail", no_argument, NULL, OPT_NO_JAIL},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool
parse_number(const char *s, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(s, &end, 10);
	return *s >= '0' && *s <= '9' && *end == '\0' && errno == 0 && *value <= max;
}

static bool
parse_user(struct run_options *o, const char *s)
{
	char *copy = strdup(s), *colon = copy != NULL ? strchr(copy, ':') : NULL;
	uint64_t uid, gid;
	bool ok;

	if (colon != NULL)
		*colon = '\0';
	ok = copy != NULL && parse_number(copy, UINT32_MAX - 1, &uid);
	gid = ok ? uid : 0;
	if (ok && colon != NULL)
		ok = parse_number(colon + 1, UINT32_MAX - 1, &gid);
	free(copy);
	if (ok) {
		o->uid = (uint32_t)uid;
		o->gid = (uint32_t)gid;
	}
	return ok;
}

static void
add_file(struct run_options *o, struct rootfs_file file)
{
	if (o->nfiles == o->files_cap) {
		o->files_cap = o->files_cap != 0 ? o->files_cap * 2 : 16;
		o->files = realloc(o->files, o->files_cap * sizeof(*o->files));
		if (o->files == NULL) {
			fputs("tine: out of memory\n", stderr);
			exit(RUN_FAILED);
		}
	}
	o->files[o->nfiles++] = file;
}

static bool
parse_add(struct run_options *o, char *s)
{
	char *colon = strrchr(s, ':');

	if (colon == NULL || colon == s || colon[1] != '/')
		return false;
	*colon = '\0';
	add_file(o, (struct rootfs_file){.host_path = s, .guest_path = colon + 1});
	return true;
}

static bool
parse_timeout(struct run_options *o, const char *s)
{
	char *end;

	o->timeout = strtod(s, &end);
	return end != s && *end == '\0' && o->timeout > 0 && o->timeout < 1e9;
}

static bool
parse_memory(struct run_options *o, const char *s)
{
	return parse_number(s, TINE_RAM_MAX_MIB, &o->config.memory_mib) &&
	       o->config.memory_mib >= TINE_RAM_MIN_MIB;
}

static bool
parse_env(struct string_list *given, char *s)
{
	if (s[0] == '\0' || s[0] == '=')
		return false;
	string_list_add(given, s);
	return true;
}

/* One option; false when its argument makes no sense. */
static bool
take_option(struct run_options *o, int c, struct string_list *given_env)
{
	switch (c) {
	case OPT_ADD:
		return parse_add(o, optarg);
	case 'm':
		return parse_memory(o, optarg);
	case 'e':
		return parse_env(given_env, optarg);
	case 'u':
		return parse_user(o, optarg);
	case OPT_TIMEOUT:
		return parse_timeout(o, optarg);
	case 'r':
		o->config.rootfs = optarg;
		return true;
	case OPT_HOSTNAME:
		o->config.hostname = optarg;
		return true;
	case OPT_SYSCTL:
		string_list_add(&o->params, strdup(optarg));
		return true;
	case OPT_KERNEL:
		o->config.kernel = optarg;
		return true;
	case OPT_GDB:
		o->config.gdb = optarg;
		return true;
	case 'w':
		o->cwd = optarg;
		return true;
	case OPT_STATS:
		o->stats = true;
		o->stats_file = optarg;
		return true;
	case 't':
		o->tty = true;
		return true;
	case 'n':
		o->no_stdin = true;
		return true;
	case OPT_ENV_CLEAR:
		o->env_clear = true;
		return true;
	case OPT_ENV_HOST:
		o->env_host = true;
		return true;
	case OPT_JSON:
		o->json = true;
		return true;
	case 'v':
		o->verbose = true;
		return true;
	case OPT_TRACE:
		o->config.trace = true;
		return true;
	case OPT_NO_TEMPLATE:
		o->no_template = true;
		return true;
	case OPT_NO_JAIL:
		o->config.jail = JAIL_NONE;
		return true;
	default:
		return false;
	}
}

static void
print_bad(int c)
{
	const struct option *option = long_options;
	const char *wanted = "";

	while (option->val != c)
		option++;
	switch (c) {
	case OPT_ADD:
		wanted = "HOST:GUEST, with an absolute path for GUEST, is needed";
		break;
	case 'm':
		wanted = "a number of MiB from 16 to 65536 is needed";
		break;
	case 'e':
		wanted = "NAME=VALUE or NAME is needed";
		break;
	case 'u':
		wanted = "numbers UID or UID:GID are needed";
		break;
	case OPT_TIMEOUT:
		wanted = "a number of seconds above 0 is needed";
		break;
	default:
		break;
	}
	fprintf(stderr, "tine: --%s \"%s\": %s\n", option->name, optarg, wanted);
}

_Static_assert(TINE_RAM_MIN_MIB == 16 && TINE_RAM_MAX_MIB == 65536, "print_bad(), usage");

int
run_options_parse(struct run_options *o, int argc, char **argv)
{
	static char own_name[] = "tine run";
	struct string_list given = {0};
	int c, status = -1, index = 0;

	memset(o, 0, sizeof(*o));
	argv[0] = own_name; /* in front of what getopt says */
	/* "+": options after the program's name are the program's. */
	while (status < 0 &&
	       (c = getopt_long(argc, argv, "+r:tnm:e:w:u:vh", long_options, &index)) != -1) {
		if (c == 'h') {
			fputs(usage_text, stdout);
			status = 0;
		} else if (c == '?') {
			fputs("Try 'tine run --help'.\n", stderr);
			status = RUN_FAILED;
		} else if (!take_option(o, c, &given)) {
			print_bad(c);
			status = RUN_FAILED;
		}
	}
	if (status < 0 && optind == argc) {
		fputs("tine: no program given; try 'tine run --help'\n", stderr);
		status = RUN_FAILED;
	}
	o->argv = argv + optind;
	if (status < 0)
		run_env_make(o, &given);
	free(given.v);
	return status;
}

void
run_options_free(struct run_options *o)
{
	for (size_t i = 0; i < o->env.n; i++)
		free(o->env.v[i]);
	for (size_t i = 0; i < o->params.n; i++)
		free(o->params.v[i]);
	free(o->env.v);
	free(o->params.v);
	free(o->files);
	file_list_free(&o->closure);
}

/* In front of the files that were asked for by name: those win. */
static void
add_closure(struct run_options *o)
{
	struct rootfs_file *given = o->files;
	size_t n = o->nfiles;

	o->files = NULL;
	o->nfiles = o->files_cap = 0;
	for (size_t i = 0; i < o->closure.n; i++)
		add_file(o, (struct rootfs_file){.host_path = o->closure.file[i].path,
						 .guest_path = o->closure.file[i].path,
						 .fd = o->closure.file[i].fd});
	for (size_t i = 0; i < n; i++)
		add_file(o, given[i]);
	free(given);
}

int
run_options_resolve(struct run_options *o, struct tine_error *error)
{
	char path[PATH_MAX];
	int r = 0, fd;

	if (o->argv[0][0] == '\0')
		return tine_error_set(error, ENOENT, "not-found", "the program has no name");
	if (o->config.rootfs == NULL) {
		r = program_find(o->argv[0], getenv("PATH"), path, &fd, error);
		if (r == 0)
			r = program_closure(&o->closure, path, fd, error);
		if (r == 0) {
			o->program = o->closure.file[0].path;
			add_closure(o);
		}
	} else if (strchr(o->argv[0], '/') != NULL) {
		o->program = o->argv[0];
	}
	o->config.files = o->files;
	o->config.nfiles = o->nfiles;
	o->config.params = (const char *const *)o->params.v;
	return r;
}
