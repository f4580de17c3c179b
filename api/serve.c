/* SPDX-License-Identifier: ISC */
/* serve.c: `tine serve`: options, start, signals, orderly end. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "log.h"
#include "server.h"

#define MAX_SANDBOXES_DEFAULT 1024u
#define MAX_SANDBOXES_LIMIT 65536u
#define GUEST_TIMEOUT_MS 30000u
#define POOL_DEFAULT 2u
#define POOL_MAX 64u

static const char usage[] =
    "usage: tine serve [OPTION]...\n"
    "\n"
    "Serve the control API until SIGTERM or SIGINT.\n"
    "\n"
    "  --socket PATH         Unix socket (default $TINE_SOCKET, else\n"
    "                        $XDG_RUNTIME_DIR/tine.sock, else /run/tine.sock)\n"
    "  --listen HOST:PORT    listen on TCP too; needs --token-file and --rootfs-dir\n"
    "  --token-file FILE     bearer token that TCP clients have to send (mode 0600)\n"
    "  --rootfs-dir DIR      clients can name files of this host only below DIR\n"
    "  --max-sandboxes N     at most N sandboxes at a time (default 1024)\n"
    "  --guest-timeout MS    how long a sandbox's kernel may take to answer (default 30000)\n"
    "  --pool N              idle processes kept for quick starts (default 2, 0 = none)\n"
    "  --no-zygote           execute VMM processes, each with an address layout of its own,\n"
    "                        instead of forking them: slower, and they take more memory\n"
    "  --cold-boot           boot every sandbox; without it they are clones of a booted kernel\n"
    "  --json                log as JSON, one object a line\n"
    "  -v, --verbose         log more\n"
    "  -h, --help\n";

enum {
	OPT_SOCKET = 256,
	OPT_LISTEN,
	OPT_TOKEN,
	OPT_ROOTFS,
	OPT_MAX,
	OPT_TIMEOUT,
	OPT_JSON,
	OPT_POOL,
	OPT_NO_ZYGOTE,
	OPT_COLD
};

static const struct option options[] = {
    {"socket", required_argument, NULL, OPT_SOCKET},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"token-file", required_argument, NULL, OPT_TOKEN},
    {"rootfs-dir", required_argument, NULL, OPT_ROOTFS},
    {"max-sandboxes", required_argument, NULL, OPT_MAX},
    {"guest-timeout", required_argument, NULL, OPT_TIMEOUT},
    {"pool", required_argument, NULL, OPT_POOL},
    {"no-zygote", no_argument, NULL, OPT_NO_ZYGOTE},
    {"cold-boot", no_argument, NULL, OPT_COLD},
    {"json", no_argument, NULL, OPT_JSON},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    F_END,
};

/* ---- options ------------------------------------------------------------------------------- */

static int
usage_error(const char *what)
{
	fprintf(stderr, "tine serve: %s\n%s", what, usage);
	return CMD_USAGE;
}

static bool
number(const char *text, uint64_t max, uint64_t *out)
{
	return parse_uint(text, max, out) == 0 && *out > 0;
}

/* malloc'd; NULL, errno. */
static char *
real_directory(const char *path)
{
	char *real = realpath(path, NULL);
	struct stat st;

	if (real == NULL || (stat(real, &st) == 0 && S_ISDIR(st.st_mode)))
		return real;
	free(real);
	errno = ENOTDIR;
	return NULL;
}

/* 0, or what to exit with plus one. */
static int
parse_option(int opt, struct server_config *config)
{
	uint64_t n;

	switch (opt) {
	case OPT_SOCKET:
		config->socket = optarg;
		return 0;
	case OPT_LISTEN:
		config->listen = optarg;
		return 0;
	case OPT_TOKEN:
		config->token_file = optarg;
		return 0;
	case OPT_ROOTFS:
		free(config->rootfs_dir);
		config->rootfs_dir = real_directory(optarg);
		if (config->rootfs_dir != NULL)
			return 0;
		fprintf(stderr, "tine serve: --rootfs-dir %s: %m\n", optarg);
		return CMD_USAGE + 1;
	case OPT_MAX:
		if (!number(optarg, MAX_SANDBOXES_LIMIT, &n))
			return usage_error("--max-sandboxes: 1 to 65536 expected") + 1;
		config->max_sandboxes = (size_t)n;
		return 0;
	case OPT_TIMEOUT:
		if (!number(optarg, 3600000, &n))
			return usage_error("--guest-timeout: milliseconds expected") + 1;
		config->guest_timeout_ms = n;
		return 0;
	case OPT_POOL:
		if (parse_uint(optarg, POOL_MAX, &n) < 0)
			return usage_error("--pool: 0 to 64 expected") + 1;
		config->pool = (unsigned)n;
		return 0;
	case OPT_NO_ZYGOTE:
		config->no_zygote = true;
		return 0;
	case OPT_COLD:
		config->cold_boot = true;
		return 0;
	case OPT_JSON:
		config->json_log = true;
		return 0;
	case 'v':
		config->verbose = true;
		return 0;
	case 'h':
		fputs(usage, stdout);
		return 1;
	default:
		return CMD_USAGE + 1;
	}
}

static int
parse_options(int argc, char **argv, struct server_config *config)
{
	int opt, rc;

	while ((opt = getopt_long(argc, argv, "vh", options, NULL)) != -1) {
		rc = parse_option(opt, config);
		if (rc != 0)
			return rc;
	}
	if (optind < argc)
		return usage_error("no arguments expected") + 1;
	if (config->listen != NULL && config->token_file == NULL)
		return usage_error("--listen needs --token-file: TCP tells nobody's identity") + 1;
	/* A token must not be worth every file that the daemon's user can read. */
	if (config->listen != NULL && config->rootfs_dir == NULL)
		return usage_error("--listen needs --rootfs-dir (\"/\" allows every file)") + 1;
	return 0;
}

/* ---- signals ------------------------------------------------------------------------------- */

struct signals {
	struct loop_source source;
	struct loop *loop;
};

static void
on_signal(struct loop_source *src, uint32_t events)
{
	struct signals *signals = (struct signals *)(void *)src;
	struct signalfd_siginfo info;

	(void)events;
	if (read(src->fd, &info, sizeof(info)) != sizeof(info))
		return;
	log_info("signal %u: ending", info.ssi_signo);
	loop_stop(signals->loop);
}

static int
signals_start(struct signals *signals, struct loop *loop)
{
	sigset_t set;

	/* A client that closes its connection is no reason to die. */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals->loop = loop;
	signals->source = (struct loop_source){.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
					       .ready = on_signal};
	return loop_add(loop, &signals->source, EPOLLIN);
}

/* ---- listeners ----------------------------------------------------------------------------- */

static int
start_unix(struct server *server, struct tine_error *error)
{
	char path[512];
	struct listener listener;
	int rc;

	listen_default_path(path, sizeof(path));
	if (server->config.socket != NULL)
		snprintf(path, sizeof(path), "%s", server->config.socket);
	rc = listen_unix(path, &listener, error);
	if (rc < 0)
		return rc;
	rc = http_start(&server->unix_http, server, &server->loop, &listener, NULL, error);
	if (rc == 0)
		log_info("listening on %s", path);
	return rc;
}

static int
start_tcp(struct server *server, struct tine_error *error)
{
	struct listener listener;
	int rc;

	if (server->config.listen == NULL)
		return 0;
	rc = token_load(server->config.token_file, &server->token, error);
	if (rc == 0)
		rc = listen_tcp(server->config.listen, &listener, error);
	if (rc == 0)
		rc = http_start(&server->tcp_http, server, &server->loop, &listener, server->token,
				error);
	if (rc == 0)
		log_info("listening on %s", server->config.listen);
	return rc;
}

static uint64_t
prepare(void *arg)
{
	struct server *server = arg;
	uint64_t a, b;

	/* What the second one serves may be news for a connection of the first. */
	do {
		a = http_prepare(&server->unix_http);
		b = http_prepare(&server->tcp_http);
	} while (server->unix_http.resumed);
	return a < b ? a : b;
}

/* Hundreds of sandboxes take a few descriptors each. */
static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int
serve(struct server *server)
{
	struct tine_error error = {0};
	struct signals signals;
	struct host_info host;
	int rc;

	raise_file_limit();
	rc = loop_init(&server->loop);
	if (rc == 0)
		rc = signals_start(&signals, &server->loop);
	if (rc == 0)
		rc = base_init(&server->base, &server->loop, !server->config.cold_boot,
			       server->config.pool, !server->config.no_zygote);
	if (rc == 0)
		rc = file_jobs_init(&server->file_jobs, &server->loop);
	if (rc < 0) {
		log_error("cannot start: %s", strerror(-rc));
		return CMD_FAILURE;
	}
	server->loop.prepare = prepare;
	server->loop.prepare_arg = server;
	host_probe(&host);
	if (!host.capable)
		log_info("this host cannot run sandboxes: %s", host.detail);
	rc = start_unix(server, &error);
	if (rc == 0)
		rc = start_tcp(server, &error);
	if (rc < 0)
		log_error("%s", error.detail);
	else if ((rc = loop_run(&server->loop)) < 0)
		log_error("event loop: %s", strerror(-rc));
	http_stop(&server->unix_http);
	http_stop(&server->tcp_http);
	file_jobs_fini(&server->file_jobs);
	server_fini(server);
	server->in_use = !base_fini(&server->base);
	loop_del(&server->loop, &signals.source);
	close(signals.source.fd);
	loop_fini(&server->loop);
	return rc < 0 ? CMD_FAILURE : 0;
}

int
cmd_serve(int argc, char **argv)
{
	static struct server *server; /* a thread may have it to the end: no leak */
	int rc;

	server = calloc(1, sizeof(*server));
	if (server == NULL)
		return CMD_FAILURE;
	server->config.max_sandboxes = MAX_SANDBOXES_DEFAULT;
	server->config.guest_timeout_ms = GUEST_TIMEOUT_MS;
	server->config.pool = POOL_DEFAULT;
	rc = parse_options(argc, argv, &server->config);
	if (rc == 0) {
		log_setup(server->config.json_log, server->config.verbose);
		server_init(server);
		rc = serve(server);
	} else {
		rc--;
	}
	free(server->token);
	free(server->config.rootfs_dir);
	if (!server->in_use) /* by a thread, which the end of the process ends */
		free(server);
	return rc;
}
