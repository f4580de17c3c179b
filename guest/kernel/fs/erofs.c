/* SPDX-License-Identifier: ISC */
/*
 * erofs.c: read an uncompressed EROFS image in memory: superblock, inodes, directories.
 *
 * Format: Documentation/filesystems/erofs.rst of Linux.  A nid is a 32-byte slot of the inode area;
 * data is either a run of blocks or a run of blocks with the last, partial one packed behind the
 * inode.
 */
#include <sys/stat.h>
#include <sys/systm.h>
#include "erofs.h"

#define EROFS_SUPER_OFFSET 1024
#define EROFS_MAGIC 0xe0f5e1e2u
#define EROFS_BLOCK 4096u
#define EROFS_SLOT_SHIFT 5
/* Harmless to a reader that refuses compressed inodes one by one: padding of compressed data,
 * compression settings; chunk-based files are refused one by one too. */
#define EROFS_INCOMPAT_KNOWN 0x7u

struct erofs_super {
	uint32_t magic, checksum, feature_compat;
	uint8_t blkszbits, extslots;
	uint16_t root_nid;
	uint64_t inos, build_time;
	uint32_t build_nsec, blocks, meta_blkaddr, xattr_blkaddr;
	uint8_t uuid[16], volume[16];
	uint32_t feature_incompat;
	uint8_t rest[44];
};
_Static_assert(sizeof(struct erofs_super) == 128, "on disk");

struct erofs_compact {
	uint16_t format, xattr_icount, mode, nlink;
	uint32_t size, reserved, u, ino;
	uint16_t uid, gid;
	uint32_t reserved2;
};
_Static_assert(sizeof(struct erofs_compact) == 32, "on disk");

struct erofs_extended {
	uint16_t format, xattr_icount, mode, reserved;
	uint64_t size;
	uint32_t u, ino, uid, gid;
	uint64_t mtime;
	uint32_t mtime_nsec, nlink;
	uint8_t reserved2[16];
};
_Static_assert(sizeof(struct erofs_extended) == 64, "on disk");

struct __packed erofs_dirent {
	uint64_t nid;
	uint16_t nameoff;
	uint8_t type, reserved;
};
_Static_assert(sizeof(struct erofs_dirent) == 12, "on disk");

enum { LAYOUT_PLAIN = 0, LAYOUT_INLINE = 2 };

static int
image_get(const struct erofs *er, uint64_t off, void *buf, uint64_t len)
{
	if (off > er->er_size || len > er->er_size - off)
		return EIO;
	memcpy(buf, er->er_base + off, len);
	return 0;
}

int
erofs_mount(struct erofs *er, const void *base, uint64_t size)
{
	struct erofs_super sb;

	*er = (struct erofs){.er_base = base, .er_size = size};
	if (image_get(er, EROFS_SUPER_OFFSET, &sb, sizeof(sb)) != 0 || sb.magic != EROFS_MAGIC) {
		kprintf(LOG_ERR, "erofs: no superblock: not an EROFS image");
		return EIO;
	}
	if (sb.blkszbits != 12 || (sb.feature_incompat & ~EROFS_INCOMPAT_KNOWN) != 0) {
		kprintf(LOG_ERR, "erofs: block size 2^%u, features %#x: not supported",
			sb.blkszbits, sb.feature_incompat);
		return EOPNOTSUPP;
	}
	er->er_meta = (uint64_t)sb.meta_blkaddr * EROFS_BLOCK;
	er->er_root = sb.root_nid;
	er->er_time = sb.build_time;
	return 0;
}

/* Seconds and nanoseconds as one number; what does not fit becomes the epoch. */
static nsec_t
image_time(uint64_t sec, uint32_t nsec)
{
	return sec < 18000000000ULL && nsec < 1000000000 ? sec * 1000000000ULL + nsec : 0;
}

/* Both forms of an inode as the extended one; *size = bytes it takes in the image. */
static int
inode_get(const struct erofs *er, uint64_t off, struct erofs_extended *ino, size_t *size)
{
	struct erofs_compact c;

	if (image_get(er, off, &c, sizeof(c)) != 0)
		return EIO;
	if (c.format & 1) {
		*size = sizeof(*ino);
		return image_get(er, off, ino, sizeof(*ino));
	}
	*size = sizeof(c);
	*ino = (struct erofs_extended){
	    .format = c.format,
	    .xattr_icount = c.xattr_icount,
	    .mode = c.mode,
	    .size = c.size,
	    .u = c.u,
	    .uid = c.uid,
	    .gid = c.gid,
	    .mtime = er->er_time,
	    .nlink = c.nlink,
	};
	return 0;
}

/* Where the data lies; meta_end = image offset just behind inode and attributes. */
static int
inode_layout(const struct erofs *er, const struct erofs_extended *ino, uint64_t meta_end,
	     struct erofs_inode *ei)
{
	unsigned layout = (ino->format >> 1) & 7;

	if (layout != LAYOUT_PLAIN && layout != LAYOUT_INLINE) {
		kprintf(LOG_WARNING, "erofs: inode %lu is compressed or in chunks: not supported",
			ei->ei_nid);
		return EOPNOTSUPP;
	}
	ei->ei_taillen = layout == LAYOUT_INLINE ? ei->ei_size % EROFS_BLOCK : 0;
	ei->ei_datalen = ei->ei_size - ei->ei_taillen;
	if (ei->ei_taillen > 0) {
		/* Packed data never crosses a block. */
		ei->ei_tail = meta_end;
		if (meta_end % EROFS_BLOCK + ei->ei_taillen > EROFS_BLOCK ||
		    meta_end > er->er_size || ei->ei_taillen > er->er_size - meta_end)
			return EIO;
	}
	if (ei->ei_datalen > 0) {
		ei->ei_data = (uint64_t)ino->u * EROFS_BLOCK;
		if (ei->ei_data > er->er_size || ei->ei_datalen > er->er_size - ei->ei_data)
			return EIO;
	}
	return 0;
}

static bool
mode_valid(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	}
	return false;
}

int
erofs_iget(const struct erofs *er, uint64_t nid, struct erofs_inode *ei)
{
	struct erofs_extended ino;
	uint64_t off;
	size_t size;

	if (nid > er->er_size >> EROFS_SLOT_SHIFT)
		return EIO;
	off = er->er_meta + (nid << EROFS_SLOT_SHIFT);
	if (inode_get(er, off, &ino, &size) != 0 || !mode_valid(ino.mode))
		return EIO;
	*ei = (struct erofs_inode){
	    .ei_nid = nid,
	    .ei_mode = ino.mode,
	    .ei_uid = ino.uid,
	    .ei_gid = ino.gid,
	    .ei_nlink = ino.nlink,
	    .ei_size = ino.size,
	    .ei_mtime = image_time(ino.mtime, ino.mtime_nsec),
	};
	switch (ino.mode & S_IFMT) {
	case S_IFCHR:
	case S_IFBLK:
		ei->ei_rdev = ino.u;
		__attribute__((fallthrough));
	case S_IFIFO:
	case S_IFSOCK:
		ei->ei_size = 0;
		return 0;
	}
	if (ino.xattr_icount > 0)
		size += 12 + 4 * (size_t)(ino.xattr_icount - 1);
	return inode_layout(er, &ino, off + size, ei);
}

int
erofs_read(const struct erofs *er, const struct erofs_inode *ei, uint64_t off, void *buf,
	   size_t len)
{
	size_t n;
	int error;

	if (off > ei->ei_size || len > ei->ei_size - off)
		return EIO;
	n = off < ei->ei_datalen ? MIN(len, ei->ei_datalen - off) : 0;
	if (n > 0) {
		error = image_get(er, ei->ei_data + off, buf, n);
		if (error != 0)
			return error;
		off += n;
	}
	if (n == len)
		return 0;
	return image_get(er, ei->ei_tail + (off - ei->ei_datalen), (char *)buf + n, len - n);
}

/* ---- directories ---- */

static const mode_t entry_type[] = {0,       S_IFREG, S_IFDIR,  S_IFCHR,
				    S_IFBLK, S_IFIFO, S_IFSOCK, S_IFLNK};

static bool
name_valid(const char *name, size_t len)
{
	if (len == 0 || len > 255 || memchr(name, '/', len) != NULL ||
	    memchr(name, '\0', len) != NULL)
		return false;
	return true;
}

static bool
is_dot(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

/*
 * One block: an array of entries, then their names.  The first name's offset tells how many entries
 * there are; a name ends where the next begins, the last one at a NUL or the end of the block.
 */
static int
block_walk(const uint8_t *blk, size_t size, erofs_entry_t fn, void *ctx)
{
	struct erofs_dirent de, next;
	size_t first, i = 0;

	if (size < sizeof(de))
		return EIO;
	memcpy(&next, blk, sizeof(next));
	first = next.nameoff;
	if (first == 0 || first % sizeof(de) != 0 || first >= size)
		return EIO;
	do {
		const char *name;
		size_t len;
		int error;

		de = next;
		i += sizeof(de);
		if (i < first)
			memcpy(&next, blk + i, sizeof(next));
		if (de.nameoff < first || de.nameoff >= size || de.type >= nitems(entry_type))
			return EIO;
		name = (const char *)blk + de.nameoff;
		if (i == first)
			len = strnlen(name, size - de.nameoff);
		else if (next.nameoff <= de.nameoff || next.nameoff > size)
			return EIO;
		else
			len = (size_t)next.nameoff - de.nameoff;
		if (!name_valid(name, len))
			return EIO;
		if (is_dot(name, len))
			continue;
		error = fn(ctx, name, len, de.nid, entry_type[de.type]);
		if (error != 0)
			return error;
	} while (i < first);
	return 0;
}

int
erofs_readdir(const struct erofs *er, const struct erofs_inode *ei, erofs_entry_t fn, void *ctx)
{
	int error = 0;

	if (!S_ISDIR(ei->ei_mode))
		return ENOTDIR;
	for (uint64_t off = 0; off < ei->ei_datalen && error == 0; off += EROFS_BLOCK)
		error = block_walk(er->er_base + ei->ei_data + off,
				   MIN((uint64_t)EROFS_BLOCK, ei->ei_datalen - off), fn, ctx);
	if (error == 0 && ei->ei_taillen > 0)
		error = block_walk(er->er_base + ei->ei_tail, ei->ei_taillen, fn, ctx);
	return error;
}
