/* SPDX-License-Identifier: ISC */
/* erofs.c: lay a tree out as an uncompressed EROFS image (kernel:
 * Documentation/filesystems/erofs.rst). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "erofs.h"
#include "erofs_format.h"
#include "vmm.h"

/* Contents up to this size follow their inode: a small tree takes a page or two, of memory here and
 * of faults in the guest. */
#define INLINE_MAX (EROFS_BLOCK / 2)
#define COPY_MAX ((size_t)1 << 30) /* of one sendfile() */

static int
write_at(int fd, uint64_t off, const void *data, size_t len, struct tine_error *error)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return tine_error_set(error, n < 0 ? errno : EIO, "no-memory",
					      "cannot write the root image: %s", strerror(errno));
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

void
erofs_begin(struct erofs_writer *w, int fd)
{
	w->fd = fd;
	w->next_block = 1; /* block 0 holds the superblock */
}

int
erofs_reserve(struct erofs_writer *w, struct tree_node *node, uint64_t size,
	      struct tine_error *error)
{
	uint64_t limit = TINE_ROOTFS_MAX / EROFS_BLOCK;
	uint64_t blocks = size / EROFS_BLOCK + (size % EROFS_BLOCK != 0);

	if (blocks > limit - w->next_block)
		return tine_error_set(error, EFBIG, "rootfs-size",
				      "the root file system is larger than %llu GiB",
				      TINE_ROOTFS_MAX >> 30);
	node->block = w->next_block;
	node->size = size;
	w->next_block += (uint32_t)blocks;
	return 0;
}

int
erofs_write(const struct erofs_writer *w, const struct tree_node *node, uint64_t off,
	    const void *data, size_t len, struct tine_error *error)
{
	if (off > node->size || len > node->size - off)
		return tine_error_set(error, EIO, "rootfs-archive",
				      "a file has more data than its size of %llu bytes",
				      (unsigned long long)node->size);
	return write_at(w->fd, (uint64_t)node->block * EROFS_BLOCK + off, data, len, error);
}

/* From a file system that has no way to hand its pages on. */
static ssize_t __attribute__((noinline)) /* most runs need no room for it on the stack */
copy_by_reading(const struct erofs_writer *w, const struct tree_node *node, uint64_t off, int fd)
{
	uint64_t left = node->size - off;
	uint8_t buf[16384];
	ssize_t n = pread(fd, buf, left < sizeof(buf) ? (size_t)left : sizeof(buf), (off_t)off);
	int r = 0;

	if (n < 0)
		return -errno;
	if (n > 0)
		r = erofs_write(w, node, off, buf, (size_t)n, NULL);
	return r != 0 ? r : n;
}

ssize_t
erofs_copy(const struct erofs_writer *w, const struct tree_node *node, uint64_t off, int fd)
{
	off_t from = (off_t)off;
	ssize_t n = 0;

	if (off >= node->size)
		return 0;
	if (lseek(w->fd, (off_t)((uint64_t)node->block * EROFS_BLOCK + off), SEEK_SET) < 0)
		return -errno;
	n = sendfile(w->fd, fd, &from, node->size - off < COPY_MAX ? node->size - off : COPY_MAX);
	if (n < 0 && errno == EINVAL)
		return copy_by_reading(w, node, off, fd);
	return n < 0 ? -errno : n;
}

static uint8_t
file_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return EROFS_FT_REG;
	case S_IFDIR:
		return EROFS_FT_DIR;
	case S_IFCHR:
		return EROFS_FT_CHR;
	case S_IFBLK:
		return EROFS_FT_BLK;
	case S_IFIFO:
		return EROFS_FT_FIFO;
	case S_IFSOCK:
		return EROFS_FT_SOCK;
	case S_IFLNK:
		return EROFS_FT_SYMLINK;
	default:
		return EROFS_FT_UNKNOWN;
	}
}

static int
by_name(const void *a, const void *b)
{
	const struct tree_entry *x = a, *y = b;

	return strcmp(x->name, y->name); /* as unsigned bytes, like the kernel's search */
}

static void
sort_children(struct tree_node *dir)
{
	if (dir->nentries > 1)
		qsort(dir->entry, dir->nentries, sizeof(*dir->entry), by_name);
}

static void
insert(struct tree_entry *e, size_t n, struct tree_entry entry)
{
	size_t at = 0;

	while (at < n && by_name(&e[at], &entry) < 0)
		at++;
	memmove(e + at + 1, e + at, (n - at) * sizeof(*e));
	e[at] = entry;
}

/* Children, which are sorted, and the two dots in their places; the names are borrowed. */
static struct tree_entry *
sorted_entries(struct tree_node *dir, size_t *n)
{
	static char dot[] = ".", dotdot[] = "..";
	struct tree_entry *e = malloc((dir->nentries + 2) * sizeof(*e));

	if (e == NULL)
		return NULL;
	if (dir->nentries > 0)
		memcpy(e, dir->entry, dir->nentries * sizeof(*e));
	*n = dir->nentries;
	insert(e, (*n)++, (struct tree_entry){dot, dir});
	insert(e, (*n)++, (struct tree_entry){dotdot, dir->parent});
	return e;
}

/* How many of n entries fit one block; *used is what they take. */
static size_t
entries_of_block(const struct tree_entry *e, size_t n, size_t *used)
{
	size_t count = 0;

	*used = 0;
	while (count < n) {
		size_t need = sizeof(struct erofs_dirent) + strlen(e[count].name);

		if (*used + need > EROFS_BLOCK)
			break;
		*used += need;
		count++;
	}
	return count;
}

static void
fill_dir_block(uint8_t *block, const struct tree_entry *e, size_t count)
{
	size_t nameoff = count * sizeof(struct erofs_dirent);

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(e[i].name);
		struct erofs_dirent de = {
		    .nid = e[i].node->nid,
		    .nameoff = (uint16_t)nameoff,
		    .file_type = file_type(e[i].node->mode),
		};

		memcpy(block + i * sizeof(de), &de, sizeof(de));
		memcpy(block + nameoff, e[i].name, len);
		nameoff += len;
	}
}

static int
write_dir(struct erofs_writer *w, struct tree_node *dir, struct tine_error *error)
{
	uint8_t block[EROFS_BLOCK];
	size_t n, used = 0, at = 0;
	struct tree_entry *e = sorted_entries(dir, &n);
	uint64_t to = (uint64_t)dir->block * EROFS_BLOCK;
	int r = 0;

	if (e == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	for (; r == 0 && at < n; to += EROFS_BLOCK) {
		size_t count = entries_of_block(e + at, n - at, &used);

		memset(block, 0, sizeof(block));
		fill_dir_block(block, e + at, count);
		r = write_at(w->fd, to, block, sizeof(block), error);
		at += count;
	}
	free(e);
	return r;
}

/* A directory's size: only its last block may be counted as partly filled. */
static int
measure_dir(struct tree_node *dir, struct tine_error *error)
{
	size_t n, used = 0, at = 0;
	struct tree_entry *e = sorted_entries(dir, &n);

	if (e == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	dir->size = 0;
	while (at < n) {
		at += entries_of_block(e + at, n - at, &used);
		dir->size += at < n ? EROFS_BLOCK : used;
	}
	free(e);
	return 0;
}

/* Its content is known here, and follows the inode. */
static bool
is_inline(const struct tree_node *node)
{
	return (S_ISDIR(node->mode) || node->text != NULL) && node->size > 0 &&
	       node->size <= INLINE_MAX;
}

static uint32_t
encode_dev(uint32_t major, uint32_t minor)
{
	return (minor & 0xffu) | major << 8 | (minor & ~0xffu) << 12;
}

static void
fill_inode(uint8_t *at, const struct tree_node *node)
{
	bool device = S_ISCHR(node->mode) || S_ISBLK(node->mode);
	struct erofs_inode in = {
	    .i_format =
		is_inline(node) ? EROFS_FORMAT_EXTENDED_INLINE : EROFS_FORMAT_EXTENDED_PLAIN,
	    .i_mode = (uint16_t)node->mode,
	    .i_size = node->size,
	    .i_u = device ? encode_dev(node->major, node->minor) : node->block,
	    .i_ino = (uint32_t)node->nid,
	    .i_uid = node->uid,
	    .i_gid = node->gid,
	    .i_mtime = (uint64_t)node->mtime,
	    .i_mtime_nsec = node->mtime_nsec,
	    .i_nlink = node->nlink,
	};

	memcpy(at, &in, sizeof(in));
}

static int
write_super(const struct erofs_writer *w, const struct tree *tree, uint64_t inos, uint32_t meta,
	    struct tine_error *error)
{
	struct erofs_super sb = {
	    .magic = EROFS_SUPER_MAGIC,
	    .blkszbits = EROFS_BLKSZBITS,
	    .root_nid = (uint16_t)tree->root->nid,
	    .inos = inos,
	    .build_time = (uint64_t)time(NULL),
	    .blocks = w->next_block,
	    .meta_blkaddr = meta,
	    .volume_name = "tine",
	};

	return write_at(w->fd, EROFS_SUPER_OFFSET, &sb, sizeof(sb), error);
}

/* A node whose last name was replaced, or a directory merged into another, is left out. */
static bool
is_named(const struct tree_node *node)
{
	return S_ISDIR(node->mode) ? node->parent != NULL : node->nlink > 0;
}

/* The place of an inode and what follows it, which no block boundary divides; *at is the end of
 * what has a place already. */
static int
place(struct erofs_writer *w, struct tree_node *node, uint64_t *at, struct tine_error *error)
{
	uint64_t need = sizeof(struct erofs_inode), slot = EROFS_SLOT;
	int r = 0;

	if (S_ISDIR(node->mode)) {
		sort_children(node);
		r = measure_dir(node, error);
	}
	if (r == 0 && node->text != NULL)
		node->size = strlen(node->text);
	if (is_inline(node))
		need += node->size;
	else if (r == 0 && (S_ISDIR(node->mode) || node->text != NULL))
		r = erofs_reserve(w, node, node->size, error);
	*at = (*at + slot - 1) & ~(slot - 1);
	if (*at % EROFS_BLOCK + need > EROFS_BLOCK)
		*at = (*at + EROFS_BLOCK - 1) & ~(uint64_t)(EROFS_BLOCK - 1);
	node->nid = *at / slot;
	*at += need;
	return r;
}

/* The root first: the superblock has 16 bits for its place.  No inode has nid 0. */
static int
place_all(struct erofs_writer *w, struct tree *tree, uint64_t *at, uint64_t *inos,
	  struct tine_error *error)
{
	int r;

	*at = sizeof(struct erofs_inode);
	*inos = 1;
	r = place(w, tree->root, at, error);
	for (struct tree_node *n = tree->all; r == 0 && n != NULL; n = n->next) {
		if (n == tree->root || !is_named(n))
			continue;
		r = place(w, n, at, error);
		++*inos;
	}
	return r;
}

static int
fill_inline(uint8_t *at, struct tree_node *node, struct tine_error *error)
{
	struct tree_entry *e;
	size_t n;

	if (!S_ISDIR(node->mode)) {
		memcpy(at, node->text, node->size);
		return 0;
	}
	e = sorted_entries(node, &n);
	if (e == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	fill_dir_block(at, e, n);
	free(e);
	return 0;
}

static int
write_content(struct erofs_writer *w, struct tree_node *node, struct tine_error *error)
{
	if (S_ISDIR(node->mode))
		return write_dir(w, node, error);
	return node->text != NULL ? erofs_write(w, node, 0, node->text, node->size, error) : 0;
}

/* The block of metadata that is being filled. */
struct meta {
	uint64_t start; /* of the metadata, in the file */
	uint64_t block;
	uint8_t data[EROFS_BLOCK];
};

static int
meta_flush(const struct erofs_writer *w, struct meta *m, struct tine_error *error)
{
	int r = write_at(w->fd, m->start + m->block * EROFS_BLOCK, m->data, EROFS_BLOCK, error);

	memset(m->data, 0, sizeof(m->data));
	return r;
}

static int
write_node(struct erofs_writer *w, struct meta *m, struct tree_node *node, struct tine_error *error)
{
	uint64_t at = node->nid * EROFS_SLOT;
	uint8_t *to = m->data + at % EROFS_BLOCK;
	int r = 0;

	if (at / EROFS_BLOCK != m->block)
		r = meta_flush(w, m, error);
	m->block = at / EROFS_BLOCK;
	if (r == 0 && is_inline(node))
		r = fill_inline(to + sizeof(struct erofs_inode), node, error);
	else if (r == 0)
		r = write_content(w, node, error);
	fill_inode(to, node);
	return r;
}

/* In the order of place_all(), so that each block is written once; the last one ends the file. */
static int
write_nodes(struct erofs_writer *w, struct tree *tree, uint64_t start, struct tine_error *error)
{
	struct meta m = {.start = start};
	int r = write_node(w, &m, tree->root, error);

	for (struct tree_node *n = tree->all; r == 0 && n != NULL; n = n->next)
		if (n != tree->root && is_named(n))
			r = write_node(w, &m, n, error);
	return r == 0 ? meta_flush(w, &m, error) : r;
}

int
erofs_finish(struct erofs_writer *w, struct tree *tree, uint64_t *size, struct tine_error *error)
{
	uint64_t inos, length;
	int r = place_all(w, tree, &length, &inos, error);
	uint32_t meta = w->next_block;

	w->next_block += (uint32_t)((length + EROFS_BLOCK - 1) / EROFS_BLOCK);
	*size = (uint64_t)w->next_block * EROFS_BLOCK;
	if (r == 0)
		r = write_nodes(w, tree, (uint64_t)meta * EROFS_BLOCK, error);
	if (r == 0)
		r = write_super(w, tree, inos, meta, error);
	return r;
}

int
erofs_check(int fd, uint64_t size, const char *path, struct tine_error *error)
{
	struct erofs_super sb;

	if (pread(fd, &sb, sizeof(sb), EROFS_SUPER_OFFSET) != sizeof(sb) ||
	    sb.magic != EROFS_SUPER_MAGIC)
		return 0;
	if (sb.blkszbits != EROFS_BLKSZBITS)
		return tine_error_set(error, ENOTSUP, "rootfs-erofs",
				      "%s has blocks of %u bytes; make it with mkfs.erofs -b 4096",
				      path, 1u << (sb.blkszbits & 31));
	if (sb.feature_incompat != 0)
		return tine_error_set(error, ENOTSUP, "rootfs-erofs",
				      "%s uses compression or other extensions (features %#x); "
				      "make it with mkfs.erofs "
				      "without -z and -E",
				      path, sb.feature_incompat);
	if ((uint64_t)sb.blocks * EROFS_BLOCK > size || sb.meta_blkaddr >= sb.blocks)
		return tine_error_set(error, ENOTSUP, "rootfs-erofs",
				      "%s is truncated: %llu bytes, its superblock says %llu", path,
				      (unsigned long long)size,
				      (unsigned long long)sb.blocks * EROFS_BLOCK);
	return 1;
}
