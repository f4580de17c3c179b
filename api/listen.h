/* SPDX-License-Identifier: ISC */
/* listen.h: sockets to listen on, and who may talk to them. */
#ifndef TINE_API_LISTEN_H
#define TINE_API_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "vmm/vmm.h"

struct listener {
	int fd;
	bool tcp;
	char path[108]; /* Unix: to be removed at the end, if it is still ours */
	dev_t dev;
	ino_t ino;
};

/* $TINE_SOCKET, else $XDG_RUNTIME_DIR/tine.sock, else /run/tine.sock. */
void listen_default_path(char *path, size_t size);

/* All: 0 or -errno, reason in *error. */

/* Mode 0600.  A socket that nobody listens on any more is taken over. */
int listen_unix(const char *path, struct listener *out, struct tine_error *error);
/* "HOST:PORT" or "[ADDRESS]:PORT". */
int listen_tcp(const char *where, struct listener *out, struct tine_error *error);
void listen_close(struct listener *listener);

/* Split "HOST:PORT" in place; false if it is not of that form. */
bool split_host_port(char *text, char **host, char **port);

/* Read the bearer token from a file that nobody else can read; malloc'd. */
int token_load(const char *file, char **token, struct tine_error *error);
/* Does an Authorization field carry the token?  Time does not depend on where they differ. */
bool token_matches(const char *token, const char *authorization);

/* Is the peer of a Unix socket root or uid? */
bool peer_allowed(int fd, uid_t uid);

#endif
