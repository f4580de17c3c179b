/* SPDX-License-Identifier: ISC */
/* confine.c: keep clients to the directory of root file systems. */
#include "confine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
fail(struct problem *problem, enum problem_kind kind, const char *pointer, const char *path,
     const char *what)
{
	problem_set(problem, kind, "%.256s: %s", path, what);
	snprintf(problem->pointer, sizeof(problem->pointer), "%s", pointer);
	problem->has_pointer = true;
	return -1;
}

static bool
is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return true;
	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

char *
confine_file(const char *dir, const char *path, const char *pointer, struct problem *problem)
{
	char *joined = NULL, *real;

	if (path[0] != '/' && dir == NULL) {
		fail(problem, PROBLEM_BAD_VALUE, pointer, path, "absolute path expected");
		return NULL;
	}
	if (asprintf(&joined, "%s%s%s", path[0] == '/' ? "" : dir, path[0] == '/' ? "" : "/",
		     path) < 0)
		joined = NULL;
	real = joined != NULL ? realpath(joined, NULL) : NULL;
	free(joined);
	if (dir != NULL && (real == NULL || !is_below(real, dir))) {
		/* The same answer whether it exists or not: nothing outside is to be found out. */
		fail(problem, PROBLEM_FORBIDDEN, pointer, path, "not below the --rootfs-dir");
		free(real);
		return NULL;
	}
	if (real == NULL)
		fail(problem, PROBLEM_BAD_VALUE, pointer, path, strerror(errno));
	return real;
}

char *
confine_new_file(const char *dir, const char *path, const char *pointer, struct problem *problem)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	char *folder, *real, *joined = NULL;

	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		fail(problem, PROBLEM_BAD_VALUE, pointer, path, "the name of a file expected");
		return NULL;
	}
	if (path[0] != '/' && dir == NULL) {
		fail(problem, PROBLEM_BAD_VALUE, pointer, path, "absolute path expected");
		return NULL;
	}
	/* "/name" has its folder in the slash, "name" is in dir. */
	folder = slash == NULL   ? strdup(".")
		 : slash == path ? strdup("/")
				 : strndup(path, (size_t)(slash - path));
	real = folder != NULL ? confine_file(dir, folder, pointer, problem) : NULL;
	if (folder == NULL)
		problem_set(problem, PROBLEM_OUT_OF_MEMORY, "no memory");
	else if (real != NULL && asprintf(&joined, "%s/%s", real, name) < 0) {
		joined = NULL;
		problem_set(problem, PROBLEM_OUT_OF_MEMORY, "no memory");
	}
	free(real);
	free(folder);
	return joined;
}

int
confine_args(const char *dir, struct sandbox_args *args, struct confinement *paths,
	     struct problem *problem)
{
	char pointer[48];

	if (args->rootfs != NULL) {
		args->rootfs = paths->rootfs = confine_file(dir, args->rootfs, "/rootfs", problem);
		if (paths->rootfs == NULL)
			return -1;
	}
	paths->files = calloc(args->nfiles + 1, sizeof(*paths->files));
	if (paths->files == NULL)
		return problem_set(problem, PROBLEM_OUT_OF_MEMORY, "no memory");
	for (size_t i = 0; i < args->nfiles; i++) {
		snprintf(pointer, sizeof(pointer), "/files/%zu/host_path", i);
		paths->files[i] = args->files[i];
		paths->files[i].host_path =
		    confine_file(dir, args->files[i].host_path, pointer, problem);
		if (paths->files[i].host_path == NULL)
			return -1;
		paths->nfiles++;
	}
	args->files = paths->files;
	return 0;
}

void
confinement_free(struct confinement *paths)
{
	for (size_t i = 0; i < paths->nfiles; i++)
		free((char *)(uintptr_t)paths->files[i].host_path);
	free(paths->files);
	free(paths->rootfs);
}
