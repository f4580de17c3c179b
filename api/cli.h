/* SPDX-License-Identifier: ISC */
/* cli.h: what the client commands share. */
#ifndef TINE_API_CLI_H
#define TINE_API_CLI_H

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli_http.h"
#include "cmd.h"

struct client {
	const char *command; /* for messages */
	char target[256];    /* Unix socket path, or tcp:HOST:PORT */
	char *token;
	bool json;
};

/* Options that every client command takes. */
enum { CLI_SOCKET = 1000, CLI_TOKEN, CLI_JSON };
#define CLI_OPTIONS                                                                                \
	{"socket", required_argument, NULL, CLI_SOCKET},                                           \
	    {"token-file", required_argument, NULL, CLI_TOKEN},                                    \
	    {"json", no_argument, NULL, CLI_JSON}, {"help", no_argument, NULL, 'h'},               \
	{                                                                                          \
		0                                                                                  \
	}
#define CLI_USAGE                                                                                  \
	"      --socket PATH     socket of the daemon (default $TINE_SOCKET, else\n"               \
	"                        $XDG_RUNTIME_DIR/tine.sock, else /run/tine.sock), or\n"           \
	"                        tcp:HOST:PORT\n"                                                  \
	"      --token-file FILE bearer token for TCP (default $TINE_TOKEN_FILE)\n"                \
	"      --json            print JSON\n"                                                     \
	"  -h, --help\n"

void client_init(struct client *client, const char *command);
void client_fini(struct client *client);

/* An option that the command itself does not know: -1 = taken, else what to exit with. */
int client_option(struct client *client, int opt, const char *usage);
/* Parse a command line that has only the common options: -1, or what to exit with. */
int client_options(struct client *client, int argc, char **argv, const char *usage);
int client_usage_error(const struct client *client, const char *usage, const char *what);

/* One request.  body is stolen (NULL = none); *out gets the JSON answer if it is one (may be NULL).
 * CMD_OK for a 2xx status; otherwise the failure has been told on standard error. */
int client_call(struct client *client, const char *method, const char *path, json_t *body,
		json_t **out);
/* The same without telling a problem: *status gets the HTTP status, *out the document. */
int client_try(struct client *client, const char *method, const char *path, const char *type,
	       const void *body, size_t len, int *status, json_t **out);
/* Begin an exchange whose answer is read later. */
int client_open(struct client *client, struct exchange *x, const char *method, const char *path,
		const char *type, const void *body, size_t len);

/* Tell a problem document. */
void client_problem(const struct client *client, int status, const json_t *doc);
void client_error(const struct client *client, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* printf a path; arguments given with %s have to be escaped. malloc'd, exits without memory. */
char *path_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Percent-encode; malloc'd. */
char *path_escape(const char *text);

/* Print JSON, indented, to standard output. */
void print_json(const json_t *doc);
/* Members of objects, with what to take when absent. */
const char *get_string(const json_t *doc, const char *key, const char *absent);
int64_t get_int(const json_t *doc, const char *key);
bool get_bool(const json_t *doc, const char *key);
/* Untrusted text for a terminal: no control characters. */
void print_safe(FILE *f, const char *text);
/* "12.3M" */
const char *human_bytes(int64_t bytes, char buf[16]);

#endif
