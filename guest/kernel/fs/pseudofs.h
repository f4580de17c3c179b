/* SPDX-License-Identifier: ISC */
/* pseudofs.h: files whose text the kernel makes up, and trees of them given as tables. */
#ifndef FS_PSEUDOFS_H
#define FS_PSEUDOFS_H

#include <sys/sbuf.h>
#include <sys/vnode.h>

/* ---- text files (textfile.c) ---- */
#define TEXT_WRITE_MAX 4096U
typedef int (*textshow_t)(struct sbuf *, struct vnode *); /* whole text; errno */
/* What has been written, NUL terminated and without the newline at its end. */
typedef int (*textstore_t)(struct thread *, struct vnode *, char *text);
/*
 * Make fp a text file.  The text is made at the first read and when reading starts over at offset
 * 0; in between it does not change under the reader.
 */
int textfile_open(struct file *fp, textshow_t, textstore_t);

/* ---- trees (pseudofs.c) ---- */
struct pfsfile { /* one file; directories are what stands before the slashes */
	const char *pf_path;
	mode_t pf_mode; /* permission bits; S_IFLNK: a link to pf_arg */
	textshow_t pf_show;
	textstore_t pf_store;
	const char *pf_arg;
};
struct pfstree { /* files of one directory stand together */
	const struct pfsfile *pt_files;
	size_t pt_nfiles;
	struct vnode *pt_root; /* held */
};
/* The row of a file's vnode. */
const struct pfsfile *pfs_file(struct vnode *);
/* Root directory of a tree; ops NULL: a plain one. */
struct vnode *pfs_root(struct pfstree *, const struct vnodeops *ops);
#define PFS_FIRSTOFF 2 /* readdir position of row 0 */
int pfs_lookup(struct vnode *dir, const char *name, size_t len, struct vnode **);
int pfs_readdir(struct vnode *dir, off_t *off, dirfill_t, void *ctx);
int pfs_name(struct vnode *dir, struct vnode *child, char *buf, size_t size);
int pfs_getattr(struct vnode *, struct stat *);
void pfs_inactive(struct vnode *);
bool pfs_isnode(const struct vnode *);
/* Text that is pf_arg itself. */
int pfs_showarg(struct sbuf *, struct vnode *);

#endif
