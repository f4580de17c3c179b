/* SPDX-License-Identifier: ISC */
/* image_dir.c: a directory of the host as the source of a root image. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "image.h"

/* One directory is open per level. */
#define DEPTH_MAX 200

struct hard_link { /* a file with several names, by inode number */
	ino_t ino;
	struct tree_node *node;
};

struct walk {
	struct tree *tree;
	struct erofs_writer *writer;
	const char *root; /* for messages */
	dev_t dev;
	char path[PATH_MAX];     /* of the current file, in the guest */
	struct hard_link *links; /* open addressing, a power of two, at most half full */
	size_t nlinks, cap;
};

static int
failed(const struct walk *w, int err, struct tine_error *error)
{
	return tine_error_set(error, err, "rootfs-unreadable", "root file system %s: %s: %s",
			      w->root, w->path[0] != '\0' ? w->path : "/", strerror(err));
}

static struct hard_link *
link_slot(struct hard_link *links, size_t cap, ino_t ino)
{
	size_t i = (size_t)(ino * 0x9e3779b97f4a7c15ull >> 20) & (cap - 1);

	while (links[i].node != NULL && links[i].ino != ino)
		i = (i + 1) & (cap - 1);
	return &links[i];
}

static int
remember(struct walk *w, ino_t ino, struct tree_node *node)
{
	if (w->nlinks * 2 >= w->cap) {
		size_t cap = w->cap != 0 ? w->cap * 2 : 64;
		struct hard_link *links = calloc(cap, sizeof(*links));

		if (links == NULL)
			return -ENOMEM;
		for (size_t i = 0; i < w->cap; i++)
			if (w->links[i].node != NULL)
				*link_slot(links, cap, w->links[i].ino) = w->links[i];
		free(w->links);
		w->links = links;
		w->cap = cap;
	}
	*link_slot(w->links, w->cap, ino) = (struct hard_link){ino, node};
	w->nlinks++;
	return 0;
}

static struct tree_node *
node_of(struct walk *w, const struct stat *st)
{
	struct tree_node *node = tree_node_new(w->tree, st->st_mode);

	if (node == NULL)
		return NULL;
	node->uid = st->st_uid;
	node->gid = st->st_gid;
	node->mtime = st->st_mtim.tv_sec;
	node->mtime_nsec = (uint32_t)st->st_mtim.tv_nsec;
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		node->major = major(st->st_rdev);
		node->minor = minor(st->st_rdev);
	}
	return node;
}

static int
add_data(struct walk *w, int dir, const char *name, struct tree_node *node,
	 struct tine_error *error)
{
	struct stat st;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY), r;

	if (fd < 0)
		return failed(w, errno, error);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		r = failed(w, ESTALE, error); /* replaced while it was looked at */
	else
		r = erofs_reserve(w->writer, node, (uint64_t)st.st_size, error);
	if (r == 0)
		r = image_copy_data(w->writer, node, fd, w->path, error);
	close(fd);
	return r;
}

static int
add_target(struct walk *w, int dir, const char *name, struct tree_node *node,
	   struct tine_error *error)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n <= 0)
		return failed(w, n < 0 ? errno : EINVAL, error);
	target[n] = '\0';
	node->text = tree_strndup(w->tree, target, strlen(target));
	return node->text != NULL ? 0 : failed(w, ENOMEM, error);
}

static int add_children(struct walk *w, int dir, int depth, struct tine_error *error);

static int
add_directory(struct walk *w, int parent, const char *name, const struct stat *st, int depth,
	      struct tine_error *error)
{
	int dir, r;

	/* What is mounted below (proc, for one) is not part of the tree. */
	if (st->st_dev != w->dev)
		return 0;
	if (depth == DEPTH_MAX)
		return failed(w, ELOOP, error);
	dir = openat(parent, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY);
	if (dir < 0)
		return failed(w, errno, error);
	r = add_children(w, dir, depth + 1, error);
	close(dir);
	return r;
}

static int
add_one(struct walk *w, int dir, const char *name, int depth, struct tine_error *error)
{
	struct tree_node *node;
	struct stat st;
	int r = 0;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(w, errno, error);
	if (S_ISSOCK(st.st_mode)) /* means nothing once its server is elsewhere */
		return 0;
	if (!S_ISDIR(st.st_mode) && st.st_nlink > 1 && w->cap > 0) {
		node = link_slot(w->links, w->cap, st.st_ino)->node;
		if (node != NULL)
			return tree_link(w->tree, w->path, node, error);
	}
	node = node_of(w, &st);
	if (node == NULL)
		return failed(w, ENOMEM, error);
	if (S_ISREG(st.st_mode))
		r = add_data(w, dir, name, node, error);
	else if (S_ISLNK(st.st_mode))
		r = add_target(w, dir, name, node, error);
	if (r == 0)
		r = tree_link(w->tree, w->path, node, error);
	if (r == 0 && S_ISDIR(st.st_mode))
		r = add_directory(w, dir, name, &st, depth, error);
	else if (r == 0 && st.st_nlink > 1 && remember(w, st.st_ino, node) != 0)
		r = failed(w, ENOMEM, error);
	return r;
}

static int
add_children(struct walk *w, int dir, int depth, struct tine_error *error)
{
	int copy = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	size_t base = strlen(w->path);
	struct dirent *de;
	int r = 0;

	if (d == NULL) {
		r = failed(w, errno, error);
		if (copy >= 0)
			close(copy);
		return r;
	}
	while (r == 0 && (errno = 0, de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		if ((size_t)snprintf(w->path + base, sizeof(w->path) - base, "/%s", de->d_name) >=
		    sizeof(w->path) - base)
			r = failed(w, ENAMETOOLONG, error);
		else
			r = add_one(w, dir, de->d_name, depth, error);
		w->path[base] = '\0';
	}
	if (r == 0 && errno != 0)
		r = failed(w, errno, error);
	closedir(d);
	return r;
}

int
image_add_directory(struct tree *tree, struct erofs_writer *writer, const char *path,
		    struct tine_error *error)
{
	struct walk w = {.tree = tree, .writer = writer, .root = path};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY), r;
	struct tree_node *node;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = failed(&w, errno, error);
	} else {
		w.dev = st.st_dev;
		node = node_of(&w, &st);
		r = node == NULL ? failed(&w, ENOMEM, error) : tree_link(tree, "/", node, error);
		if (r == 0)
			r = add_children(&w, fd, 0, error);
	}
	if (fd >= 0)
		close(fd);
	free(w.links);
	return r;
}
