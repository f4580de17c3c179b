/* SPDX-License-Identifier: ISC */
/* erofs_format.h: the part of Linux's EROFS on-disk format that root images use (little-endian). */
#ifndef TINE_VMM_EROFS_FORMAT_H
#define TINE_VMM_EROFS_FORMAT_H

#include <stdint.h>

#define EROFS_SUPER_OFFSET 1024u
#define EROFS_SUPER_MAGIC 0xe0f5e1e2u
#define EROFS_BLKSZBITS 12u
#define EROFS_BLOCK 4096u
#define EROFS_SLOT 32u /* an inode's address is its nid times this, from the metadata start */

struct erofs_super {
	uint32_t magic;
	uint32_t checksum;
	uint32_t feature_compat;
	uint8_t blkszbits;
	uint8_t sb_extslots;
	uint16_t root_nid;
	uint64_t inos;
	uint64_t build_time;
	uint32_t build_time_nsec;
	uint32_t blocks;
	uint32_t meta_blkaddr;
	uint32_t xattr_blkaddr;
	uint8_t uuid[16];
	uint8_t volume_name[16];
	uint32_t feature_incompat;
	uint8_t reserved[44];
};

/* i_format: bit 0 = 64-byte inode, bits 1-3 = data layout (0 = contiguous blocks; 2 = the same, but
 * what does not fill a block follows the inode) */
#define EROFS_FORMAT_EXTENDED_PLAIN 1u
#define EROFS_FORMAT_EXTENDED_INLINE 5u

struct erofs_inode {
	uint16_t i_format;
	uint16_t i_xattr_icount;
	uint16_t i_mode;
	uint16_t i_reserved;
	uint64_t i_size;
	uint32_t i_u; /* first block, or device number */
	uint32_t i_ino;
	uint32_t i_uid, i_gid;
	uint64_t i_mtime;
	uint32_t i_mtime_nsec;
	uint32_t i_nlink;
	uint8_t i_reserved2[16];
};

struct erofs_dirent {
	uint64_t nid;
	uint16_t nameoff;
	uint8_t file_type;
	uint8_t reserved;
} __attribute__((packed));

enum erofs_file_type {
	EROFS_FT_UNKNOWN,
	EROFS_FT_REG,
	EROFS_FT_DIR,
	EROFS_FT_CHR,
	EROFS_FT_BLK,
	EROFS_FT_FIFO,
	EROFS_FT_SOCK,
	EROFS_FT_SYMLINK,
};

_Static_assert(sizeof(struct erofs_super) == 128, "format");
_Static_assert(sizeof(struct erofs_inode) == 64, "format");
_Static_assert(sizeof(struct erofs_dirent) == 12, "format");

#endif
