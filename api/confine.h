/* SPDX-License-Identifier: ISC */
/* confine.h: which files of the host a client may hand to a sandbox. */
#ifndef TINE_API_CONFINE_H
#define TINE_API_CONFINE_H

#include "args.h"

struct confinement { /* what confine_args() allocated */
	char *rootfs;
	struct rootfs_file *files;
	size_t nfiles;
};

/* The real path, malloc'd, of a file that a client names: below dir (a relative path starts there),
 * or anywhere if that is NULL.  NULL with *problem, which points to pointer. */
char *confine_file(const char *dir, const char *path, const char *pointer, struct problem *problem);
/* The same of a file that is to be made: its folder has to exist. */
char *confine_new_file(const char *dir, const char *path, const char *pointer,
		       struct problem *problem);

/* Replace every host path in *args by its real path, which has to lie below dir; relative ones
 * start there.  dir NULL: any absolute path is allowed.  0, or -1 with *problem; the caller frees
 * *paths in either case, after its last use of *args. */
int confine_args(const char *dir, struct sandbox_args *args, struct confinement *paths,
		 struct problem *problem);
void confinement_free(struct confinement *paths);

#endif
