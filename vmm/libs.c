/* SPDX-License-Identifier: ISC */
/* libs.c: find a program on this host, and the interpreters and shared libraries that it needs. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_file.h"
#include "program.h"
#include "vmm.h"

#define CONF_DEPTH 8 /* nested include lines */
#define LD_CONF "/etc/ld.so.conf"
#define LD_CACHE "/etc/ld.so.cache"

/* Where the dynamic linkers of glibc (Debian's and others') and musl look without configuration. */
static const char *const default_dirs[] = {"/lib/x86_64-linux-gnu",
					   "/usr/lib/x86_64-linux-gnu",
					   "/lib64",
					   "/usr/lib64",
					   "/lib",
					   "/usr/lib",
					   "/usr/local/lib"};

int
file_list_add(struct file_list *list, const char *path)
{
	struct file_list_entry *file;

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->file[i].path, path) == 0)
			return 0;
	if (list->n == list->cap) {
		size_t cap = list->cap != 0 ? list->cap * 2 : 16;

		file = realloc(list->file, cap * sizeof(*file));
		if (file == NULL)
			return -ENOMEM;
		list->file = file;
		list->cap = cap;
	}
	file = &list->file[list->n];
	*file = (struct file_list_entry){.path = strdup(path)};
	if (file->path == NULL)
		return -ENOMEM;
	list->n++;
	return 1;
}

void
file_list_close(struct file_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->file[i].fd > 0)
			close(list->file[i].fd);
		list->file[i].fd = 0;
	}
}

void
file_list_free(struct file_list *list)
{
	file_list_close(list);
	for (size_t i = 0; i < list->n; i++)
		free(list->file[i].path);
	free(list->file);
	memset(list, 0, sizeof(*list));
}

/* A library of this architecture at dir/name? */
static bool
try_dir(const char *dir, size_t dir_len, const char *name, char out[PATH_MAX])
{
	struct elf_file file;

	if ((size_t)snprintf(out, PATH_MAX, "%.*s/%s", (int)dir_len, dir, name) >= PATH_MAX)
		return false;
	if (elf_file_open(&file, out, NULL) != 0)
		return false;
	elf_file_close(&file);
	return true;
}

/* Directories of an RPATH, $ORIGIN being the directory of the file that has it. */
static bool
try_rpath(const char *rpath, const char *user, const char *name, char out[PATH_MAX])
{
	static const char *const origins[] = {"$ORIGIN", "${ORIGIN}"};
	int user_dir = (int)(strrchr(user, '/') - user);
	char dir[PATH_MAX];

	while (*rpath != '\0') {
		size_t n = strcspn(rpath, ":"), skip = 0;

		for (size_t i = 0; i < 2; i++)
			if (strncmp(rpath, origins[i], strlen(origins[i])) == 0)
				skip = strlen(origins[i]);
		if (skip > 0)
			snprintf(dir, sizeof(dir), "%.*s%.*s", user_dir, user, (int)(n - skip),
				 rpath + skip);
		else
			snprintf(dir, sizeof(dir), "%.*s", (int)n, rpath);
		if (n > 0 && try_dir(dir, strlen(dir), name, out))
			return true;
		rpath += n + (rpath[n] == ':');
	}
	return false;
}

static bool try_conf(const char *path, const char *name, char out[PATH_MAX], int depth);

static bool
try_include(const char *pattern, const char *name, char out[PATH_MAX], int depth)
{
	glob_t g;
	bool found = false;

	if (depth == 0 || glob(pattern, 0, NULL, &g) != 0)
		return false;
	for (size_t i = 0; !found && i < g.gl_pathc; i++)
		found = try_conf(g.gl_pathv[i], name, out, depth - 1);
	globfree(&g);
	return found;
}

/* The directories of an ld.so.conf. */
static bool
try_conf(const char *path, const char *name, char out[PATH_MAX], int depth)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	bool found = false;

	while (f != NULL && !found && getline(&line, &cap, f) > 0) {
		char *p = line + strspn(line, " \t");

		p[strcspn(p, "#\n")] = '\0';
		if (strncmp(p, "include", 7) == 0 && (p[7] == ' ' || p[7] == '\t'))
			found = try_include(p + 7 + strspn(p + 7, " \t"), name, out, depth);
		else if (p[0] == '/')
			found = try_dir(p, strcspn(p, " \t"), name, out);
	}
	free(line);
	if (f != NULL)
		fclose(f);
	return found;
}

static bool
find_library(const struct program *user, const char *user_path, const char *name,
	     char out[PATH_MAX])
{
	if (strchr(name, '/') != NULL)
		return snprintf(out, PATH_MAX, "%s", name) < PATH_MAX && access(out, R_OK) == 0;
	if (user->runpath == 0 && user->rpath != 0 &&
	    try_rpath(user->strings + user->rpath, user_path, name, out))
		return true;
	if (user->runpath != 0 && try_rpath(user->strings + user->runpath, user_path, name, out))
		return true;
	for (size_t i = 0; i < sizeof(default_dirs) / sizeof(default_dirs[0]); i++)
		if (try_dir(default_dirs[i], strlen(default_dirs[i]), name, out))
			return true;
	return try_conf(LD_CONF, name, out, CONF_DEPTH);
}

static int
add_needed(struct file_list *list, const struct program *program, const char *path,
	   struct tine_error *error)
{
	char found[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r >= 0 && i < program->nneeded; i++) {
		const char *name = program->strings + program->needed[i];

		/* musl's libc is its dynamic linker, under a name that exists nowhere. */
		if (strncmp(name, "libc.musl-", 10) == 0)
			continue;
		if (!find_library(program, path, name, found))
			return tine_error_set(error, ENOENT, "missing-library",
					      "%s needs %s, which is not on this host", path, name);
		r = file_list_add(list, found);
	}
	return r < 0 ? tine_error_set(error, ENOMEM, "no-memory", "out of memory") : 0;
}

static int
add_needs_of(struct file_list *list, size_t i, struct tine_error *error)
{
	const char *path = list->file[i].path;
	struct program program;
	int fd = list->file[i].fd;
	int r = program_inspect_open(&program, path, fd > 0 ? fd : -1, error);

	list->file[i].fd = 0;
	if (r != 0)
		return r;
	list->file[i].fd = program.fd;
	program.fd = -1;
	if (program.interp[0] != '\0') {
		if (access(program.interp, R_OK) != 0)
			r = tine_error_set(error, ENOENT, "missing-interpreter",
					   "%s needs the interpreter %s: %s", path, program.interp,
					   strerror(errno));
		else if (file_list_add(list, program.interp) < 0)
			r = tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	}
	if (r == 0)
		r = add_needed(list, &program, path, error);
	program_free(&program);
	return r;
}

int
program_closure(struct file_list *list, const char *path, int fd, struct tine_error *error)
{
	int r = 0;

	if (file_list_add(list, path) < 0) {
		if (fd >= 0)
			close(fd);
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	}
	list->file[0].fd = fd > 0 ? fd : 0;
	/* The list grows while it is walked. */
	for (size_t i = 0; r == 0 && i < list->n; i++)
		r = add_needs_of(list, i, error);
	if (r == 0 && list->n > 1 && access(LD_CACHE, R_OK) == 0 &&
	    file_list_add(list, LD_CACHE) < 0)
		r = tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	return r;
}

/* No /proc, or the directory is out of reach of it. */
static bool
resolve(const char *path, size_t len, char out[PATH_MAX])
{
	char *dir = strndup(path, len), *real = dir != NULL ? realpath(dir, NULL) : NULL;
	bool fits = real != NULL && strlen(real) < PATH_MAX;

	if (fits)
		strcpy(out, real);
	free(real);
	free(dir);
	return fits;
}

/* The absolute path of name, whose directory has the first len bytes of path as its name and fd as
 * its descriptor: the directory's links resolved, the name kept (busybox goes by its name). */
static bool
make_absolute(const char *path, size_t len, const char *name, int fd, char out[PATH_MAX])
{
	size_t name_len = strlen(name);
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, out, PATH_MAX);
	if (n > 0 && n < PATH_MAX && out[0] == '/')
		out[n] = '\0';
	else if (!resolve(path, len, out))
		return false;
	len = strcmp(out, "/") != 0 ? strlen(out) : 0;
	if (len + 1 + name_len >= PATH_MAX)
		return false;
	out[len] = '/';
	memcpy(out + len + 1, name, name_len + 1);
	return true;
}

/* Is path, which has a slash, a program?  Then also open it and make the path absolute.  Each walk
 * along a path costs as much as a dozen other system calls, so it is done once, for the directory;
 * out holds its name meanwhile.  False: *why says so, unless there is no such file. */
static bool
locate(const char *path, char out[PATH_MAX], int *fd, int *why)
{
	const char *name = strrchr(path, '/') + 1;
	const char *at = name[0] != '\0' ? name : ".";
	size_t len = (size_t)(name - path);
	bool found = false;
	struct stat st;
	int dir;

	if (len >= PATH_MAX)
		return false;
	memcpy(out, path, len);
	out[len] = '\0';
	dir = open(out, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return false;
	if (fstatat(dir, at, &st, 0) == 0) {
		*why = EACCES;
		found = S_ISREG(st.st_mode) && faccessat(dir, at, X_OK, 0) == 0;
	}
	if (found && !make_absolute(path, len, name, dir, out)) {
		*why = ENAMETOOLONG;
		found = false;
	}
	if (found)
		*fd = openat(dir, at, PROGRAM_FILE_OPEN);
	close(dir);
	return found;
}

int
program_find(const char *name, const char *path_env, char out[PATH_MAX], int *fd,
	     struct tine_error *error)
{
	int why = ENOENT;
	char *path;

	if (strchr(name, '/') != NULL) {
		if (locate(name, out, fd, &why))
			return 0;
		if (why == EACCES)
			return tine_error_set(error, EACCES, "not-executable",
					      "%s is not an executable file", name);
		goto missing;
	}
	for (const char *p = path_env; p != NULL && *name != '\0';) {
		size_t n = strcspn(p, ":");
		bool found;

		if (asprintf(&path, "%.*s/%s", n > 0 ? (int)n : 1, n > 0 ? p : ".", name) < 0)
			return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
		found = locate(path, out, fd, &why);
		free(path);
		if (found)
			return 0;
		p = p[n] == ':' ? p + n + 1 : NULL;
	}
missing:
	return tine_error_set(error, why, why == EACCES ? "not-executable" : "not-found", "%s: %s",
			      name,
			      why == EACCES   ? "not executable"
			      : why == ENOENT ? "no such program on this host"
					      : strerror(why));
}
