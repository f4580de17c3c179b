/* SPDX-License-Identifier: ISC */
/* kern_fsinfo.c: a process's place in the file tree: working directory, root, umask. */
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/vnode.h>

static struct pool fsinfo_pool = POOL_INITIALIZER("fsinfo", struct fsinfo);

struct fsinfo *
fsinfo_copy(struct fsinfo *from)
{
	struct fsinfo *fs = pool_get(&fsinfo_pool, 0);

	if (fs == NULL)
		return NULL;
	*fs = *from;
	fs->fs_refs = 1;
	if (fs->fs_cwd != NULL)
		vhold(fs->fs_cwd);
	if (fs->fs_root != NULL)
		vhold(fs->fs_root);
	return fs;
}

struct fsinfo *
fsinfo_share(struct fsinfo *fs)
{
	fs->fs_refs++;
	return fs;
}

void
fsinfo_release(struct fsinfo *fs)
{
	if (--fs->fs_refs > 0)
		return;
	if (fs->fs_cwd != NULL)
		vrele(fs->fs_cwd);
	if (fs->fs_root != NULL)
		vrele(fs->fs_root);
	pool_put(&fsinfo_pool, fs);
}

/* For process 0: vfs_init() fills in the directories if it has not run yet. */
struct fsinfo *
fsinfo_boot(void)
{
	struct fsinfo *fs = pool_get(&fsinfo_pool, M_ZERO | M_NOFAIL);

	fs->fs_refs = 1;
	fs->fs_umask = 022;
	if (rootvnode != NULL) {
		fs->fs_cwd = vhold(rootvnode);
		fs->fs_root = vhold(rootvnode);
	}
	return fs;
}
