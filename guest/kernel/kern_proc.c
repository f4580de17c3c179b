/* SPDX-License-Identifier: ISC */
/* kern_proc.c: finding processes; process groups, sessions and the family tree. */
#include <sys/kmem.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/tty.h>
#include <machine/stats.h>

#define NHASH_FIRST 128u /* a page */
#define NHASH_MAX 32768u

LIST_HEAD(thread_list, thread);
LIST_HEAD(pgrp_list, pgrp);
LIST_HEAD(session_list, session);

struct process_list allprocess, zombprocess;
/* Of all that bears a number, by the number: a process, its first thread and the group and session
 * that it leads bear the same, and so enter themselves in one page.  It grows with the number of
 * threads: most sandboxes have few, and the page that these need is one that every clone has. */
static struct idhash {
	struct process_list processes;
	struct thread_list threads;
	struct pgrp_list pgrps;
	struct session_list sessions;
} idhash_first[NHASH_FIRST] __aligned(PAGE_SIZE) __large_bss, *idhash = idhash_first;
static uint32_t nidhash = NHASH_FIRST; /* a power of two */
static struct pool pgrp_pool = POOL_INITIALIZER("pgrp", struct pgrp);
static struct pool session_pool = POOL_INITIALIZER("session", struct session);
struct process *initproc;

/* ---- lookup ---- */

static struct idhash *
id_bucket(pid_t id)
{
	return &idhash[(uint32_t)id & (nidhash - 1)];
}

struct process *
zprfind(pid_t pid)
{
	struct process *ps;

	LIST_FOREACH (ps, &id_bucket(pid)->processes, ps_hash)
		if (ps->ps_pid == pid)
			return ps;
	return NULL;
}

struct process *
prfind(pid_t pid)
{
	struct process *ps = zprfind(pid);

	return ps != NULL && !(ps->ps_flags & PS_ZOMBIE) ? ps : NULL;
}

struct thread *
tfind(pid_t tid)
{
	struct thread *td;

	LIST_FOREACH (td, &id_bucket(tid)->threads, td_hash)
		if (td->td_tid == tid)
			return td;
	return NULL;
}

struct pgrp *
pgfind(pid_t pgid)
{
	struct pgrp *pg;

	LIST_FOREACH (pg, &id_bucket(pgid)->pgrps, pg_hash)
		if (pg->pg_id == pgid)
			return pg;
	return NULL;
}

struct session *
session_find(pid_t sid)
{
	struct session *s;

	LIST_FOREACH (s, &id_bucket(sid)->sessions, s_hash)
		if (s->s_sid == sid)
			return s;
	return NULL;
}

void
process_hash(struct process *ps)
{
	LIST_INSERT_HEAD(&allprocess, ps, ps_list);
	LIST_INSERT_HEAD(&id_bucket(ps->ps_pid)->processes, ps, ps_hash);
}

static void
bucket_move(struct idhash *from)
{
	struct process *ps;
	struct thread *td;
	struct pgrp *pg;
	struct session *s;

	while ((ps = LIST_FIRST(&from->processes)) != NULL) {
		LIST_REMOVE(ps, ps_hash);
		LIST_INSERT_HEAD(&id_bucket(ps->ps_pid)->processes, ps, ps_hash);
	}
	while ((td = LIST_FIRST(&from->threads)) != NULL) {
		LIST_REMOVE(td, td_hash);
		LIST_INSERT_HEAD(&id_bucket(td->td_tid)->threads, td, td_hash);
	}
	while ((pg = LIST_FIRST(&from->pgrps)) != NULL) {
		LIST_REMOVE(pg, pg_hash);
		LIST_INSERT_HEAD(&id_bucket(pg->pg_id)->pgrps, pg, pg_hash);
	}
	while ((s = LIST_FIRST(&from->sessions)) != NULL) {
		LIST_REMOVE(s, s_hash);
		LIST_INSERT_HEAD(&id_bucket(s->s_sid)->sessions, s, s_hash);
	}
}

/* Without memory for a larger one it stays as it is, and only slower. */
static void
idhash_grow(void)
{
	struct idhash *old = idhash, *larger;
	uint32_t nold = nidhash;

	larger = kmalloc(4 * nold * sizeof(*old), M_ZERO);
	if (larger == NULL)
		return;
	idhash = larger;
	nidhash = 4 * nold;
	for (uint32_t i = 0; i < nold; i++)
		bucket_move(&old[i]);
	if (old != idhash_first)
		kfree(old);
}

void
thread_hash(struct thread *td)
{
	if ((uint32_t)nthreads > 2 * nidhash && nidhash < NHASH_MAX)
		idhash_grow();
	LIST_INSERT_HEAD(&id_bucket(td->td_tid)->threads, td, td_hash);
}

/* ---- references to the structure ---- */

void
process_hold(struct process *ps)
{
	ps->ps_refs++;
}

void
process_release(struct process *ps)
{
	KASSERT(ps->ps_refs > 0);
	if (--ps->ps_refs == 0)
		process_free(ps);
}

/* ---- groups and sessions ---- */

struct session *
session_of(const struct process *ps)
{
	return ps->ps_pgrp->pg_session;
}

static void
session_release(struct session *s)
{
	pid_t sid = s->s_sid;

	if (--s->s_refs > 0)
		return;
	if (s->s_tty != NULL)
		tty_release(s->s_tty);
	LIST_REMOVE(s, s_hash);
	pool_put(&session_pool, s);
	pid_release(sid);
}

static struct session *
session_new(struct process *leader)
{
	struct session *s = pool_get(&session_pool, M_ZERO);

	if (s == NULL)
		return NULL;
	s->s_sid = leader->ps_pid;
	s->s_leader = leader;
	LIST_INSERT_HEAD(&id_bucket(s->s_sid)->sessions, s, s_hash);
	return s;
}

/* Take ps out of its group; the last member frees the group, the last group its session. */
void
leavepgrp(struct process *ps)
{
	struct pgrp *pg = ps->ps_pgrp;
	struct session *s;
	pid_t pgid;

	LIST_REMOVE(ps, ps_pglist);
	ps->ps_pgrp = NULL;
	if (!LIST_EMPTY(&pg->pg_members))
		return;
	pgid = pg->pg_id;
	s = pg->pg_session;
	LIST_REMOVE(pg, pg_hash);
	pool_put(&pgrp_pool, pg);
	pid_release(pgid);
	session_release(s);
}

/* Put ps into group pgid, which is made if it does not exist (then pgid is ps's own pid); with
 * newsession also a session.  ps may not be in any group yet.  ENOMEM. */
int
enterpgrp(struct process *ps, pid_t pgid, bool newsession)
{
	struct pgrp *pg = pgfind(pgid), *old = ps->ps_pgrp;

	KASSERT(!newsession || pg == NULL);
	if (pg == old && pg != NULL)
		return 0;
	if (pg == NULL) {
		struct session *s = NULL;

		if ((pg = pool_get(&pgrp_pool, M_ZERO)) == NULL)
			return ENOMEM;
		if (newsession && (s = session_new(ps)) == NULL) {
			pool_put(&pgrp_pool, pg);
			return ENOMEM;
		}
		pg->pg_session = newsession ? s : old->pg_session;
		pg->pg_session->s_refs++;
		pg->pg_id = pgid;
		LIST_INIT(&pg->pg_members);
		LIST_INSERT_HEAD(&id_bucket(pgid)->pgrps, pg, pg_hash);
	}
	if (old != NULL)
		leavepgrp(ps);
	ps->ps_pgrp = pg;
	LIST_INSERT_HEAD(&pg->pg_members, ps, ps_pglist);
	return 0;
}

int
setsid_process(struct process *ps, pid_t *sidp)
{
	int error;

	if (pgfind(ps->ps_pid) != NULL || session_find(ps->ps_pid) != NULL)
		return EPERM;
	if ((error = enterpgrp(ps, ps->ps_pid, true)) != 0)
		return error;
	ps->ps_flags &= ~PS_CONTROLT;
	*sidp = ps->ps_pid;
	return 0;
}

/* Nobody outside the group but in its session is a parent of a member: nobody can continue it. */
bool
isorphaned(struct pgrp *pg)
{
	struct process *ps;

	LIST_FOREACH (ps, &pg->pg_members, ps_pglist) {
		struct process *pp = ps->ps_pptr;

		if (ps->ps_flags & PS_ZOMBIE || pp == NULL || pp->ps_pgrp == NULL)
			continue;
		if (pp->ps_pgrp != pg && session_of(pp) == pg->pg_session)
			return false;
	}
	return true;
}

void
reparent(struct process *child, struct process *parent)
{
	if (child->ps_pptr == parent)
		return;
	LIST_REMOVE(child, ps_sibling);
	LIST_INSERT_HEAD(&parent->ps_children, child, ps_sibling);
	child->ps_pptr = parent;
}

/* A reaped process leaves every list; its pid becomes free unless a group or session is named by
 * it. */
void
process_unhash(struct process *ps)
{
	LIST_REMOVE(ps, ps_list);
	LIST_REMOVE(ps, ps_hash);
	LIST_REMOVE(ps, ps_sibling);
	leavepgrp(ps);
	pid_release(ps->ps_pid);
}

uint64_t
process_cputime(const struct process *ps, nsec_t *utime, nsec_t *stime)
{
	nsec_t u = ps->ps_ru.utime, s = ps->ps_ru.stime;
	const struct thread *td;

	TAILQ_FOREACH (td, &ps->ps_threads, td_link) {
		nsec_t tu, ts;

		thread_cputime(td, &tu, &ts);
		u += tu;
		s += ts;
	}
	if (utime != NULL)
		*utime = u;
	if (stime != NULL)
		*stime = s;
	return u + s;
}
