/* SPDX-License-Identifier: ISC */
/* sys_rename.c: rename, renameat, renameat2. */
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vnode.h>

/* What the two names themselves rule out, in the order in which programs see the errors. */
static int
check_rename_names(const struct nameidata *from, const struct nameidata *to, unsigned flags)
{
	if (from->ni_dvp->v_mount != to->ni_dvp->v_mount)
		return EXDEV;
	if (from->ni_lastdot)
		return EBUSY;
	if (to->ni_lastdot)
		return flags & RENAME_NOREPLACE ? EEXIST : EBUSY;
	if (from->ni_vp == NULL)
		return ENOENT;
	if (flags & RENAME_NOREPLACE && to->ni_vp != NULL)
		return EEXIST;
	if (flags & RENAME_EXCHANGE) {
		if (to->ni_vp == NULL)
			return ENOENT;
		if (to->ni_trailing_slash && !S_ISDIR(to->ni_vp->v_type))
			return ENOTDIR;
	}
	if (!S_ISDIR(from->ni_vp->v_type) &&
	    (from->ni_trailing_slash || (to->ni_trailing_slash && !(flags & RENAME_EXCHANGE))))
		return ENOTDIR;
	return 0;
}

static int
check_rename(struct thread *td, const struct nameidata *from, const struct nameidata *to,
	     unsigned flags)
{
	const struct cred *cr = td->td_proc->ps_cred;
	int error = check_rename_names(from, to, flags);

	if (error == 0)
		error = vaccess_delete(from->ni_dvp, from->ni_vp, cr);
	if (error == 0)
		error = to->ni_vp != NULL ? vaccess_delete(to->ni_dvp, to->ni_vp, cr)
					  : vaccess(to->ni_dvp, W_OK | X_OK, cr);
	/* A directory that moves gets a new "..": it must be writable itself. */
	if (error == 0 && S_ISDIR(from->ni_vp->v_type) && from->ni_dvp != to->ni_dvp)
		error = vaccess(from->ni_vp, W_OK, cr);
	if (error == 0 && from->ni_dvp->v_ops->vop_rename == NULL)
		error = EPERM;
	return error;
}

static int
do_rename(struct thread *td, int fromfd, vaddr_t frompath, int tofd, vaddr_t topath, unsigned flags)
{
	struct nameidata from, to;
	int error;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return EINVAL;
	error = namei(td, fromfd, (const char *)frompath, NI_PARENT, &from);
	if (error != 0)
		return error;
	error = namei(td, tofd, (const char *)topath, NI_PARENT, &to);
	if (error == 0) {
		error = check_rename(td, &from, &to, flags);
		if (error == 0)
			error = from.ni_dvp->v_ops->vop_rename(from.ni_dvp, from.ni_name,
							       from.ni_namelen, to.ni_dvp,
							       to.ni_name, to.ni_namelen, flags);
		namei_done(&to);
	}
	namei_done(&from);
	return error;
}

SYSCALL(rename)
{
	return do_rename(td, AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

SYSCALL(renameat)
{
	return do_rename(td, (int)a[0], a[1], (int)a[2], a[3], 0);
}

SYSCALL(renameat2)
{
	return do_rename(td, (int)a[0], a[1], (int)a[2], a[3], (unsigned)a[4]);
}
