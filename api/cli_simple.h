/* SPDX-License-Identifier: ISC */
/* cli_simple.h: commands that have only the common options. */
#ifndef TINE_API_CLI_SIMPLE_H
#define TINE_API_CLI_SIMPLE_H

#include "cli.h"

struct simple {
	const char *name, *usage;
	int min_args, max_args;
	int (*run)(struct client *client, int argc, char **argv);
};

int run_simple(const struct simple *cmd, int argc, char **argv);

/* "/v1/sandboxes/SANDBOX/WHAT[/ITEM][/VERB]"; NULL leaves a part out.  malloc'd. */
char *sandbox_path(const char *sandbox, const char *what, const char *item, const char *verb);

#endif
