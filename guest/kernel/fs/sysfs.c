/* SPDX-License-Identifier: ISC */
/* sysfs.c: the few files of /sys that C libraries and runtimes read. */
#include "pseudofs.h"

static const struct pfsfile files[] = {
    {"devices/system/cpu/kernel_max", 0444, pfs_showarg, NULL, "0"},
    {"devices/system/cpu/offline", 0444, pfs_showarg, NULL, ""},
    {"devices/system/cpu/online", 0444, pfs_showarg, NULL, "0"},
    {"devices/system/cpu/possible", 0444, pfs_showarg, NULL, "0"},
    {"devices/system/cpu/present", 0444, pfs_showarg, NULL, "0"},
    {"devices/system/node/online", 0444, pfs_showarg, NULL, "0"},
    {"devices/system/node/possible", 0444, pfs_showarg, NULL, "0"},
    {"kernel/mm/transparent_hugepage/enabled", 0444, pfs_showarg, NULL, "always madvise [never]"},
};

static struct pfstree tree = {files, sizeof(files) / sizeof(files[0]), NULL};

struct vnode *
sysfs_root(void)
{
	return pfs_root(&tree, NULL);
}
