/* SPDX-License-Identifier: ISC */
/* image_file.c: single files of the host in the root image, and the minimal root around them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "elf_file.h"
#include "image.h"

int
image_copy_data(struct erofs_writer *w, const struct tree_node *node, int fd, const char *path,
		struct tine_error *error)
{
	uint64_t off = 0;
	int r = 0;

	while (r == 0 && off < node->size) {
		ssize_t n;
		/* Holes stay holes; ENXIO: nothing but a hole is left. */
		off_t data = lseek(fd, (off_t)off, SEEK_DATA);

		if (data < 0 && errno == ENXIO)
			break;
		if (data >= 0)
			off = (uint64_t)data;
		n = erofs_copy(w, node, off, fd);
		if (n == -EINTR)
			continue;
		if (n == -ENOMEM || n == -ENOSPC || n == -EFBIG)
			r = tine_error_set(error, (int)-n, "no-memory",
					   "cannot write the root image: %s", strerror((int)-n));
		else if (n < 0)
			r = tine_error_set(error, (int)-n, "rootfs-unreadable", "%s: %s", path,
					   strerror((int)-n));
		else if (n == 0) /* it became shorter while it was read */
			break;
		off += n > 0 ? (uint64_t)n : 0;
	}
	return r;
}

static struct tree_node *
node_like(struct tree *tree, const struct stat *st, unsigned mode)
{
	struct tree_node *node =
	    tree_node_new(tree, S_IFREG | (mode != 0 ? mode & 07777u : st->st_mode & 07777u));

	if (node != NULL) {
		node->mtime = st->st_mtim.tv_sec;
		node->mtime_nsec = (uint32_t)st->st_mtim.tv_nsec;
	}
	return node;
}

int
image_add_file(struct tree *tree, struct erofs_writer *w, const struct rootfs_file *file,
	       struct tine_error *error)
{
	struct tree_node *node;
	struct stat st;
	int r, fd;

	fd = file->fd != 0 && fstat(file->fd, &st) == 0
		 ? file->fd
		 : program_file_open(file->host_path, &st, error);
	if (fd == -ENOEXEC) { /* empty, which only a program must not be */
		node =
		    tree_node_new(tree, S_IFREG | (file->mode != 0 ? file->mode & 07777u : 0644));
		return node == NULL ? tine_error_set(error, ENOMEM, "no-memory", "out of memory")
				    : tree_link(tree, file->guest_path, node, error);
	}
	if (fd < 0)
		return fd;
	node = node_like(tree, &st, file->mode);
	if (node == NULL) {
		r = tine_error_set(error, ENOMEM, "no-memory", "out of memory");
		goto out;
	}
	r = erofs_reserve(w, node, (uint64_t)st.st_size, error);
	if (r == 0)
		r = image_copy_data(w, node, fd, file->host_path, error);
	if (r == 0)
		r = tree_link(tree, file->guest_path, node, error);
out:
	if (fd != file->fd)
		close(fd);
	return r;
}

static int
add_dir(struct tree *tree, const char *path, unsigned mode, time_t now, struct tine_error *error)
{
	struct tree_node *node = tree_node_new(tree, S_IFDIR | mode);

	if (node == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	node->mtime = now;
	return tree_link(tree, path, node, error);
}

static int
add_text(struct tree *tree, const char *path, const char *text, time_t now,
	 struct tine_error *error)
{
	struct tree_node *node = tree_node_new(tree, S_IFREG | 0644);

	if (node == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	node->text = text;
	node->mtime = now;
	return tree_link(tree, path, node, error);
}

int
image_add_minimal(struct tree *tree, struct tine_error *error)
{
	static const struct {
		const char *path;
		unsigned mode;
	} dirs[] = {{"/bin", 0755},      {"/dev", 0755}, {"/etc", 0755},  {"/proc", 0555},
		    {"/root", 0700},     {"/sys", 0555}, {"/tmp", 01777}, {"/var", 0755},
		    {"/var/tmp", 01777}, {"/run", 0755}};
	time_t now = time(NULL);
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(dirs) / sizeof(dirs[0]); i++)
		r = add_dir(tree, dirs[i].path, dirs[i].mode, now, error);
	if (r == 0)
		r = add_text(
		    tree, "/etc/passwd",
		    "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
		    now, error);
	if (r == 0)
		r = add_text(tree, "/etc/group", "root:x:0:\nnogroup:x:65534:\n", now, error);
	if (r == 0)
		r = add_text(tree, "/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n", now,
			     error);
	return r;
}
