/* SPDX-License-Identifier: ISC */
/* cli_client.c: requests to the daemon and what went wrong with them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct sink {
	char *data;
	size_t len, size;
};

static int
collect(void *arg, const uint8_t *data, size_t len)
{
	struct sink *sink = arg;

	if (sink->len + len > sink->size) {
		size_t size = (sink->len + len) * 2;
		char *grown = realloc(sink->data, size);

		if (grown == NULL)
			return -ENOMEM;
		sink->data = grown;
		sink->size = size;
	}
	memcpy(sink->data + sink->len, data, len);
	sink->len += len;
	return 0;
}

static const char *
default_token(struct client *client)
{
	const char *file = getenv("TINE_TOKEN_FILE");

	if (client->token == NULL && file != NULL && strncmp(client->target, "tcp:", 4) == 0) {
		optarg = (char *)(uintptr_t)file;
		client_option(client, CLI_TOKEN, "");
	}
	return client->token;
}

int
client_open(struct client *client, struct exchange *x, const char *method, const char *path,
	    const char *type, const void *body, size_t len)
{
	const char *token = default_token(client);
	int fd = exchange_connect(client->target), rc;

	x->fd = -1;
	if (fd < 0) {
		client_error(client, "no daemon on %s: %s (start one with `tine serve`)",
			     client->target, strerror(-fd));
		return CMD_NO_DAEMON;
	}
	rc = exchange_start(x, fd, method, path, type, body, len, token);
	if (rc == 0)
		return CMD_OK;
	client_error(client, "%s: %s", client->target, strerror(-rc));
	exchange_close(x);
	return CMD_FAILURE;
}

int
client_try(struct client *client, const char *method, const char *path, const char *type,
	   const void *body, size_t len, int *status, json_t **out)
{
	struct exchange x = {0};
	struct sink sink = {0};
	int rc = client_open(client, &x, method, path, type, body, len);

	if (rc != CMD_OK)
		return rc;
	x.sink = collect;
	x.sink_arg = &sink;
	rc = exchange_finish(&x);
	exchange_close(&x);
	*status = x.status;
	*out = sink.len > 0 ? json_loadb(sink.data, sink.len, JSON_DECODE_ANY, NULL) : NULL;
	free(sink.data);
	if (rc == 0)
		return CMD_OK;
	client_error(client, "the daemon's answer was cut: %s", strerror(-rc));
	json_decref(*out);
	*out = NULL;
	return CMD_FAILURE;
}

static void
problem_log(const json_t *doc)
{
	const json_t *line;
	size_t i;

	json_array_foreach (json_object_get(doc, "log"), i, line) {
		fputs("  | ", stderr);
		print_safe(stderr, json_is_string(line) ? json_string_value(line) : "");
		fputc('\n', stderr);
	}
}

void
client_problem(const struct client *client, int status, const json_t *doc)
{
	const char *detail = get_string(doc, "detail", ""), *title = get_string(doc, "title", NULL);
	const char *pointer = get_string(doc, "pointer", "");

	if (client->json && doc != NULL)
		json_dumpf(doc, stderr, JSON_COMPACT), fputc('\n', stderr);
	else if (title == NULL)
		client_error(client, "the daemon answered with status %d", status);
	else
		client_error(client, "%s%s%s%s%s", title, detail[0] ? ": " : "", detail,
			     pointer[0] ? " at " : "", pointer);
	if (!client->json)
		problem_log(doc);
}

int
client_call(struct client *client, const char *method, const char *path, json_t *body, json_t **out)
{
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	json_t *doc = NULL;
	int status = 0, rc;

	json_decref(body);
	rc = client_try(client, method, path, text != NULL ? "application/json" : NULL, text,
			text != NULL ? strlen(text) : 0, &status, &doc);
	free(text);
	if (rc == CMD_OK && (status < 200 || status > 299)) {
		client_problem(client, status, doc);
		rc = CMD_FAILURE;
	}
	if (rc == CMD_OK && out != NULL)
		*out = doc;
	else
		json_decref(doc);
	return rc;
}
