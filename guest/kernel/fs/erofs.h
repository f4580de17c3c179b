/* SPDX-License-Identifier: ISC */
/* erofs.h: reader of uncompressed EROFS images that lie in memory. */
#ifndef FS_EROFS_H
#define FS_EROFS_H

#include <sys/types.h>

/* The image comes from outside and is not trusted: nothing in it is used before it is checked
 * against the size.  It may even change under us, so fields are copied, then checked. */
struct erofs {
	const uint8_t *er_base;
	uint64_t er_size; /* bytes of the image */
	uint64_t er_meta; /* offset of the inode area */
	uint64_t er_root; /* nid of the root directory */
	uint64_t er_time; /* mtime of compact inodes, seconds */
};

struct erofs_inode {
	uint64_t ei_nid;
	mode_t ei_mode;
	uint32_t ei_uid, ei_gid, ei_nlink;
	uint64_t ei_size;
	nsec_t ei_mtime;
	dev_t ei_rdev;
	uint64_t ei_data;    /* image offset of the data in whole blocks; page aligned */
	uint64_t ei_datalen; /* bytes of the file that lie there */
	uint64_t ei_tail;    /* image offset of the rest, packed behind the inode */
	uint64_t ei_taillen;
};

/* All return 0, EIO (malformed) or EOPNOTSUPP (compressed, chunk-based, foreign features). */
int erofs_mount(struct erofs *, const void *base, uint64_t size);
int erofs_iget(const struct erofs *, uint64_t nid, struct erofs_inode *);
/*
 * Every entry of a directory but . and .., in order; fn's nonzero return ends the walk and is
 * returned.  Names are 1..255 bytes without / and NUL and point into the image.
 */
typedef int (*erofs_entry_t)(void *ctx, const char *name, size_t len, uint64_t nid, mode_t type);
int erofs_readdir(const struct erofs *, const struct erofs_inode *, erofs_entry_t fn, void *ctx);
/* Copy len bytes from offset off of the file's data; all of it must be inside. */
int erofs_read(const struct erofs *, const struct erofs_inode *, uint64_t off, void *buf,
	       size_t len);

#endif
