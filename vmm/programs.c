/* SPDX-License-Identifier: ISC */
/* programs.c: find the programs of this project. */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "programs.h"
#include "vmm.h"

static const char *program; /* set by sandbox_set_program() */

bool
program_beside(const char *name, char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	size_t length = strlen(name) + 1;
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL || (size_t)(slash + 1 - path) + length > size)
		return false;
	memcpy(slash + 1, name, length);
	return access(path, X_OK) == 0;
}

const char *
vmm_program(void)
{
	static char path[PATH_MAX];

	if (program == NULL)
		program = program_beside("tine", path, sizeof(path)) ? path : "/proc/self/exe";
	return program;
}

void
sandbox_set_program(const char *path)
{
	program = path;
}
