/* SPDX-License-Identifier: ISC */
/* file.h: open files and descriptor tables (kern_descrip.c). */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include <sys/types.h>
#include <sys/poll.h>

#define O_RDONLY 0
#define O_WRONLY 1
#define O_RDWR 2
#define O_ACCMODE 3
#define O_CREAT 0100
#define O_EXCL 0200
#define O_NOCTTY 0400
#define O_TRUNC 01000
#define O_APPEND 02000
#define O_NONBLOCK 04000
#define O_DSYNC 010000
#define O_ASYNC 020000
#define O_DIRECT 040000
#define O_LARGEFILE 0100000
#define O_DIRECTORY 0200000
#define O_NOFOLLOW 0400000
#define O_NOATIME 01000000
#define O_CLOEXEC 02000000
#define O_SYNC 04010000
#define O_PATH 010000000
#define O_TMPFILE 020200000
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define SEEK_DATA 3
#define SEEK_HOLE 4
#define AT_FDCWD (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_REMOVEDIR 0x200
#define AT_EACCESS 0x200
#define AT_SYMLINK_FOLLOW 0x400
#define AT_NO_AUTOMOUNT 0x800
#define AT_EMPTY_PATH 0x1000

struct epitem;
struct thread;
struct process;
struct file;
struct vnode;
struct stat;
struct vm_object;

/* Data in transit: a list of user (or kernel) ranges. */
struct iovec {
	void *iov_base;
	size_t iov_len;
};
struct uio {
	struct iovec *uio_iov;
	int uio_iovcnt;
	size_t uio_resid; /* bytes left */
	off_t uio_offset; /* position in the file; updated */
	bool uio_write;   /* data goes to the file */
	bool uio_kernel;  /* iov_base are kernel addresses */
};
/* Move up to n bytes between kbuf and the uio; 0 or EFAULT. */
int uiomove(void *kbuf, size_t n, struct uio *uio);
#define UIO_MAXIOV 1024
#define UIO_FASTIOV 8
#define RW_MAX 0x7ffff000UL /* bytes one call moves at most, as on Linux */
/*
 * Fetch a program's iovec array into fast (UIO_FASTIOV entries) or kmalloc'd memory and make a uio
 * of it; the caller ends with uio_iov_free().  EINVAL, EFAULT, ENOMEM.
 */
int uio_iov_copyin(vaddr_t uiov, uint64_t cnt, bool write, struct iovec *fast, struct iovec **base,
		   struct uio *uio);
#define uio_iov_free(base, fast) ((base) != (fast) ? kfree(base) : (void)0)
/* One user range as a uio. */
static inline void
uio_user(struct uio *uio, struct iovec *iov, vaddr_t addr, size_t len, bool write)
{
	iov->iov_base = (void *)addr;
	iov->iov_len = MIN(len, RW_MAX);
	*uio = (struct uio){
	    .uio_iov = iov, .uio_iovcnt = 1, .uio_resid = iov->iov_len, .uio_write = write};
}

struct fileops {
	/* Positions: uio_offset is used and updated; for plain read/write the caller passes and
	 * stores f_offset. */
	int (*fo_read)(struct file *, struct uio *, struct thread *);
	int (*fo_write)(struct file *, struct uio *, struct thread *);
	int (*fo_ioctl)(struct file *, unsigned long cmd, vaddr_t arg, struct thread *,
			long *retval);
	int (*fo_poll)(struct file *, int events,
		       struct pollctx *); /* ready events; registers with poll_record */
	int (*fo_stat)(struct file *, struct stat *);
	int (*fo_seek)(struct file *, off_t off, int whence, off_t *newoff);
	/* Returns held object (and vnode); what the mapping may ever be can be narrowed. */
	int (*fo_mmap)(struct file *, int prot, int flags, uint64_t off, int *maxprot,
		       struct vm_object **, struct vnode **);
	int (*fo_truncate)(struct file *, off_t len);
	void (*fo_close)(struct file *); /* last reference */
	const char *fo_name;             /* "pipe", "vnode", ... */
};

struct file {
	uint32_t f_refs;
	uint32_t f_flags; /* O_* status flags with access mode */
	const struct fileops *f_ops;
	void *f_data;
	struct vnode *f_vnode; /* referenced, or NULL */
	off_t f_offset;
	uint64_t f_id; /* number for /proc/PID/fd of anonymous things */
	pid_t f_owner; /* F_SETOWN */
	uint32_t f_seals;
	uint32_t f_gen; /* FIFO, terminal: which generation of the thing this file was opened in */
	struct epitem *f_epitems; /* epoll registrations; file_release: epoll_file_gone() if any */
};
#define f_readable(fp) (((fp)->f_flags & O_ACCMODE) != O_WRONLY && !((fp)->f_flags & O_PATH))
#define f_writable(fp) (((fp)->f_flags & O_ACCMODE) != O_RDONLY && !((fp)->f_flags & O_PATH))

struct fdent {
	struct file *fde_file;
	uint8_t fde_flags; /* FD_CLOEXEC */
};
#define FD_CLOEXEC 1
struct filedesc {
	uint32_t fd_refs;
	int fd_nfiles;   /* allocated entries */
	int fd_freehint; /* lowest descriptor that can be free */
	int fd_lasthint; /* highest open + 1 at most */
	struct fdent *fd_ents;
};
struct fsinfo {
	uint32_t fs_refs;
	struct vnode *fs_cwd, *fs_root; /* referenced */
	mode_t fs_umask;
};

struct file *file_alloc(const struct fileops *, int flags, void *data); /* refs 1, or NULL */
struct file *file_hold(struct file *);
void file_release(struct file *); /* last one calls fo_close and frees */
/* The last reference of a watched file is going: forget it everywhere (sys_epoll.c). */
void epoll_file_gone(struct file *);

/* Unix-domain sockets that a message in some queue refers to, and the search for those that can no
 * longer be received (net/sock_rights.c). */
extern uint32_t sockets_inflight;
void rights_collect(void) __attribute__((weak));

struct filedesc *fd_new(void);
struct filedesc *fd_copy(struct filedesc *); /* open files shared; or NULL (no memory) */
struct filedesc *fd_share(struct filedesc *);
void fd_release(struct filedesc *); /* last one closes all */
void fd_closeexec(struct filedesc *);
struct fsinfo *fsinfo_copy(struct fsinfo *);
struct fsinfo *fsinfo_share(struct fsinfo *);
void fsinfo_release(struct fsinfo *);
struct fsinfo *fsinfo_boot(void);

/* Look a descriptor up in the current process: held file or EBADF. */
int getfile(struct thread *, int fd, struct file **);
/* Lowest free descriptor >= min for fp (takes over the caller's reference on success): EMFILE,
 * ENOMEM. */
int fd_install(struct process *, struct file *, int min, int fdflags, int *fdp);
/* dup2: put fp (reference taken over) at exactly fd, closing what was there. */
int fd_install_at(struct process *, struct file *, int fd, int fdflags);
int fd_close(struct process *, int fd);
#define NOFILE_MAX (1 << 18)      /* descriptors of a process, whatever its limit says */
extern uint64_t nfiles, maxfiles; /* open files in the system, and how many there may be */
/* fo_seek of anything whose size vn_stat() knows. */
int vnode_seek(struct file *, off_t off, int whence, off_t *newoff);
/* Capacity of a pipe in bytes, or -errno; newsize -1 just asks (fs/pipe.c). */
long pipe_size(struct file *, int newsize) __attribute__((weak));

#endif
