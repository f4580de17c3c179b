/* SPDX-License-Identifier: ISC */
/* vmm_args.c: a sandbox's configuration as the command line of `tine vmm`, both ways. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

/* Strings back to back, each with its NUL: a clone does not wait for one allocation each, nor for
 * printf(). */
struct text {
	char *at;
	size_t len, cap;
	bool grows; /* `at' is allocated */
	int error;
};

static bool
make_room(struct text *t, size_t n)
{
	size_t cap = t->cap;
	char *more;

	if (t->error != 0 || n <= t->cap - t->len)
		return t->error == 0;
	if (!t->grows) {
		t->error = -E2BIG;
		return false;
	}
	while (n > cap - t->len)
		cap = cap != 0 ? cap * 2 : 512;
	more = realloc(t->at, cap);
	if (more == NULL) {
		t->error = -ENOMEM;
		return false;
	}
	t->at = more;
	t->cap = cap;
	return true;
}

static void
put(struct text *t, const char *s, size_t n)
{
	if (!make_room(t, n))
		return;
	memcpy(t->at + t->len, s, n);
	t->len += n;
}

static void
put_word(struct text *t, const char *word)
{
	put(t, word, strlen(word) + 1);
}

/* name ends with "=". */
static void
put_option(struct text *t, const char *name, const char *value)
{
	put(t, name, strlen(name));
	put_word(t, value);
}

static void
put_number(struct text *t, const char *name, uint64_t value)
{
	char digits[24], *p = &digits[sizeof(digits) - 1];

	*p = '\0';
	do
		*--p = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	put_option(t, name, p);
}

static void
put_id(struct text *t, const uint8_t bytes[16])
{
	static const char digits[] = "0123456789abcdef";
	char id[33];

	for (size_t i = 0; i < 16; i++) {
		id[2 * i] = digits[bytes[i] >> 4];
		id[2 * i + 1] = digits[bytes[i] & 15];
	}
	id[32] = '\0';
	put_option(t, "--id=", id);
}

static void
put_config(struct text *t, const struct sandbox_config *c)
{
	put_id(t, c->id);
	put_number(t, "--memory=", c->memory_mib);
	put_number(t, "--jail=", c->jail);
	if (c->hostname != NULL)
		put_option(t, "--hostname=", c->hostname);
	if (c->kernel != NULL)
		put_option(t, "--kernel=", c->kernel);
	if (c->rootfs != NULL)
		put_option(t, "--rootfs=", c->rootfs);
	if (c->gdb != NULL)
		put_option(t, "--gdb=", c->gdb);
	if (c->events)
		put_word(t, "--events");
	if (c->trace)
		put_word(t, "--trace");
	for (size_t i = 0; c->params != NULL && c->params[i] != NULL; i++)
		put_option(t, "--sysctl=", c->params[i]);
	for (size_t i = 0; i < c->nfiles; i++) {
		put_option(t, "--add-host=", c->files[i].host_path);
		put_option(t, "--add-guest=", c->files[i].guest_path);
		put_number(t, "--add-mode=", c->files[i].mode);
	}
}

static void
put_args(struct text *t, const struct vmm_args *args)
{
	put_word(t, "tine");
	put_word(t, "vmm");
	put_number(t, "--control=", (uint64_t)args->control_fd);
	put_number(t, "--spawned=", args->spawned_ns);
	if (args->die_with_parent)
		put_word(t, "--die-with-parent");
	if (args->zygote)
		put_word(t, "--zygote");
	if (args->idle)
		put_word(t, "--idle");
	if (args->clone)
		put_word(t, "--clone");
	put_config(t, &args->config);
}

char **
vmm_argv_make(const struct vmm_args *args)
{
	struct text t = {.grows = true};
	char **argv = NULL, *at;
	size_t n = 0;

	put_args(&t, args);
	for (size_t i = 0; i < t.len; i++)
		n += t.at[i] == '\0';
	if (t.error == 0)
		argv = malloc((n + 1) * sizeof(*argv));
	if (argv == NULL) {
		free(t.at);
		return NULL;
	}
	at = t.at;
	for (size_t i = 0; i < n; i++, at += strlen(at) + 1)
		argv[i] = at;
	argv[n] = NULL;
	return argv;
}

void
vmm_argv_free(char **argv)
{
	if (argv != NULL)
		free(argv[0]); /* where all of them are */
	free(argv);
}

int
vmm_args_pack(const struct vmm_args *args, struct record *rec)
{
	struct text t = {.at = (char *)rec->payload, .cap = sizeof(rec->payload)};

	put_args(&t, args);
	rec->hdr.len = (uint32_t)t.len;
	return t.error;
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
		last->mode = (unsigned)number(optarg);
	return c == OPT_ADD_HOST || last != NULL;
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
