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
	w->next_block = 1; /* block 0 is for the superblock and the first inodes */
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

/* The two dots in their places among the children; no path is looked up in the tree after this. */
static int
complete_dir(struct tree *tree, struct tree_node *dir, struct tine_error *error)
{
	if (tree_add_entry(tree, dir, (struct tree_entry){".", dir}) != 0 ||
	    tree_add_entry(tree, dir, (struct tree_entry){"..", dir->parent}) != 0)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	qsort(dir->entry, dir->nentries, sizeof(*dir->entry), by_name);
	return 0;
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

/* Where the inode of a node that has its place lies in the file: the first block of metadata is
 * block 0, where the superblock is; the others follow the data. */
static uint64_t
inode_at(const struct erofs_writer *w, const struct tree_node *node)
{
	uint64_t at = node->place;

	return at < EROFS_BLOCK ? at : at + (w->meta_block - 1ull) * EROFS_BLOCK;
}

static void
fill_dir_block(const struct erofs_writer *w, uint8_t *block, const struct tree_entry *e,
	       size_t count)
{
	size_t nameoff = count * sizeof(struct erofs_dirent);

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(e[i].name);
		struct erofs_dirent de = {
		    .nid = inode_at(w, e[i].node) / EROFS_SLOT,
		    .nameoff = (uint16_t)nameoff,
		    .file_type = file_type(e[i].node->mode),
		};

		memcpy(block + i * sizeof(de), &de, sizeof(de));
		memcpy(block + nameoff, e[i].name, len);
		nameoff += len;
	}
}

static int
write_dir(struct erofs_writer *w, const struct tree_node *dir, struct tine_error *error)
{
	uint64_t to = (uint64_t)dir->block * EROFS_BLOCK;
	uint8_t block[EROFS_BLOCK];
	size_t used;
	int r = 0;

	for (size_t at = 0; r == 0 && at < dir->nentries; to += EROFS_BLOCK) {
		const struct tree_entry *e = dir->entry + at;
		size_t count = entries_of_block(e, dir->nentries - at, &used);

		memset(block, 0, sizeof(block));
		fill_dir_block(w, block, e, count);
		r = write_at(w->fd, to, block, sizeof(block), error);
		at += count;
	}
	return r;
}

/* A directory's size: only its last block may be counted as partly filled. */
static uint64_t
dir_size(const struct tree_node *dir)
{
	uint64_t size = 0;
	size_t used;

	for (size_t at = 0; at < dir->nentries;) {
		at += entries_of_block(dir->entry + at, dir->nentries - at, &used);
		size += at < dir->nentries ? EROFS_BLOCK : used;
	}
	return size;
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
fill_inode(const struct erofs_writer *w, uint8_t *at, const struct tree_node *node)
{
	bool device = S_ISCHR(node->mode) || S_ISBLK(node->mode);
	struct erofs_inode in = {
	    .i_format =
		is_inline(node) ? EROFS_FORMAT_EXTENDED_INLINE : EROFS_FORMAT_EXTENDED_PLAIN,
	    .i_mode = (uint16_t)node->mode,
	    .i_size = node->size,
	    .i_u = device ? encode_dev(node->major, node->minor) : node->block,
	    .i_ino = (uint32_t)(inode_at(w, node) / EROFS_SLOT),
	    .i_uid = node->uid,
	    .i_gid = node->gid,
	    .i_mtime = (uint64_t)node->mtime,
	    .i_mtime_nsec = node->mtime_nsec,
	    .i_nlink = node->nlink,
	};

	memcpy(at, &in, sizeof(in));
}

static void
fill_super(const struct erofs_writer *w, uint8_t *at, const struct tree *tree, uint64_t inos)
{
	struct erofs_super sb = {
	    .magic = EROFS_SUPER_MAGIC,
	    .blkszbits = EROFS_BLKSZBITS,
	    .root_nid = (uint16_t)(inode_at(w, tree->root) / EROFS_SLOT),
	    .inos = inos,
	    .build_time = (uint64_t)time(NULL),
	    .blocks = w->next_block,
	    .meta_blkaddr = 0, /* nids count from the start of the file */
	    .volume_name = "tine",
	};

	memcpy(at, &sb, sizeof(sb));
}

/* A node whose last name was replaced, or a directory merged into another, is left out. */
static bool
is_named(const struct tree_node *node)
{
	return S_ISDIR(node->mode) ? node->parent != NULL : node->nlink > 0;
}

/* The place of an inode and what follows it, which no block boundary divides, in the blocks of
 * metadata, as if they followed each other; *at is the end of what has a place already. */
static int
place(struct erofs_writer *w, struct tree *tree, struct tree_node *node, uint64_t *at,
      struct tine_error *error)
{
	uint64_t need = sizeof(struct erofs_inode), slot = EROFS_SLOT;
	int r = 0;

	if (S_ISDIR(node->mode)) {
		r = complete_dir(tree, node, error);
		node->size = dir_size(node);
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
	node->place = *at;
	*at += need;
	return r;
}

/* The root first: the superblock has 16 bits for its place. */
static int
place_all(struct erofs_writer *w, struct tree *tree, uint64_t *at, uint64_t *inos,
	  struct tine_error *error)
{
	int r;

	*at = EROFS_SUPER_OFFSET + sizeof(struct erofs_super);
	*inos = 1;
	r = place(w, tree, tree->root, at, error);
	for (struct tree_node *n = tree->all; r == 0 && n != NULL; n = n->next) {
		if (n == tree->root || !is_named(n))
			continue;
		r = place(w, tree, n, at, error);
		++*inos;
	}
	return r;
}

static void
fill_inline(const struct erofs_writer *w, uint8_t *at, const struct tree_node *node)
{
	if (S_ISDIR(node->mode))
		fill_dir_block(w, at, node->entry, node->nentries);
	else
		memcpy(at, node->text, node->size);
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
	uint64_t start; /* in the file */
	uint8_t data[EROFS_BLOCK];
};

static int
write_node(struct erofs_writer *w, struct meta *m, struct tree_node *node, struct tine_error *error)
{
	uint64_t at = inode_at(w, node), start = at & ~(uint64_t)(EROFS_BLOCK - 1);
	uint8_t *to = m->data + at % EROFS_BLOCK;
	int r = 0;

	if (start != m->start) {
		r = write_at(w->fd, m->start, m->data, sizeof(m->data), error);
		memset(m->data, 0, sizeof(m->data));
		m->start = start;
	}
	if (r == 0 && is_inline(node))
		fill_inline(w, to + sizeof(struct erofs_inode), node);
	else if (r == 0)
		r = write_content(w, node, error);
	fill_inode(w, to, node);
	return r;
}

/* In the order of place_all(), so that each block is written once. */
static int
write_nodes(struct erofs_writer *w, struct tree *tree, uint64_t inos, struct tine_error *error)
{
	struct meta m = {0};
	int r;

	fill_super(w, m.data + EROFS_SUPER_OFFSET, tree, inos);
	r = write_node(w, &m, tree->root, error);
	for (struct tree_node *n = tree->all; r == 0 && n != NULL; n = n->next)
		if (n != tree->root && is_named(n))
			r = write_node(w, &m, n, error);
	return r == 0 ? write_at(w->fd, m.start, m.data, sizeof(m.data), error) : r;
}

int
erofs_finish(struct erofs_writer *w, struct tree *tree, uint64_t *size, struct tine_error *error)
{
	uint64_t inos, length;
	int r = place_all(w, tree, &length, &inos, error);

	w->meta_block = w->next_block;
	w->next_block += (uint32_t)((length - 1) / EROFS_BLOCK); /* behind block 0 */
	*size = (uint64_t)w->next_block * EROFS_BLOCK;
	if (r == 0 && ftruncate(w->fd, (off_t)*size) < 0) /* to the end of the last block */
		r = tine_error_set(error, errno, "no-memory", "cannot write the root image: %s",
				   strerror(errno));
	return r == 0 ? write_nodes(w, tree, inos, error) : r;
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
