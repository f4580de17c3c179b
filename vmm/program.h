/* SPDX-License-Identifier: ISC */
/* program.h: what a program file of the host is, and what it needs to run. */
#ifndef TINE_VMM_PROGRAM_H
#define TINE_VMM_PROGRAM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tine_error;

struct program {
	int fd;                /* the file, opened for reading */
	bool script;           /* interp is what the first line names */
	char interp[PATH_MAX]; /* "" = none: statically linked */
	char *strings;         /* dynamic string table, NULL = no dynamic section */
	size_t strings_size;
	size_t *needed; /* offsets into strings: DT_NEEDED */
	size_t nneeded;
	size_t rpath, runpath; /* offsets into strings, 0 = none */
};

/* Inspect and check the file at path: errors of elf_file.h. */
int program_inspect(struct program *program, const char *path, struct tine_error *error);
/* The same for a file that program_find() has opened; fd is taken over, also on failure. */
int program_inspect_open(struct program *program, const char *path, int fd,
			 struct tine_error *error);
void program_free(struct program *program);

/* Files that a program needs besides itself: interpreters and shared libraries. */
struct file_list {
	struct file_list_entry {
		char *path;
		int fd; /* opened for reading, 0 = not */
	} * file;
	size_t n, cap;
};
int file_list_add(struct file_list *list, const char *path); /* 1 added, 0 was there, -ENOMEM */
void file_list_close(struct file_list *list);
void file_list_free(struct file_list *list);

/* Add the program at path and all that it needs from this host.  missing-interpreter and
 * missing-library name what could not be found.  fd is what program_find() has opened, or -1; taken
 * over, also on failure. */
int program_closure(struct file_list *list, const char *path, int fd, struct tine_error *error);

/* Find name as a shell does: as a path if it contains a slash, else along path_env (may be NULL).
 * out is the absolute path with the directory's symbolic links resolved.  *fd is the file, opened
 * for program_inspect_open(), or -1 if that cannot be, which who opens it by its path gets told.
 * Type not-found (ENOENT) or not-executable (EACCES). */
int program_find(const char *name, const char *path_env, char out[PATH_MAX], int *fd,
		 struct tine_error *error);

#endif
