/* SPDX-License-Identifier: ISC */
/*
 * memfs.h: the in-memory file system: nodes, directory entries, mounts.
 *
 * A directory entry holds one reference on its node's vnode, a directory one on its parent: a node
 * lives as long as it has a name or a user.  In a tree that starts from an EROFS image, directories
 * and nodes are made from the image when they are first looked at; from then on memory is the
 * truth.
 */
#ifndef FS_MEMFS_H
#define FS_MEMFS_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/vnode.h>
#include "erofs.h"

struct cred;
struct memnode;
struct vm_object;

struct mementry {
	TAILQ_ENTRY(mementry) me_link; /* md_entries, ascending me_off */
	struct mementry *me_hnext;     /* chain of md_hash */
	struct memnode *me_dir;        /* directory it is in, not referenced */
	struct memnode *me_node;       /* NULL: still in the image as me_nid */
	uint64_t me_nid;
	off_t me_off; /* position in readdir: never changes, never used again */
	uint32_t me_hash;
	uint16_t me_type; /* S_IF* >> 12, as readdir reports it */
	uint8_t me_len;
	char me_name[];
};

struct memdir {
	struct memnode *md_parent; /* referenced; NULL for a root */
	TAILQ_HEAD(, mementry) md_entries;
	struct mementry **md_hash; /* NULL while the directory is small */
	uint32_t md_nhash;         /* power of two */
	uint32_t md_count;
	off_t md_nextoff;
	struct mementry *md_hint; /* where the last readdir stopped, or NULL */
};

struct memnode {
	struct vnode mn_vnode; /* first: vnode and node have one address */
	struct memfs *mn_fs;
	ino_t mn_ino;
	mode_t mn_mode; /* permission bits */
	uid_t mn_uid;
	gid_t mn_gid;
	uint32_t mn_nlink;
	uint32_t mn_flags; /* MN_* */
	nsec_t mn_atime, mn_mtime, mn_ctime;
	uint64_t mn_size;              /* of a link's target; of a file that has no object yet */
	struct mementry *mn_entry;     /* name it was last found by, or NULL */
	LIST_ENTRY(memnode) mn_shared; /* mf_shared, while MN_SHARED */
	union {
		struct memdir mn_dir;
		struct vm_object *mn_object; /* made when first asked for */
		char *mn_target;             /* NULL: in the image */
	};
};
#define MN_IMAGE 0x1u    /* mn_ino is a nid: contents come from the image */
#define MN_UNREAD 0x2u   /* directory whose entries are still in the image alone */
#define MN_SHARED 0x4u   /* image file with several names: referenced by mf_shared */
#define MN_LINKABLE 0x8u /* has no name yet but may get one (O_TMPFILE) */

#define MEMFS_NSHARED 64
#define MEMFS_NEWINO (1UL << 32) /* inode numbers below are nids of the image */
struct memfs {
	struct mount mf_mount;
	const struct erofs *mf_image; /* or NULL */
	paddr_t mf_image_pa;
	ino_t mf_nextino;
	LIST_HEAD(, memnode) mf_shared[MEMFS_NSHARED]; /* by nid: one node for all names */
};

#define VTOMN(vp) container_of(vp, struct memnode, mn_vnode)
#define MNTOV(n) (&(n)->mn_vnode)

extern const struct vnodeops memfs_dirops, memfs_regops, memfs_lnkops, memfs_specops;

/* memfs.c */
/* Root of a new file system (held), over the image if there is one; NULL: no memory, bad image. */
struct vnode *memfs_create(const struct erofs *image, paddr_t image_pa, mode_t mode);
struct memnode *memfs_node_new(struct memfs *, mode_t mode_with_type); /* 1 reference, nlink 0 */
bool memfs_charge(size_t bytes); /* kernel memory for names and nodes is bounded */
void memfs_uncharge(size_t bytes);
void memfs_touch(struct memnode *); /* contents changed: mtime and ctime are now */
void memfs_inactive(struct vnode *);
int memfs_getattr(struct vnode *, struct stat *);
int memfs_setattr(struct vnode *, const struct vattr *);
int memfs_statfs(struct vnode *, struct statfs *);
struct vm_object *memfs_object(struct vnode *);
void memfs_modified(struct vnode *, const struct cred *);
/* A file without a name, for memfd_create(). */
int memfs_anonymous(mode_t mode, const struct cred *, struct vnode **);

/* A directory has one subdirectory less.  An image may lie about the count: only a removed
 * directory has 0. */
static inline void
memfs_droplink(struct memnode *dir)
{
	if (dir->mn_nlink > 2)
		dir->mn_nlink--;
}

/* memfs_vnops.c */
/* n has lost a name in dir: counts, and drops the name's reference. */
void memfs_unlinked(struct memnode *dir, struct memnode *n);
int memfs_rename(struct vnode *fdvp, const char *fname, size_t flen, struct vnode *tdvp,
		 const char *tname, size_t tlen, unsigned flags); /* memfs_rename.c */

/* memfs_dir.c */
struct mementry *memdir_find(struct memnode *dir, const char *name, size_t len);
struct mementry *memdir_alloc(const char *name, size_t len); /* NULL: no memory or space */
void memdir_free(struct mementry *);
void memdir_insert(struct memnode *dir, struct mementry *);
void memdir_remove(struct mementry *); /* takes it out and frees it; the node is the caller's */
/* The entry names node from now on; takes over one reference. */
void memdir_set(struct mementry *, struct memnode *);
int memfs_readdir(struct vnode *, off_t *off, dirfill_t, void *ctx);

/* memfs_image.c */
int memfs_load(struct memnode *dir);                             /* entries from the image */
int memfs_entry_node(struct mementry *, struct memnode **);      /* not held */
int memfs_image_object(struct memnode *, struct vm_object **);   /* data of an image file */
int memfs_image_readlink(struct memnode *, char *buf, size_t n); /* exactly n bytes */
void memfs_unshare(struct memnode *); /* its last name is gone: forget the nid */

#endif
