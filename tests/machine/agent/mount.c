/* mount.c: the kernel's file systems, disk images, and writable layers over them. */
/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"

/*
 * Where images and writable layers are mounted; out of the way of programs, and below no directory
 * that is shared.
 */
#define LAYERS "/run/machine"

void
make_directories(const char *path)
{
	char buffer[4096];

	snprintf(buffer, sizeof(buffer), "%s", path);
	for (char *slash = buffer + 1; (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
		*slash = '\0';
		mkdir(buffer, 0755);
	}
	mkdir(buffer, 0755);
}

void
mount_or_die(const char *source, const char *target, const char *type, unsigned long flags,
	     const char *options)
{
	make_directories(target);
	if (mount(source, target, type, flags, options) != 0)
		die("mount %s on %s: %s", source, target, strerror(errno));
}

/* Mounts what the kernel provides; called once for the root that commands see. */
void
mount_system(void)
{
	mount_or_die("proc", "/proc", "proc", 0, NULL);
	mount_or_die("sysfs", "/sys", "sysfs", 0, NULL);
	mount_or_die("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, "nsdelegate");
	mount_or_die("devpts", "/dev/pts", "devpts", 0, "mode=620,ptmxmode=666,gid=5");
	mount_or_die("shm", "/dev/shm", "tmpfs", 0, "mode=1777");
	mount_or_die("tmp", "/tmp", "tmpfs", 0, "mode=1777,size=90%");
	mount_or_die("run", "/run", "tmpfs", 0, "mode=755,size=90%");
	mount("mqueue", "/dev/mqueue", "mqueue", 0, NULL); /* some kernels have none */
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
}

/* Mounts an image read-only as the lower layer `name`. */
void
mount_image(const char *device, const char *name)
{
	char lower[128];

	snprintf(lower, sizeof(lower), LAYERS "/%s/lower", name);
	mount_or_die(device, lower, "erofs", MS_RDONLY, NULL);
}

/* Shows layer `name` at target with a writable layer in memory over it. */
void
mount_overlay(const char *name, const char *target)
{
	char path[128], options[512];

	snprintf(path, sizeof(path), LAYERS "/%s/upper", name);
	make_directories(path);
	snprintf(path, sizeof(path), LAYERS "/%s/work", name);
	make_directories(path);
	snprintf(options, sizeof(options),
		 "lowerdir=" LAYERS "/%s/lower,upperdir=" LAYERS "/%s/upper,workdir=" LAYERS
		 "/%s/work",
		 name, name, name);
	mount_or_die(name, target, "overlay", 0, options);
}

/* Shows the file or directory source at target as well. */
void
mount_bind(const char *source, const char *target)
{
	struct stat st;

	if (stat(source, &st) != 0)
		die("%s: %s", source, strerror(errno));
	if (S_ISDIR(st.st_mode)) {
		make_directories(target);
	} else {
		char *parent = strdup(target);
		char *slash = strrchr(parent, '/');
		*(slash == parent ? slash + 1 : slash) = '\0';
		make_directories(parent);
		free(parent);
		int fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd >= 0)
			close(fd);
	}
	if (mount(source, target, NULL, MS_BIND, NULL) != 0)
		die("show %s: %s", target, strerror(errno));
}

static int
read_file(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	static char buffer[1 << 16];

	(void)where;
	if (kind != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while (read(fd, buffer, sizeof(buffer)) > 0)
		continue;
	close(fd);
	return 0;
}

/* Brings all files of layer `name` into the page cache, so that using them later needs no disk. */
void
read_ahead(const char *name)
{
	char lower[128];

	snprintf(lower, sizeof(lower), LAYERS "/%s/lower", name);
	nftw(lower, read_file, 32, FTW_PHYS);
}

/*
 * Starts writing what was changed over layer `name` as a tar archive, without the marks of deleted
 * files. Returns where to read it; the caller waits for *pid.
 */
int
archive_changes(const char *name, pid_t *pid)
{
	char script[256];
	int ends[2];

	snprintf(script, sizeof(script),
		 "cd " LAYERS "/%s/upper && /usr/bin/find . ! -type c -print0 | "
		 "/usr/bin/tar --null --no-recursion -T - -cf -",
		 name);
	if (pipe2(ends, O_CLOEXEC) != 0)
		die("pipe: %s", strerror(errno));
	*pid = fork();
	if (*pid < 0)
		die("fork: %s", strerror(errno));
	if (*pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	return ends[0];
}
