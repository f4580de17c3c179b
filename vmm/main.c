/* SPDX-License-Identifier: ISC */
/*
 * main.c: `tine`: runs sandboxes itself, and leaves every other command to `tine-api` beside it.
 *
 * Statically linked, because loading the libraries of daemon and clients takes longer than a
 * sandbox needs to start, and because this is also the program of every VMM process, of which a
 * host runs thousands.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "programs.h"
#include "vmm.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
    {"run", vmm_cmd_run},
    {"check", vmm_cmd_check},
    {"vmm", vmm_cmd_vmm},
};

static int
leave_to_api(char **argv)
{
	char path[PATH_MAX];

	if (!program_beside("tine-api", path, sizeof(path))) {
		fputs("tine: tine-api is not in the folder of tine: only `run' and `check' work\n",
		      stderr);
		return 1;
	}
	execv(path, argv);
	fprintf(stderr, "tine: %s: %s\n", path, strerror(errno));
	return 1;
}

/* The end of the process does what the C library and destructors would do, and faster.  Only the
 * leak detector of a sanitizer has something to look at before. */
static int
leave(int status)
{
#ifndef __SANITIZE_ADDRESS__
	fflush(NULL);
	_exit(status);
#endif
	return status;
}

int
main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return leave(commands[i].run(argc - 1, argv + 1));
	return leave_to_api(argv);
}
