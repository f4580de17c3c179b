/* SPDX-License-Identifier: ISC */
/* vfs_lookup.c: from a path to a vnode: components, symbolic links, mounts, "..". */
#include <sys/kmem.h>
#include <sys/pledge.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vnode.h>

#define MAXSYMLINKS 40
#define PATHBUF_MAX (4 * PATH_MAX) /* a path with the links in it replaced so far */

/* A walk under way.  w_dir is always held; w_path moves through ni_path. */
struct walk {
	struct nameidata *w_ni;
	const struct cred *w_cred;
	struct vnode *w_root; /* not held: the process's */
	struct vnode *w_dir;
	char *w_path; /* what is still to be walked */
	unsigned w_flags;
	int w_links;
};

/* ---- steps ---- */

/* The root of what is mounted on vp, if anything; a hold is passed along. */
static struct vnode *
cross_mount(struct vnode *vp)
{
	while (vp->v_covered_by != NULL) {
		struct vnode *root = vhold(vp->v_covered_by);

		vrele(vp);
		vp = root;
	}
	return vp;
}

static bool
is_mount_root(const struct vnode *vp)
{
	return vp->v_mount != NULL && vp->v_mount->mnt_root == vp;
}

/* ".." of w_dir: stops at the process's root, climbs out of mounts. */
static int
lookup_dotdot(struct walk *w, struct vnode **vpp)
{
	struct vnode *vp = vhold(w->w_dir);
	int error;

	while (vp != w->w_root && is_mount_root(vp) && vp->v_mount->mnt_covered != NULL) {
		struct vnode *covered = vhold(vp->v_mount->mnt_covered);

		vrele(vp);
		vp = covered;
	}
	if (vp == w->w_root || vp == rootvnode || vp->v_ops->vop_parent == NULL) {
		*vpp = vp;
		return 0;
	}
	error = vp->v_ops->vop_parent(vp, vpp);
	vrele(vp);
	if (error == 0)
		*vpp = cross_mount(*vpp);
	return error;
}

/* One component in w_dir: held vnode, ENOENT ... */
static int
lookup_component(struct walk *w, const char *name, size_t len, struct vnode **vpp)
{
	int error;

	if (len == 1 && name[0] == '.') {
		*vpp = vhold(w->w_dir);
		return 0;
	}
	if (len == 2 && name[0] == '.' && name[1] == '.')
		return lookup_dotdot(w, vpp);
	if (w->w_dir->v_ops->vop_lookup == NULL)
		return ENOTDIR;
	error = w->w_dir->v_ops->vop_lookup(w->w_dir, name, len, vpp);
	if (error == 0)
		*vpp = cross_mount(*vpp);
	return error;
}

static void
set_dir(struct walk *w, struct vnode *vp)
{
	vrele(w->w_dir);
	w->w_dir = vp;
}

/* ---- symbolic links ---- */

/* Replace what has been walked by the link's text: ni_path becomes text + "/" + rest. */
static int
expand_link(struct walk *w, struct vnode *link, const char *rest)
{
	size_t restlen = strlen(rest), len;
	char *buf;
	int error;

	if (restlen > PATHBUF_MAX - PATH_MAX - 2)
		return ENAMETOOLONG;
	buf = kmalloc(PATH_MAX + restlen + 2, 0);
	if (buf == NULL)
		return ENOMEM;
	error = link->v_ops->vop_readlink(link, buf, PATH_MAX, &len);
	if (error == 0 && len == PATH_MAX)
		error = ENAMETOOLONG;
	if (error == 0 && len == 0)
		error = ENOENT;
	if (error != 0) {
		kfree(buf);
		return error;
	}
	memcpy(buf + len, rest, restlen + 1); /* rest is empty or starts with a slash */
	kfree(w->w_ni->ni_path);
	w->w_ni->ni_path = buf;
	w->w_path = buf;
	if (buf[0] == '/')
		set_dir(w, vhold(w->w_root));
	return 0;
}

/*
 * Follow link, found in w_dir.  A magic link leads straight to a vnode (*vpp); an ordinary one
 * changes the path to be walked (*vpp = NULL).
 */
static int
follow_link(struct walk *w, struct vnode *link, const char *rest, struct vnode **vpp)
{
	*vpp = NULL;
	if (++w->w_links > MAXSYMLINKS)
		return ELOOP;
	if (link->v_ops->vop_follow != NULL) {
		int error = link->v_ops->vop_follow(link, vpp);

		if (error != EINVAL)
			return error;
		*vpp = NULL;
	}
	if (link->v_ops->vop_readlink == NULL)
		return EINVAL;
	return expand_link(w, link, rest);
}

/* ---- the walk ---- */

static bool
want_follow(const struct walk *w, const struct vnode *vp, bool last, bool slash)
{
	if (!S_ISLNK(vp->v_type))
		return false;
	if (!last)
		return true;
	if (slash) /* a name to be made or removed is never looked through */
		return !(w->w_flags & NI_PARENT);
	return w->w_flags & NI_FOLLOW;
}

/* The path ended without a component: "/", or a magic link's target.  It is the directory itself.
 */
static int
finish_here(struct walk *w)
{
	struct nameidata *ni = w->w_ni;
	int error = pledge_lookup(w->w_dir, "", 0, w->w_dir);

	if (error != 0)
		return error;
	ni->ni_vp = vhold(w->w_dir);
	if (w->w_flags & NI_PARENT) {
		ni->ni_dvp = vhold(w->w_dir);
		ni->ni_name = w->w_path;
		ni->ni_namelen = 0;
		ni->ni_lastdot = true;
	}
	return 0;
}

static bool
is_dots(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

/* Last component found (vp, held: taken over) or missing (vp NULL). */
static int
finish(struct walk *w, char *name, size_t len, bool slash, struct vnode *vp)
{
	struct nameidata *ni = w->w_ni;
	int error;

	ni->ni_vp = vp;
	if ((error = pledge_lookup(w->w_dir, name, len, vp)) != 0)
		return error;
	ni->ni_trailing_slash = slash;
	if (w->w_flags & NI_PARENT) {
		ni->ni_dvp = vhold(w->w_dir);
		ni->ni_name = name;
		ni->ni_namelen = len;
		ni->ni_lastdot = is_dots(name, len);
		name[len] = '\0';
		return 0;
	}
	if (slash && !S_ISDIR(vp->v_type))
		return ENOTDIR;
	return 0;
}

/* Take the next component off w_path: *rest = what follows it, from its slash on. */
static size_t
next_component(struct walk *w, char **namep, char **rest, bool *last, bool *slash)
{
	char *name = w->w_path, *end, *p;

	while (*name == '/')
		name++;
	for (end = name; *end != '\0' && *end != '/'; end++)
		;
	for (p = end; *p == '/'; p++)
		;
	*namep = name;
	*rest = end;
	*last = *p == '\0';
	*slash = p != end;
	w->w_path = end;
	return (size_t)(end - name);
}

/* One component.  *done: the walk is over. */
static int
walk_step(struct walk *w, bool *done)
{
	struct vnode *vp, *target;
	char *name, *rest;
	bool last, slash;
	size_t len = next_component(w, &name, &rest, &last, &slash);
	int error;

	*done = true;
	if (len == 0)
		return finish_here(w);
	if (!S_ISDIR(w->w_dir->v_type))
		return ENOTDIR;
	if ((error = vaccess(w->w_dir, X_OK, w->w_cred)) != 0)
		return error;
	if (len > NAME_MAX)
		return ENAMETOOLONG;
	error = lookup_component(w, name, len, &vp);
	if (error == ENOENT && last && (w->w_flags & NI_PARENT))
		return finish(w, name, len, slash, NULL);
	if (error != 0)
		return error; /* NOLINT(clang-analyzer-unix.Malloc): namei() frees ni_path */
	if (want_follow(w, vp, last, slash)) {
		error = follow_link(w, vp, rest, &target);
		vrele(vp);
		*done = error != 0;
		if (error != 0 || target == NULL)
			return error;
		vp = target;
		*done = last;
		if (last && !(w->w_flags & NI_PARENT))
			return finish(w, name, len, slash, vp);
		/* With NI_PARENT a magic link's target has no name: it exists, that is all. */
		set_dir(w, vp);
		return last ? finish_here(w) : 0;
	}
	if (last)
		return finish(w, name, len, slash, vp);
	set_dir(w, vp);
	*done = false;
	return 0;
}

/* Where a path starts. */
static int
start_dir(struct thread *td, int dirfd, const char *path, struct vnode *root, struct vnode **vpp)
{
	const struct fsinfo *fs = td->td_proc->ps_fs;
	struct file *fp;
	int error;

	if (path[0] == '/') {
		*vpp = vhold(root);
		return 0;
	}
	if (dirfd == AT_FDCWD) {
		*vpp = vhold(fs != NULL && fs->fs_cwd != NULL ? fs->fs_cwd : root);
		return 0;
	}
	error = getfile(td, dirfd, &fp);
	if (error != 0)
		return error;
	if (fp->f_vnode == NULL)
		error = ENOTDIR;
	else
		*vpp = vhold(fp->f_vnode);
	file_release(fp);
	return error;
}

static int
get_path(const char *path, unsigned flags, struct nameidata *ni)
{
	size_t len;

	ni->ni_path = kmalloc(PATH_MAX, 0);
	if (ni->ni_path == NULL)
		return ENOMEM;
	if (!(flags & NI_KERNEL))
		return copyinstr(path, ni->ni_path, PATH_MAX, &len);
	return strlcpy(ni->ni_path, path, PATH_MAX) >= PATH_MAX ? ENAMETOOLONG : 0;
}

static int
namei_walk(struct thread *td, int dirfd, unsigned flags, struct nameidata *ni)
{
	const struct fsinfo *fs = td->td_proc->ps_fs;
	struct walk w = {.w_ni = ni,
			 .w_cred = td->td_proc->ps_cred,
			 .w_root = fs != NULL && fs->fs_root != NULL ? fs->fs_root : rootvnode,
			 .w_path = ni->ni_path,
			 .w_flags = flags};
	bool done = false;
	int error;

	error = start_dir(td, dirfd, ni->ni_path, w.w_root, &w.w_dir);
	if (error != 0)
		return error;
	if (ni->ni_path[0] == '\0') {
		ni->ni_vp = w.w_dir;
		return 0;
	}
	while (!done && error == 0)
		error = walk_step(&w, &done);
	vrele(w.w_dir);
	return error;
}

int
namei(struct thread *td, int dirfd, const char *path, unsigned flags, struct nameidata *ni)
{
	int error;

	*ni = (struct nameidata){0};
	error = get_path(path, flags, ni);
	if (error == 0 && ni->ni_path[0] == '\0' && (flags & (NI_EMPTY | NI_PARENT)) != NI_EMPTY)
		error = ENOENT;
	if (error == 0)
		error = namei_walk(td, dirfd, flags, ni);
	if (error != 0)
		namei_done(ni);
	return error;
}

void
namei_done(struct nameidata *ni)
{
	if (ni->ni_vp != NULL)
		vrele(ni->ni_vp);
	if (ni->ni_dvp != NULL)
		vrele(ni->ni_dvp);
	kfree(ni->ni_path);
	*ni = (struct nameidata){0};
}

int
lookup_path(struct thread *td, const char *kpath, bool follow, struct vnode **vpp)
{
	struct nameidata ni;
	int error = namei(td, AT_FDCWD, kpath, NI_KERNEL | (follow ? NI_FOLLOW : 0), &ni);

	if (error != 0)
		return error;
	*vpp = vhold(ni.ni_vp);
	namei_done(&ni);
	return 0;
}
