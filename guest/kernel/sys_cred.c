/* SPDX-License-Identifier: ISC */
/* sys_cred.c: reading and changing user and group ids. */
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>

#define NOID (~0u) /* -1: leave as it is */

#define CRED(td) ((td)->td_proc->ps_cred)

/* ---- reading ---- */

SYSCALL(getuid)
{
	*retval = CRED(td)->cr_ruid;
	return 0;
}

SYSCALL(geteuid)
{
	*retval = CRED(td)->cr_uid;
	return 0;
}

SYSCALL(getgid)
{
	*retval = CRED(td)->cr_rgid;
	return 0;
}

SYSCALL(getegid)
{
	*retval = CRED(td)->cr_gid;
	return 0;
}

static int
copyout_ids(const uint64_t *a, uint32_t r, uint32_t e, uint32_t s)
{
	uint32_t ids[3] = {r, e, s};
	int error = 0;

	for (int i = 0; i < 3 && error == 0; i++)
		error = copyout(&ids[i], (void *)a[i], sizeof(ids[i]));
	return error;
}

SYSCALL(getresuid)
{
	const struct cred *cr = CRED(td);

	return copyout_ids(a, cr->cr_ruid, cr->cr_uid, cr->cr_svuid);
}

SYSCALL(getresgid)
{
	const struct cred *cr = CRED(td);

	return copyout_ids(a, cr->cr_rgid, cr->cr_gid, cr->cr_svgid);
}

/* ---- changing: on a copy, which then becomes the process's ---- */

/* A process whose ids have changed may hold secrets of both. */
static void
cred_install(struct process *ps, struct cred *new)
{
	struct cred *old = ps->ps_cred;

	if (new->cr_uidinfo != old->cr_uidinfo) {
		chgproccnt(old->cr_uidinfo, -1, 0);
		chgproccnt(new->cr_uidinfo, 1, 0);
	}
	if (new->cr_uid != old->cr_uid || new->cr_gid != old->cr_gid ||
	    new->cr_fsuid != old->cr_fsuid || new->cr_fsgid != old->cr_fsgid) {
		ps->ps_dumpable_off = 1;
		ps->ps_flags |= PS_SUGID;
	}
	ps->ps_cred = new;
	crfree(old);
}

/* The file system id follows the effective one. */
static int
set_uids(struct process *ps, uid_t r, uid_t e, uid_t s)
{
	struct cred *cr = crcopy(ps->ps_cred);
	int error;

	if (cr == NULL)
		return ENOMEM;
	if (r != cr->cr_ruid && (error = cr_setruid(cr, r)) != 0) {
		crfree(cr);
		return error;
	}
	cr->cr_uid = cr->cr_fsuid = e;
	cr->cr_svuid = s;
	cred_install(ps, cr);
	return 0;
}

static int
set_gids(struct process *ps, gid_t r, gid_t e, gid_t s)
{
	struct cred *cr = crcopy(ps->ps_cred);

	if (cr == NULL)
		return ENOMEM;
	cr->cr_rgid = r;
	cr->cr_gid = cr->cr_fsgid = e;
	cr->cr_svgid = s;
	cred_install(ps, cr);
	return 0;
}

SYSCALL(setuid)
{
	const struct cred *cr = CRED(td);
	uid_t uid = (uid_t)a[0];

	if (uid == NOID)
		return EINVAL;
	if (cr->cr_uid == 0)
		return set_uids(td->td_proc, uid, uid, uid);
	if (uid != cr->cr_ruid && uid != cr->cr_svuid)
		return EPERM;
	return set_uids(td->td_proc, cr->cr_ruid, uid, cr->cr_svuid);
}

SYSCALL(setgid)
{
	const struct cred *cr = CRED(td);
	gid_t gid = (gid_t)a[0];

	if (gid == NOID)
		return EINVAL;
	if (cr->cr_uid == 0)
		return set_gids(td->td_proc, gid, gid, gid);
	if (gid != cr->cr_rgid && gid != cr->cr_svgid)
		return EPERM;
	return set_gids(td->td_proc, cr->cr_rgid, gid, cr->cr_svgid);
}

/* POSIX: the saved id becomes the new effective one if the real one is set, or the effective one is
 * set to something else than the real one was. */
SYSCALL(setreuid)
{
	const struct cred *cr = CRED(td);
	uid_t r = (uid_t)a[0], e = (uid_t)a[1], oldr = cr->cr_ruid;
	bool root = cr->cr_uid == 0;

	if (r != NOID && !root && r != oldr && r != cr->cr_uid)
		return EPERM;
	if (e != NOID && !root && e != oldr && e != cr->cr_uid && e != cr->cr_svuid)
		return EPERM;
	uid_t newr = r != NOID ? r : oldr, newe = e != NOID ? e : cr->cr_uid;
	bool save = r != NOID || (e != NOID && e != oldr);

	return set_uids(td->td_proc, newr, newe, save ? newe : cr->cr_svuid);
}

SYSCALL(setregid)
{
	const struct cred *cr = CRED(td);
	gid_t r = (gid_t)a[0], e = (gid_t)a[1], oldr = cr->cr_rgid;
	bool root = cr->cr_uid == 0;

	if (r != NOID && !root && r != oldr && r != cr->cr_gid)
		return EPERM;
	if (e != NOID && !root && e != oldr && e != cr->cr_gid && e != cr->cr_svgid)
		return EPERM;
	gid_t newr = r != NOID ? r : oldr, newe = e != NOID ? e : cr->cr_gid;
	bool save = r != NOID || (e != NOID && e != oldr);

	return set_gids(td->td_proc, newr, newe, save ? newe : cr->cr_svgid);
}

/* May an unprivileged process set one of its ids to id: only to one it has. */
static bool
id_allowed(uint32_t id, uint32_t r, uint32_t e, uint32_t s)
{
	return id == NOID || id == r || id == e || id == s;
}

SYSCALL(setresuid)
{
	const struct cred *cr = CRED(td);
	uid_t want[3], cur[3] = {cr->cr_ruid, cr->cr_uid, cr->cr_svuid};

	for (int i = 0; i < 3; i++) {
		want[i] = (uid_t)a[i];
		if (cr->cr_uid != 0 && !id_allowed(want[i], cur[0], cur[1], cur[2]))
			return EPERM;
		if (want[i] == NOID)
			want[i] = cur[i];
	}
	return set_uids(td->td_proc, want[0], want[1], want[2]);
}

SYSCALL(setresgid)
{
	const struct cred *cr = CRED(td);
	gid_t want[3], cur[3] = {cr->cr_rgid, cr->cr_gid, cr->cr_svgid};

	for (int i = 0; i < 3; i++) {
		want[i] = (gid_t)a[i];
		if (cr->cr_uid != 0 && !id_allowed(want[i], cur[0], cur[1], cur[2]))
			return EPERM;
		if (want[i] == NOID)
			want[i] = cur[i];
	}
	return set_gids(td->td_proc, want[0], want[1], want[2]);
}

/* setfsuid and setfsgid say what was before and never that they failed. */
SYSCALL(setfsuid)
{
	struct cred *cr = CRED(td);
	uid_t uid = (uid_t)a[0];

	*retval = cr->cr_fsuid;
	if (uid == NOID || uid == cr->cr_fsuid ||
	    (cr->cr_uid != 0 && !id_allowed(uid, cr->cr_ruid, cr->cr_uid, cr->cr_svuid)))
		return 0;
	if ((cr = crcopy(cr)) != NULL) {
		cr->cr_fsuid = uid;
		cred_install(td->td_proc, cr);
	}
	return 0;
}

SYSCALL(setfsgid)
{
	struct cred *cr = CRED(td);
	gid_t gid = (gid_t)a[0];

	*retval = cr->cr_fsgid;
	if (gid == NOID || gid == cr->cr_fsgid ||
	    (cr->cr_uid != 0 && !id_allowed(gid, cr->cr_rgid, cr->cr_gid, cr->cr_svgid)))
		return 0;
	if ((cr = crcopy(cr)) != NULL) {
		cr->cr_fsgid = gid;
		cred_install(td->td_proc, cr);
	}
	return 0;
}

/* ---- supplementary groups ---- */

SYSCALL(getgroups)
{
	const struct cred *cr = CRED(td);
	int size = (int)a[0];

	if (size < 0)
		return EINVAL;
	*retval = cr->cr_ngroups;
	if (size == 0)
		return 0;
	if ((uint32_t)size < cr->cr_ngroups)
		return EINVAL;
	return copyout(cr->cr_groups, (void *)a[1], cr->cr_ngroups * sizeof(gid_t));
}

SYSCALL(setgroups)
{
	struct process *ps = td->td_proc;
	struct cred *cr;
	int error;

	if (!suser(td))
		return EPERM;
	if (a[0] > NGROUPS_MAX)
		return EINVAL;
	if ((cr = crcopy(ps->ps_cred)) == NULL)
		return ENOMEM;
	cr->cr_ngroups = (uint32_t)a[0];
	error = copyin((const void *)a[1], cr->cr_groups, a[0] * sizeof(gid_t));
	if (error != 0) {
		crfree(cr);
		return error;
	}
	cred_install(ps, cr);
	return 0;
}
