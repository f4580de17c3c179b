/* SPDX-License-Identifier: ISC */
/* programs.c: find the programs of this project. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "programs.h"
#include "vmm.h"

static const char *program; /* set by sandbox_set_program() */
static char own_name[NAME_MAX + 1];

const char *
program_folder(void)
{
	static char folder[PATH_MAX]; /* asked for several times in a start */
	ssize_t n;
	char *slash;

	if (folder[0] != '\0')
		return folder;
	n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
	folder[n > 0 ? n : 0] = '\0';
	slash = strrchr(folder, '/');
	if (slash == NULL)
		return NULL;
	snprintf(own_name, sizeof(own_name), "%s", slash + 1);
	slash[slash == folder] = '\0';
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
