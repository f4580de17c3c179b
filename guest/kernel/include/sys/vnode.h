/* SPDX-License-Identifier: ISC */
/* vnode.h: the file system switch: vnodes, their operations, path lookup (vfs_vnode.c,
 * vfs_lookup.c). */
#ifndef SYS_VNODE_H
#define SYS_VNODE_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/file.h>
#include <sys/stat.h>

struct vnode;
struct statfs;
struct filelock;
struct cred;
struct mount;

struct vattr { /* what setattr changes; VA_* says which */
	uint32_t va_valid;
	mode_t va_mode;
	uid_t va_uid;
	gid_t va_gid;
	uint64_t va_size;
	nsec_t va_atime, va_mtime; /* ~0 = now */
};
#define VA_MODE 0x1
#define VA_UID 0x2
#define VA_GID 0x4
#define VA_SIZE 0x8
#define VA_ATIME 0x10
#define VA_MTIME 0x20

/* Receiver of directory entries: returns nonzero to stop (buffer full). off = position after this
 * entry. */
typedef int (*dirfill_t)(void *ctx, const char *name, size_t len, off_t off, ino_t ino,
			 unsigned type);

/* Operations.  Directory operations get a component of 1..255 bytes without '/', never "." or "..".
 * Permission checks are made by the callers in vfs_lookup.c/vfs_syscalls with vaccess(). */
struct vnodeops {
	int (*vop_lookup)(struct vnode *dir, const char *name, size_t len,
			  struct vnode **); /* held vnode or ENOENT */
	int (*vop_create)(struct vnode *dir, const char *name, size_t len, mode_t mode_with_type,
			  dev_t rdev, const struct cred *,
			  struct vnode **); /* files, dirs, nodes, fifos */
	int (*vop_symlink)(struct vnode *dir, const char *name, size_t len, const char *target,
			   const struct cred *);
	int (*vop_link)(struct vnode *dir, const char *name, size_t len, struct vnode *target);
	int (*vop_unlink)(struct vnode *dir, const char *name, size_t len, bool rmdir);
	int (*vop_rename)(struct vnode *fdir, const char *fname, size_t flen, struct vnode *tdir,
			  const char *tname, size_t tlen,
			  unsigned flags); /* RENAME_NOREPLACE 1, EXCHANGE 2 */
	int (*vop_readdir)(struct vnode *dir, off_t *off, dirfill_t,
			   void *ctx); /* without . and .. ; offs start at 2 */
	int (*vop_readlink)(struct vnode *, char *buf, size_t size,
			    size_t *len); /* not NUL terminated */
	int (*vop_getattr)(struct vnode *, struct stat *);
	int (*vop_setattr)(struct vnode *, const struct vattr *);
	int (*vop_parent)(struct vnode *dir, struct vnode **); /* ".." within this mount */
	/* Regular files: data lives in the object (not held for the caller; NULL: no memory, bad
	 * image); operation NULL for others. */
	struct vm_object *(*vop_object)(struct vnode *);
	/* For devices, fifos, proc files: make the file's operations at open. NULL = regular data
	 * through the object. */
	int (*vop_open)(struct vnode *, struct file *, int flags, struct thread *);
	/* "Magic" links (/proc/PID/exe, fd/N): the vnode itself, held; NULL or EINVAL = ordinary
	 * link. */
	int (*vop_follow)(struct vnode *, struct vnode **);
	int (*vop_name)(struct vnode *, struct vnode *child, char *buf,
			size_t size);         /* name of child in dir, for getcwd */
	void (*vop_inactive)(struct vnode *); /* last reference dropped */
	/* Optional.  A regular file without a name (O_TMPFILE); linkable: may get one later. */
	int (*vop_tmpfile)(struct vnode *dir, mode_t mode, const struct cred *, bool linkable,
			   struct vnode **);
	/* Optional.  Data has been written: new mtime; set-id bits are dropped unless cred may keep
	 * them. */
	void (*vop_modified)(struct vnode *, const struct cred *);
	/* Optional.  Fill in what differs from "an empty file system of this mount's type". */
	int (*vop_statfs)(struct vnode *, struct statfs *);
};

struct vnode {
	uint32_t v_refs;
	mode_t v_type; /* S_IF* */
	const struct vnodeops *v_ops;
	struct mount *v_mount;
	struct vnode *v_covered_by; /* root of a file system mounted here, held */
	void *v_data;
	dev_t v_rdev;
	uint32_t v_execcount; /* > 0: text of running programs, writing is ETXTBSY */
	uint32_t v_writecount;
	uint32_t v_flags; /* V_* */
	uint32_t v_seals; /* F_SEAL_* of a memfd */
	void *v_special;  /* pipe of an open FIFO (fs/fifo.c), socket bound to this name */
	LIST_HEAD(, filelock) v_locks; /* fcntl, OFD and flock locks (vfs_lock.c) */
};
#define V_EMBEDDED 0x1u /* part of a larger node: vop_inactive frees it, not vrele() */
#define V_MEMFD 0x2u    /* made by memfd_create(): has seals */
#define F_SEAL_SEAL 0x1u
#define F_SEAL_SHRINK 0x2u
#define F_SEAL_GROW 0x4u
#define F_SEAL_WRITE 0x8u
#define F_SEAL_FUTURE_WRITE 0x10u
#define F_SEAL_EXEC 0x20u
struct mount {
	struct vnode *mnt_root;
	struct vnode *mnt_covered; /* vnode mounted on, or NULL for the root */
	const char *mnt_type, *mnt_from;
	char mnt_path[64];
	uint32_t mnt_flags;
	dev_t mnt_dev;
	struct mount *mnt_next;
};
extern struct vnode *rootvnode;
extern struct mount *mountlist;

struct vnode *vnode_new(const struct vnodeops *, struct mount *, mode_t type,
			void *data); /* refs 1, or NULL */
void vnode_init(struct vnode *, const struct vnodeops *, struct mount *, mode_t type,
		void *data); /* for a vnode inside a larger node: set V_EMBEDDED as well */
struct vnode *vhold(struct vnode *);
void vrele(struct vnode *);

#define R_OK 4
#define W_OK 2
#define X_OK 1
int vaccess(struct vnode *, int mode, const struct cred *); /* EACCES */
/* May the name of vp be taken out of dvp?  EACCES, EPERM (sticky), EBUSY (something is mounted). */
int vaccess_delete(struct vnode *dvp, struct vnode *vp, const struct cred *);

/* Path lookup. */
#define PATH_MAX 4096 /* with the NUL */
#define NAME_MAX 255
#define NI_FOLLOW 0x1 /* follow a final symlink */
#define NI_PARENT 0x2 /* stop at the parent; last component in ni_name (create, unlink, rename) */
#define NI_KERNEL 0x4 /* path is a kernel string */
#define NI_EMPTY 0x8  /* AT_EMPTY_PATH */
struct nameidata {
	struct vnode *ni_vp;  /* found vnode, held; with NI_PARENT NULL if it does not exist */
	struct vnode *ni_dvp; /* with NI_PARENT: the directory, held */
	char *ni_name;        /* last component, in ni_path */
	size_t ni_namelen;
	bool ni_trailing_slash;
	bool ni_lastdot; /* last component is "." or ".." */
	char *ni_path;   /* kmalloc'd working buffer */
};
int namei(struct thread *, int dirfd, const char *path, unsigned flags, struct nameidata *);
void namei_done(struct nameidata *); /* drops everything in it */
/* Simple forms. */
int lookup_path(struct thread *, const char *kpath, bool follow,
		struct vnode **); /* from the process's root */
/* Absolute path of a vnode (directories exactly; files through their last looked-up name): malloc'd
 * in *out. */
int vnode_path(struct vnode *, char *buf, size_t size);
/* Open a vnode as a file (calls vop_open, checks access, ETXTBSY, O_TRUNC). */
int vn_open(struct thread *, struct vnode *, int flags, struct file **);
/* Find or create, then open; flags as open(2), path from user space unless NI_KERNEL. */
int vfs_openat(struct thread *, int dirfd, const char *path, int flags, mode_t mode, unsigned ni,
	       struct file **);
/* open(2) from inside the kernel. */
int kern_open(struct thread *, int dirfd, const char *kpath, int flags, mode_t mode,
	      struct file **);
/* Read from a regular file into kernel memory; short reads at end: *done. */
int vn_read(struct vnode *, void *kbuf, size_t len, uint64_t off, size_t *done);
int vn_size(struct vnode *, uint64_t *size);
/* Attributes with the fields every file system shares filled in. */
int vn_stat(struct vnode *, struct stat *);
/* New size of a regular file, within seals and RLIMIT_FSIZE (SIGXFSZ). */
int vn_truncate(struct vnode *, uint64_t len, struct thread *);
#define FILE_MAXSIZE ((uint64_t)INT64_MAX & ~PAGE_MASK)
extern const struct fileops vnode_fileops; /* regular files: data of the vnode's object */
extern const struct fileops vnode_dirops;  /* open directories */
extern const struct fileops vnode_pathops; /* O_PATH */
/* mkdir(2) and mknod(2): mode with type, before the umask. */
int vfs_mknodat(struct thread *, int dirfd, const char *path, mode_t mode, dev_t rdev,
		unsigned nflags);
/* The same, and the new node, held. */
int vfs_makenode(struct thread *, int dirfd, const char *path, mode_t mode, dev_t rdev,
		 unsigned nflags, struct vnode **);
/* Create a file with contents (TINE_MSG_PUT), making parents. */
int vn_put(const char *path, const void *data, size_t len, mode_t mode, uid_t uid, gid_t gid);

struct statfs { /* as statfs(2) returns it */
	uint64_t f_type, f_bsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree;
	int32_t f_fsid[2];
	uint64_t f_namelen, f_frsize, f_flags, f_spare[4];
};
_Static_assert(sizeof(struct statfs) == 120, "struct statfs");
#define RENAME_NOREPLACE 1u
#define RENAME_EXCHANGE 2u
dev_t vfs_newdev(void); /* a device number for a file system without a device */
/* Mount root on the directory path; the mount structure is root->v_mount or made here. */
int vfs_mount(const char *path, struct vnode *root, const char *type);

/* Special files found on any file system, by whoever implements them; absent: ENXIO.  As vop_open.
 */
int fifo_open(struct vnode *, struct file *, int flags, struct thread *) __attribute__((weak));
int dev_open(struct vnode *, struct file *, int flags, struct thread *)
    __attribute__((weak)); /* character devices by v_rdev (fs/devfs.c) */
/* Roots of the other file systems (held); weak: what is absent is not mounted. */
struct vnode *devfs_root(void) __attribute__((weak));
struct vnode *procfs_root(void) __attribute__((weak));
struct vnode *ptsfs_root(void) __attribute__((weak));
struct vnode *sysfs_root(void) __attribute__((weak));

void vfs_prepare(void); /* makes /dev, /proc and /sys, which no sandbox has its own of */
void vfs_init(void);    /* mounts root (memfs over the image) and what is prepared */

#endif
