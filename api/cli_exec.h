/* SPDX-License-Identifier: ISC */
/* cli_exec.h: a program that `tine exec` has launched, and its streams. */
#ifndef TINE_API_CLI_EXEC_H
#define TINE_API_CLI_EXEC_H

#include "cli.h"

struct stream { /* one followed output */
	struct exchange x;
	int fd;
	uint64_t done; /* bytes written */
	bool ended;
	uint8_t buf[65536]; /* what a read has brought: not more than this */
	size_t head, len;   /* buf[head .. head+len) is to be written */
};

struct exec {
	struct client *client;
	char *base; /* "/v1/sandboxes/ID/processes/lN" */
	json_t *body, *env;
	bool interactive, tty, detach;

	struct stream out[2];
	struct exchange in, wait;
	bool in_open, in_eof;
	char pending[66000]; /* a chunk of input on its way */
	size_t pending_len, pending_sent;

	int signal_fd;
	char answer[8192]; /* of the wait */
	size_t answer_len;
	bool exited;
	bool gone;     /* nobody can tell how it ended */
	bool given_up; /* nobody takes what is left of its output */
	int status;
	uint64_t total[2]; /* bytes of output until its end */
};

/* Carry streams, signals and the end of the launched program; what to exit with. */
int exec_attach(struct exec *e);

#endif
