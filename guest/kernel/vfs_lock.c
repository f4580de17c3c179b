/* SPDX-License-Identifier: ISC */
/* vfs_lock.c: advisory locks: fcntl() ranges of processes and open files, flock(). */
#include <sys/kmem.h>
#include <sys/lockf.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vnode.h>

#define NLOCKS_MAX 65536 /* in the system: a program must not fill the kernel with them */

static struct pool lock_pool = POOL_INITIALIZER("filelock", struct filelock);
static unsigned nlocks;

/* Who sleeps for what, to find deadlocks; entries live on the stacks of the sleepers. */
struct lockwait {
	LIST_ENTRY(lockwait) lw_link;
	struct vnode *lw_vnode;
	const struct filelock *lw_req;
};
static LIST_HEAD(, lockwait) lockwaits;

static struct filelock *
lock_alloc(unsigned max)
{
	struct filelock *fl;

	if (nlocks >= max || (fl = pool_get(&lock_pool, 0)) == NULL)
		return NULL;
	nlocks++;
	return fl;
}

static void
lock_free(struct filelock *fl)
{
	if (fl == NULL)
		return;
	nlocks--;
	pool_put(&lock_pool, fl);
}

static void
lock_delete(struct filelock *fl)
{
	LIST_REMOVE(fl, fl_link);
	lock_free(fl);
}

static bool
overlap(const struct filelock *a, const struct filelock *b)
{
	return a->fl_start <= b->fl_end && b->fl_start <= a->fl_end;
}

const struct filelock *
lockf_conflict(struct vnode *vp, const struct filelock *req)
{
	struct filelock *fl;

	LIST_FOREACH (fl, &vp->v_locks, fl_link)
		if (fl->fl_space == req->fl_space && fl->fl_owner != req->fl_owner &&
		    (fl->fl_type == F_WRLCK || req->fl_type == F_WRLCK) && overlap(fl, req))
			return fl;
	return NULL;
}

/*
 * Take [req->start, req->end] away from one lock of the same owner.  The middle of a lock cut out
 * leaves two pieces: the upper one goes into *spare.
 */
static void
lock_cut(struct vnode *vp, struct filelock *fl, const struct filelock *req, struct filelock **spare)
{
	if (fl->fl_start < req->fl_start && fl->fl_end > req->fl_end) {
		struct filelock *upper = *spare;

		KASSERT(upper != NULL); /* locks of one owner are disjoint: one at most is halved */
		*spare = NULL;
		*upper = *fl;
		upper->fl_start = req->fl_end + 1;
		LIST_INSERT_HEAD(&vp->v_locks, upper, fl_link);
		fl->fl_end = req->fl_start - 1;
	} else if (fl->fl_start < req->fl_start) {
		fl->fl_end = req->fl_start - 1;
	} else if (fl->fl_end > req->fl_end) {
		fl->fl_start = req->fl_end + 1;
	} else {
		lock_delete(fl);
	}
}

/* Join new with an equal lock of its owner that touches it, so that lists stay short. */
static void
lock_merge(struct vnode *vp, struct filelock *new)
{
	struct filelock *fl, *next;

	LIST_FOREACH_SAFE (fl, &vp->v_locks, fl_link, next) {
		if (fl == new || fl->fl_owner != new->fl_owner || fl->fl_type != new->fl_type ||
		    fl->fl_space != new->fl_space)
			continue;
		if (fl->fl_end + 1 == new->fl_start)
			new->fl_start = fl->fl_start;
		else if (new->fl_end + 1 == fl->fl_start)
			new->fl_end = fl->fl_end;
		else
			continue;
		lock_delete(fl);
	}
}

/* Nobody objects: make the owner's locks what req says.  Fails before it changes anything. */
static int
lock_apply(struct vnode *vp, const struct filelock *req)
{
	struct filelock *new = NULL, *spare, *fl, *next;

	spare = lock_alloc(NLOCKS_MAX + 1); /* an unlock must not fail for the limit */
	if (spare == NULL || (req->fl_type != F_UNLCK && (new = lock_alloc(NLOCKS_MAX)) == NULL)) {
		lock_free(spare);
		return ENOLCK;
	}
	LIST_FOREACH_SAFE (fl, &vp->v_locks, fl_link, next)
		if (fl->fl_owner == req->fl_owner && fl->fl_space == req->fl_space &&
		    overlap(fl, req))
			lock_cut(vp, fl, req, &spare);
	if (new != NULL) {
		*new = *req;
		LIST_INSERT_HEAD(&vp->v_locks, new, fl_link);
		lock_merge(vp, new);
	}
	lock_free(spare);
	wakeup(&vp->v_locks);
	return 0;
}

/* Whom owner waits for, or NULL.  A sleeper that has been woken and has not run yet is still in the
 * list, but may have nothing to wait for any more: its request says. */
static const void *
waits_for(const void *owner)
{
	const struct filelock *blocker;
	const struct lockwait *lw;

	LIST_FOREACH (lw, &lockwaits, lw_link) {
		if (lw->lw_req->fl_owner != owner)
			continue;
		if ((blocker = lockf_conflict(lw->lw_vnode, lw->lw_req)) != NULL)
			return blocker->fl_owner;
	}
	return NULL;
}

/* Would owner, waiting for blocker, close a circle of waiters? */
static bool
lock_deadlock(const void *owner, const void *blocker)
{
	for (int steps = 0; steps < 64 && blocker != NULL; steps++) {
		if (blocker == owner)
			return true;
		blocker = waits_for(blocker);
	}
	return false;
}

static int
lock_sleep(struct vnode *vp, const struct filelock *req, const struct filelock *blocker)
{
	struct lockwait lw = {.lw_vnode = vp, .lw_req = req};
	bool posix = req->fl_pid != -1;
	int error;

	if (posix && lock_deadlock(req->fl_owner, blocker->fl_owner))
		return EDEADLK;
	if (posix)
		LIST_INSERT_HEAD(&lockwaits, &lw, lw_link);
	error = tsleep(&vp->v_locks, PCATCH, "lockf", 0);
	if (posix)
		LIST_REMOVE(&lw, lw_link);
	return error == EINTR ? ERESTART : error;
}

int
lockf_set(struct vnode *vp, const struct filelock *req, bool wait)
{
	const struct filelock *blocker;
	int error;

	/* A flock() that changes its kind gives up the old lock first: two holders of shared locks
	 * who both want the exclusive one must not wait for each other. */
	if (req->fl_space == LOCK_FLOCK && lockf_conflict(vp, req) != NULL) {
		struct filelock none = *req;

		none.fl_type = F_UNLCK;
		error = lock_apply(vp, &none);
		if (error != 0)
			return error;
	}
	while (req->fl_type != F_UNLCK && (blocker = lockf_conflict(vp, req)) != NULL) {
		if (!wait)
			return EAGAIN;
		error = lock_sleep(vp, req, blocker);
		if (error != 0)
			return error;
	}
	return lock_apply(vp, req);
}

void
lockf_release(struct vnode *vp, const void *owner)
{
	struct filelock *fl, *next;
	bool any = false;

	LIST_FOREACH_SAFE (fl, &vp->v_locks, fl_link, next) {
		if (fl->fl_owner != owner)
			continue;
		lock_delete(fl);
		any = true;
	}
	if (any)
		wakeup(&vp->v_locks);
}

void
lockf_purge(struct vnode *vp)
{
	while (!LIST_EMPTY(&vp->v_locks))
		lock_delete(LIST_FIRST(&vp->v_locks));
}
