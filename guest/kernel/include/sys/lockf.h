/* SPDX-License-Identifier: ISC */
/* lockf.h: advisory locks on vnodes: fcntl ranges (of processes and of open files), flock
 * (vfs_lock.c). */
#ifndef SYS_LOCKF_H
#define SYS_LOCKF_H

#include <sys/types.h>
#include <sys/queue.h>

struct vnode;

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#define LOCK_END ((uint64_t)INT64_MAX) /* last offset: to the end of the file, wherever that is */

enum lock_space { LOCK_RANGE, LOCK_FLOCK }; /* the two kinds do not see each other */

struct filelock {
	LIST_ENTRY(filelock) fl_link; /* v_locks */
	const void *fl_owner;         /* struct filedesc (POSIX) or struct file (OFD, flock) */
	uint64_t fl_start, fl_end;    /* inclusive */
	pid_t fl_pid;                 /* who asked; -1 for locks of open files */
	uint8_t fl_type;              /* F_RDLCK, F_WRLCK */
	uint8_t fl_space;             /* enum lock_space */
};

/*
 * Set (or with F_UNLCK clear) *req's range for its owner, replacing what the owner holds there.
 * wait: sleep while others conflict.  EAGAIN, EINTR, EDEADLK (POSIX owners only), ENOLCK.
 */
int lockf_set(struct vnode *, const struct filelock *req, bool wait);
/* First lock of somebody else that would stop *req, or NULL. */
const struct filelock *lockf_conflict(struct vnode *, const struct filelock *req);
void lockf_release(struct vnode *, const void *owner); /* all locks of the owner */
void lockf_purge(struct vnode *);                      /* the vnode goes away */

#endif
