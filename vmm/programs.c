/* SPDX-License-Identifier: ISC */
/* programs.c: find the programs of this project. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "programs.h"
#include "vmm.h"

static const char *program; /* set by sandbox_set_program() */
static char *own_name;

const char *
program_folder(void)
{
	static char *folder; /* asked for several times in a start */
	char path[PATH_MAX], *slash;
	ssize_t n;

	if (folder != NULL)
		return folder;
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return NULL;
	own_name = strdup(slash + 1);
	slash[slash == path] = '\0';
	folder = own_name != NULL ? strdup(path) : NULL;
	return folder;
}

bool
program_beside(const char *name, char *path, size_t size)
{
	const char *folder = program_folder();

	return folder != NULL && (size_t)snprintf(path, size, "%s/%s", folder, name) < size &&
	       (strcmp(name, own_name) == 0 || access(path, X_OK) == 0);
}

const char *
vmm_program(void)
{
	char path[PATH_MAX];

	if (program == NULL && program_beside("tine", path, sizeof(path)))
		program = strdup(path);
	if (program == NULL)
		program = "/proc/self/exe";
	return program;
}

void
sandbox_set_program(const char *path)
{
	program = path;
}
