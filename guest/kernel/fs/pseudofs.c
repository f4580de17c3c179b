/* SPDX-License-Identifier: ISC */
/* pseudofs.c: fixed trees of text files, given as tables of paths. */
#include <sys/kmem.h>
#include <sys/systm.h>
#include "pseudofs.h"

/* A file (pn_file set) or a directory: the first pn_len bytes of the path of any file below it. */
struct pfsnode {
	const struct pfstree *pn_tree;
	const struct pfsfile *pn_file;
	const char *pn_path;
	size_t pn_len;
};

static const struct vnodeops pfs_dirops, pfs_fileops;

static struct pfsnode *
node_of(struct vnode *vp)
{
	return vp->v_data;
}

const struct pfsfile *
pfs_file(struct vnode *vp)
{
	return node_of(vp)->pn_file;
}

bool
pfs_isnode(const struct vnode *vp)
{
	return vp->v_ops == &pfs_dirops || vp->v_ops == &pfs_fileops;
}

static int
pfs_newnode(const struct pfstree *tree, struct mount *mnt, const struct pfsfile *file,
	    const char *path, size_t len, struct vnode **vpp)
{
	struct pfsnode *pn = kmalloc(sizeof(*pn), 0);
	mode_t type = file == NULL ? S_IFDIR : S_ISLNK(file->pf_mode) ? S_IFLNK : S_IFREG;

	if (pn == NULL)
		return ENOMEM;
	*pn = (struct pfsnode){tree, file, path, len};
	*vpp = vnode_new(file == NULL ? &pfs_dirops : &pfs_fileops, mnt, type, pn);
	if (*vpp == NULL) {
		kfree(pn);
		return ENOMEM;
	}
	return 0;
}

/* ---- directories ---- */

/* The file's path below the directory, or NULL if it is not in it. */
static const char *
path_below(const struct pfsnode *dir, const struct pfsfile *f)
{
	if (dir->pn_len == 0)
		return f->pf_path;
	if (strncmp(f->pf_path, dir->pn_path, dir->pn_len) != 0 || f->pf_path[dir->pn_len] != '/')
		return NULL;
	return f->pf_path + dir->pn_len + 1;
}

static size_t
component_len(const char *path)
{
	size_t n = 0;

	while (path[n] != '\0' && path[n] != '/')
		n++;
	return n;
}

int
pfs_lookup(struct vnode *dvp, const char *name, size_t len, struct vnode **vpp)
{
	const struct pfsnode *dir = node_of(dvp);
	const struct pfstree *tree = dir->pn_tree;

	for (const struct pfsfile *f = tree->pt_files; f < tree->pt_files + tree->pt_nfiles; f++) {
		const char *rest = path_below(dir, f);

		if (rest == NULL || component_len(rest) != len || memcmp(rest, name, len) != 0)
			continue;
		return pfs_newnode(tree, dvp->v_mount, rest[len] == '\0' ? f : NULL, f->pf_path,
				   (size_t)(rest - f->pf_path) + len, vpp);
	}
	return ENOENT;
}

/* A number for a path that no other path of the tree is likely to have. */
static ino_t
path_ino(const char *path, size_t len)
{
	uint64_t h = 0xcbf29ce484222325UL;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)path[i]) * 0x100000001b3UL;
	return 1UL << 62 | (h & ((1UL << 60) - 1));
}

int
pfs_readdir(struct vnode *dvp, off_t *off, dirfill_t fill, void *ctx)
{
	const struct pfsnode *dir = node_of(dvp);
	const struct pfstree *tree = dir->pn_tree;
	size_t i = (size_t)(MAX(*off, PFS_FIRSTOFF) - PFS_FIRSTOFF);

	for (; i < tree->pt_nfiles; i++) {
		const struct pfsfile *f = &tree->pt_files[i];
		const char *rest = path_below(dir, f), *prev;
		off_t next = (off_t)i + 1 + PFS_FIRSTOFF;
		size_t len;
		unsigned type;

		if (rest == NULL)
			continue;
		len = component_len(rest);
		prev = i > 0 ? path_below(dir, f - 1) : NULL;
		if (prev != NULL && component_len(prev) == len && memcmp(prev, rest, len) == 0)
			continue; /* the same subdirectory again */
		type = rest[len] != '\0' ? S_IFDIR : S_ISLNK(f->pf_mode) ? S_IFLNK : S_IFREG;
		if (fill(ctx, rest, len, next,
			 path_ino(f->pf_path, (size_t)(rest - f->pf_path) + len), type >> 12) != 0)
			return 0;
		*off = next;
	}
	return 0;
}

int
pfs_name(struct vnode *dvp, struct vnode *child, char *buf, size_t size)
{
	const struct pfsnode *dir = node_of(dvp), *pn = node_of(child);
	size_t skip = dir->pn_len > 0 ? dir->pn_len + 1 : 0, len = pn->pn_len - skip;

	if (len >= size)
		return ENAMETOOLONG;
	memcpy(buf, pn->pn_path + skip, len);
	buf[len] = '\0';
	return 0;
}

static int
pfs_parent(struct vnode *vp, struct vnode **vpp)
{
	const struct pfsnode *pn = node_of(vp);
	size_t len = pn->pn_len;

	while (len > 0 && pn->pn_path[len - 1] != '/')
		len--;
	if (len == 0) {
		*vpp = vhold(pn->pn_tree->pt_root);
		return 0;
	}
	return pfs_newnode(pn->pn_tree, vp->v_mount, NULL, pn->pn_path, len - 1, vpp);
}

/* ---- files ---- */

int
pfs_getattr(struct vnode *vp, struct stat *st)
{
	const struct pfsnode *pn = node_of(vp);

	st->st_ino = pn->pn_len > 0 ? path_ino(pn->pn_path, pn->pn_len) : 1;
	st->st_mode = vp->v_type | (pn->pn_file != NULL ? pn->pn_file->pf_mode & 07777 : 0555);
	st->st_nlink = S_ISDIR(vp->v_type) ? 2 : 1;
	st->st_blksize = 1024;
	return 0;
}

/* Text has no length to set, but open(O_TRUNC) and > in a shell must work. */
static int
pfs_setattr(struct vnode *vp __unused, const struct vattr *va)
{
	return va->va_valid & ~(uint32_t)VA_SIZE ? EPERM : 0;
}

static int
pfs_open(struct vnode *vp, struct file *fp, int flags __unused, struct thread *td __unused)
{
	const struct pfsfile *f = node_of(vp)->pn_file;

	return textfile_open(fp, f->pf_show, f->pf_store);
}

static int
pfs_readlink(struct vnode *vp, char *buf, size_t size, size_t *len)
{
	const char *target = node_of(vp)->pn_file->pf_arg;

	if (!S_ISLNK(vp->v_type))
		return EINVAL;
	*len = MIN(strlen(target), size);
	memcpy(buf, target, *len);
	return 0;
}

int
pfs_showarg(struct sbuf *sb, struct vnode *vp)
{
	sbuf_printf(sb, "%s\n", node_of(vp)->pn_file->pf_arg);
	return 0;
}

void
pfs_inactive(struct vnode *vp)
{
	kfree(vp->v_data);
}

static const struct vnodeops pfs_dirops = {
    .vop_lookup = pfs_lookup,
    .vop_readdir = pfs_readdir,
    .vop_getattr = pfs_getattr,
    .vop_parent = pfs_parent,
    .vop_name = pfs_name,
    .vop_inactive = pfs_inactive,
};

static const struct vnodeops pfs_fileops = {
    .vop_getattr = pfs_getattr,
    .vop_setattr = pfs_setattr,
    .vop_open = pfs_open,
    .vop_readlink = pfs_readlink,
    .vop_parent = pfs_parent,
    .vop_inactive = pfs_inactive,
};

struct vnode *
pfs_root(struct pfstree *tree, const struct vnodeops *ops)
{
	if (tree->pt_root == NULL && pfs_newnode(tree, NULL, NULL, "", 0, &tree->pt_root) == 0 &&
	    ops != NULL)
		tree->pt_root->v_ops = ops;
	return tree->pt_root != NULL ? vhold(tree->pt_root) : NULL;
}
