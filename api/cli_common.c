/* SPDX-License-Identifier: ISC */
/* cli_common.c: options, messages and formats of the client commands. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "listen.h"

void
client_init(struct client *client, const char *command)
{
	*client = (struct client){.command = command};
	listen_default_path(client->target, sizeof(client->target));
}

void
client_fini(struct client *client)
{
	free(client->token);
	client->token = NULL;
}

void
client_error(const struct client *client, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "tine %s: ", client->command);
	print_safe(stderr, text);
	fputc('\n', stderr);
}

int
client_usage_error(const struct client *client, const char *usage, const char *what)
{
	client_error(client, "%s", what);
	fputs(usage, stderr);
	return CMD_USAGE;
}

static int
load_token(struct client *client, const char *file)
{
	struct tine_error error = {0};

	free(client->token);
	client->token = NULL;
	if (token_load(file, &client->token, &error) == 0)
		return -1;
	client_error(client, "%s", error.detail);
	return CMD_USAGE;
}

int
client_option(struct client *client, int opt, const char *usage)
{
	switch (opt) {
	case CLI_SOCKET:
		snprintf(client->target, sizeof(client->target), "%s", optarg);
		return -1;
	case CLI_TOKEN:
		return load_token(client, optarg);
	case CLI_JSON:
		client->json = true;
		return -1;
	case 'h':
		fputs(usage, stdout);
		return CMD_OK;
	default:
		fprintf(stderr, "%s", usage);
		return CMD_USAGE;
	}
}

int
client_options(struct client *client, int argc, char **argv, const char *usage)
{
	static const struct option options[] = {CLI_OPTIONS};
	int opt, rc;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		rc = client_option(client, opt, usage);
		if (rc >= 0)
			return rc;
	}
	return -1;
}

/* ---- paths --------------------------------------------------------------------------------- */

char *
path_printf(const char *fmt, ...)
{
	char *path;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&path, fmt, ap) < 0)
		abort();
	va_end(ap);
	return path;
}

char *
path_escape(const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	char *out = malloc(3 * strlen(text) + 1), *p = out;

	if (out == NULL)
		abort();
	for (; *text != '\0'; text++) {
		if (strchr(plain, *text) != NULL)
			*p++ = *text;
		else
			p += sprintf(p, "%%%02X", (unsigned char)*text);
	}
	*p = '\0';
	return out;
}

/* ---- output -------------------------------------------------------------------------------- */

void
print_json(const json_t *doc)
{
	json_dumpf(doc, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
}

const char *
get_string(const json_t *doc, const char *key, const char *absent)
{
	const char *text = json_string_value(json_object_get(doc, key));

	return text != NULL ? text : absent;
}

int64_t
get_int(const json_t *doc, const char *key)
{
	return json_integer_value(json_object_get(doc, key));
}

bool
get_bool(const json_t *doc, const char *key)
{
	return json_is_true(json_object_get(doc, key));
}

void
print_safe(FILE *f, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		fputc((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : c, f);
	}
}

const char *
human_bytes(int64_t bytes, char buf[16])
{
	static const char units[] = "BKMGTPE";
	double value = (double)bytes;
	unsigned unit = 0;

	while (value >= 1024 && unit < sizeof(units) - 2) {
		value /= 1024;
		unit++;
	}
	snprintf(buf, 16, unit == 0 ? "%.0f%c" : "%.1f%c", value, units[unit]);
	return buf;
}
