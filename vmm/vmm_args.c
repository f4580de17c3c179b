/* SPDX-License-Identifier: ISC */
/* vmm_args.c: a sandbox's configuration as the command line of `tine vmm`, both ways. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

#define ARGS_FIXED 32u

struct argv_builder {
	char **v;
	size_t n, cap;
	bool failed;
};

static void
push(struct argv_builder *b, char *s)
{
	if (b->n + 1 >= b->cap) {
		size_t cap = b->cap != 0 ? b->cap * 2 : ARGS_FIXED;
		char **v = realloc(b->v, cap * sizeof(*v));

		if (v == NULL) {
			b->failed = true;
			free(s);
			return;
		}
		b->v = v;
		b->cap = cap;
	}
	b->failed = b->failed || s == NULL;
	b->v[b->n++] = s;
	b->v[b->n] = NULL;
}

static void __attribute__((format(printf, 2, 3)))
pushf(struct argv_builder *b, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	push(b, s);
}

static void
push_config(struct argv_builder *b, const struct sandbox_config *c)
{
	static const char digits[] = "0123456789abcdef";
	char id[sizeof(c->id) * 2 + 1];

	for (size_t i = 0; i < sizeof(c->id); i++) {
		id[2 * i] = digits[c->id[i] >> 4];
		id[2 * i + 1] = digits[c->id[i] & 15];
	}
	id[sizeof(id) - 1] = '\0';
	pushf(b, "--id=%s", id);
	pushf(b, "--memory=%llu", (unsigned long long)c->memory_mib);
	pushf(b, "--jail=%u", c->jail);
	if (c->hostname != NULL)
		pushf(b, "--hostname=%s", c->hostname);
	if (c->kernel != NULL)
		pushf(b, "--kernel=%s", c->kernel);
	if (c->rootfs != NULL)
		pushf(b, "--rootfs=%s", c->rootfs);
	if (c->gdb != NULL)
		pushf(b, "--gdb=%s", c->gdb);
	if (c->events)
		pushf(b, "--events");
	if (c->trace)
		pushf(b, "--trace");
	for (size_t i = 0; c->params != NULL && c->params[i] != NULL; i++)
		pushf(b, "--sysctl=%s", c->params[i]);
	for (size_t i = 0; i < c->nfiles; i++) {
		pushf(b, "--add-host=%s", c->files[i].host_path);
		pushf(b, "--add-guest=%s", c->files[i].guest_path);
		pushf(b, "--add-mode=%o", c->files[i].mode);
	}
}

char **
vmm_argv_make(const struct vmm_args *args)
{
	struct argv_builder b = {0};

	pushf(&b, "tine");
	pushf(&b, "vmm");
	pushf(&b, "--control=%d", args->control_fd);
	pushf(&b, "--spawned=%llu", (unsigned long long)args->spawned_ns);
	if (args->die_with_parent)
		pushf(&b, "--die-with-parent");
	if (args->zygote)
		pushf(&b, "--zygote");
	if (args->idle)
		pushf(&b, "--idle");
	if (args->clone)
		pushf(&b, "--clone");
	push_config(&b, &args->config);
	if (b.failed) {
		vmm_argv_free(b.v);
		return NULL;
	}
	return b.v;
}

void
vmm_argv_free(char **argv)
{
	for (size_t i = 0; argv != NULL && argv[i] != NULL; i++)
		free(argv[i]);
	free(argv);
}

int
vmm_args_pack(const struct vmm_args *args, struct record *rec)
{
	char **argv = vmm_argv_make(args);
	int r = argv != NULL ? 0 : -ENOMEM;

	rec->hdr.len = 0;
	for (size_t i = 0; r == 0 && argv[i] != NULL; i++) {
		size_t n = strlen(argv[i]) + 1;

		if (n > sizeof(rec->payload) - rec->hdr.len) {
			r = -E2BIG;
			break;
		}
		memcpy(rec->payload + rec->hdr.len, argv[i], n);
		rec->hdr.len += (uint32_t)n;
	}
	vmm_argv_free(argv);
	return r;
}

enum {
	OPT_CONTROL = 256,
	OPT_SPAWNED,
	OPT_DIE,
	OPT_CLONE,
	OPT_IDLE,
	OPT_ZYGOTE,
	OPT_ID,
	OPT_MEMORY,
	OPT_JAIL,
	OPT_HOSTNAME,
	OPT_KERNEL,
	OPT_ROOTFS,
	OPT_GDB,
	OPT_EVENTS,
	OPT_TRACE,
	OPT_SYSCTL,
	OPT_ADD_HOST,
	OPT_ADD_GUEST,
	OPT_ADD_MODE,
};

static const struct option options[] = {
    {"control", required_argument, NULL, OPT_CONTROL},
    {"spawned", required_argument, NULL, OPT_SPAWNED},
    {"die-with-parent", no_argument, NULL, OPT_DIE},
    {"clone", no_argument, NULL, OPT_CLONE},
    {"idle", no_argument, NULL, OPT_IDLE},
    {"zygote", no_argument, NULL, OPT_ZYGOTE},
    {"id", required_argument, NULL, OPT_ID},
    {"memory", required_argument, NULL, OPT_MEMORY},
    {"jail", required_argument, NULL, OPT_JAIL},
    {"hostname", required_argument, NULL, OPT_HOSTNAME},
    {"kernel", required_argument, NULL, OPT_KERNEL},
    {"rootfs", required_argument, NULL, OPT_ROOTFS},
    {"gdb", required_argument, NULL, OPT_GDB},
    {"events", no_argument, NULL, OPT_EVENTS},
    {"trace", no_argument, NULL, OPT_TRACE},
    {"sysctl", required_argument, NULL, OPT_SYSCTL},
    {"add-host", required_argument, NULL, OPT_ADD_HOST},
    {"add-guest", required_argument, NULL, OPT_ADD_GUEST},
    {"add-mode", required_argument, NULL, OPT_ADD_MODE},
    {NULL, 0, NULL, 0},
};

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
parse_id(uint8_t id[16], const char *s)
{
	if (strlen(s) != 32)
		return false;
	for (int i = 0; i < 16; i++) {
		int high = hex_digit(s[2 * i]), low = hex_digit(s[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		id[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* The three --add options of a file come in this order. */
static bool
take_file(struct vmm_args *a, int c)
{
	struct sandbox_config *config = &a->config;
	struct rootfs_file *last = config->nfiles > 0 ? &a->files[config->nfiles - 1] : NULL;

	if (c == OPT_ADD_HOST)
		a->files[config->nfiles++].host_path = optarg;
	else if (last != NULL && c == OPT_ADD_GUEST)
		last->guest_path = optarg;
	else if (last != NULL)
		last->mode = (unsigned)strtoul(optarg, NULL, 8);
	return c == OPT_ADD_HOST || last != NULL;
}

/* Written by a process of ours.  The C library's function would look at tables of the locale: a
 * page fault in each process, for a few digits. */
static uint64_t
number(const char *s)
{
	uint64_t n = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (uint64_t)(*s - '0');
	return n;
}

static bool
take(struct vmm_args *a, int c, size_t *nparams)
{
	struct sandbox_config *config = &a->config;

	switch (c) {
	case OPT_CONTROL:
		a->control_fd = (int)number(optarg);
		break;
	case OPT_SPAWNED:
		a->spawned_ns = number(optarg);
		break;
	case OPT_DIE:
		a->die_with_parent = true;
		break;
	case OPT_ZYGOTE:
		a->zygote = true;
		break;
	case OPT_IDLE:
		a->idle = true;
		break;
	case OPT_CLONE:
		a->clone = true;
		break;
	case OPT_ID:
		return parse_id(config->id, optarg);
	case OPT_MEMORY:
		config->memory_mib = number(optarg);
		break;
	case OPT_JAIL:
		config->jail = (unsigned)number(optarg);
		break;
	case OPT_HOSTNAME:
		config->hostname = optarg;
		break;
	case OPT_KERNEL:
		config->kernel = optarg;
		break;
	case OPT_ROOTFS:
		config->rootfs = optarg;
		break;
	case OPT_GDB:
		config->gdb = optarg;
		break;
	case OPT_EVENTS:
		config->events = true;
		break;
	case OPT_TRACE:
		config->trace = true;
		break;
	case OPT_SYSCTL:
		a->params[(*nparams)++] = optarg;
		break;
	case OPT_ADD_HOST:
	case OPT_ADD_GUEST:
	case OPT_ADD_MODE:
		return take_file(a, c);
	default:
		return false;
	}
	return true;
}

int
vmm_args_parse(struct vmm_args *a, int argc, char **argv, struct tine_error *error)
{
	size_t nparams = 0;
	bool ok = true;
	int c;

	memset(a, 0, sizeof(*a));
	a->control_fd = -1;
	optind = 0; /* a process of the pool parses twice */
	a->files = calloc((size_t)argc, sizeof(*a->files));
	a->params = calloc((size_t)argc + 1, sizeof(*a->params));
	if (a->files == NULL || a->params == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	while (ok && (c = getopt_long(argc, argv, "+", options, NULL)) != -1)
		ok = take(a, c, &nparams);
	a->config.files = a->files;
	a->config.params = a->params;
	if (!ok || optind != argc || a->control_fd < 0)
		return tine_error_set(error, EINVAL, "usage",
				      "'tine vmm' is started by 'tine serve', not by hand");
	return 0;
}

void
vmm_args_free(struct vmm_args *a)
{
	free(a->files);
	free(a->params);
}
