/* SPDX-License-Identifier: ISC */
/*
 * client.h: as much HTTP and JSON as a program needs that drives the daemon.
 *
 * One connection for each request, in HTTP/1.0, so that an answer simply ends with the connection.
 * What goes wrong ends the program with the daemon's reason.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/* Print a message and exit with status 1. */
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* The daemon's socket: $TINE_SOCKET, as the command line client has it. */
void client_init(void);

/* A JSON request (body is consumed, may be NULL); the answer, or NULL if it has no body.  path as
 * printf() has it. */
json_t *api(const char *method, json_t *body, const char *path, ...)
    __attribute__((format(printf, 3, 4)));
/* Raw bytes up. */
void api_put(const void *data, size_t len, const char *path, ...)
    __attribute__((format(printf, 3, 4)));
/* Raw bytes down: to be read to its end, or closed before it. */
FILE *api_get(const char *path, ...) __attribute__((format(printf, 1, 2)));

/* A new sandbox with this program of the host in it as /program; its id, to be freed.  vmfork: so
 * many templates and clones may it ask for. */
char *make_sandbox(const char *program, int vmfork);
/* Start /program ARG with its standard input open; its launch handle. */
long long launch(const char *sandbox, const char *arg);
/* The next line of a program's output, from *offset on, which is advanced; to be freed. */
char *read_line(const char *sandbox, long long handle, long long *offset);
/* Listen on a port of 127.0.0.1 (0: any) and say which on standard output. */
int listen_on(int port);

#endif
