/* SPDX-License-Identifier: ISC */
/* cli_simple.h: what the commands that have only the common options share. */
#ifndef TINE_API_CLI_SIMPLE_H
#define TINE_API_CLI_SIMPLE_H

#include "cli.h"

/* "/v1/sandboxes/SANDBOX/WHAT[/ITEM][/VERB]"; NULL leaves a part out.  malloc'd. */
char *sandbox_path(const char *sandbox, const char *what, const char *item, const char *verb);

int run_put(struct client *client, int argc, char **argv); /* cli_put.c */

#endif
