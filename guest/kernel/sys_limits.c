/* SPDX-License-Identifier: ISC */
/* sys_limits.c: resource limits and usage. */
#include <sys/limits.h>
#include <sys/proc.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vm.h>

#define RUSAGE_SELF 0
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD 1

/* ---- limits ---- */

static int
rlimit_get(const struct process *ps, uint32_t which, vaddr_t uaddr)
{
	if (which >= RLIM_NLIMITS)
		return EINVAL;
	return copyout(&ps->ps_limit->pl_rlimit[which], (void *)uaddr, sizeof(struct rlimit));
}

SYSCALL(getrlimit)
{
	return rlimit_get(td->td_proc, (uint32_t)a[0], a[1]);
}

SYSCALL(setrlimit)
{
	uint32_t which = (uint32_t)a[0];
	struct rlimit rl;
	int error;

	if (which >= RLIM_NLIMITS)
		return EINVAL;
	if ((error = copyin((const void *)a[1], &rl, sizeof(rl))) != 0)
		return error;
	return lim_set(td, td->td_proc, (int)which, &rl);
}

/* Another process's limits: all its ids must be the caller's. */
static bool
may_limit(const struct thread *td, const struct process *ps)
{
	const struct cred *me = td->td_proc->ps_cred, *cr = ps->ps_cred;

	if (ps == td->td_proc || me->cr_uid == 0)
		return true;
	return me->cr_ruid == cr->cr_uid && me->cr_ruid == cr->cr_ruid &&
	       me->cr_ruid == cr->cr_svuid && me->cr_rgid == cr->cr_gid &&
	       me->cr_rgid == cr->cr_rgid && me->cr_rgid == cr->cr_svgid;
}

SYSCALL(prlimit64)
{
	struct process *ps = (pid_t)a[0] == 0 ? td->td_proc : prfind((pid_t)a[0]);
	uint32_t which = (uint32_t)a[1];
	struct rlimit rl, old;
	int error;

	if (which >= RLIM_NLIMITS)
		return EINVAL;
	if (a[2] != 0 && (error = copyin((const void *)a[2], &rl, sizeof(rl))) != 0)
		return error;
	if (ps == NULL || ps->ps_limit == NULL)
		return ESRCH;
	if (!may_limit(td, ps))
		return EPERM;
	old = ps->ps_limit->pl_rlimit[which];
	if (a[2] != 0 && (error = lim_set(td, ps, (int)which, &rl)) != 0)
		return error;
	return a[3] != 0 ? copyout(&old, (void *)a[3], sizeof(old)) : 0;
}

/* ---- usage ---- */

static void
usage_of_thread(const struct thread *td, struct rusage_acc *ru)
{
	*ru = td->td_ru;
	thread_cputime(td, &ru->utime, &ru->stime);
}

/* The dead threads' usage is in ps_ru; the living ones' is added. */
static void
usage_of_process(const struct process *ps, struct rusage_acc *ru)
{
	const struct thread *t;

	*ru = ps->ps_ru;
	TAILQ_FOREACH (t, &ps->ps_threads, td_link) {
		ru->minflt += t->td_ru.minflt;
		ru->majflt += t->td_ru.majflt;
		ru->nvcsw += t->td_ru.nvcsw;
		ru->nivcsw += t->td_ru.nivcsw;
		ru->inblock += t->td_ru.inblock;
		ru->oublock += t->td_ru.oublock;
		ru->nsignals += t->td_ru.nsignals;
	}
	process_cputime(ps, &ru->utime, &ru->stime);
}

static void
add_maxrss(const struct process *ps, struct rusage_acc *ru)
{
	uint64_t rss = ps->ps_vmspace != NULL ? vmspace_rss(ps->ps_vmspace) : 0;

	if (ps->ps_vmspace != NULL)
		rss = MAX(rss, ps->ps_vmspace->vm_maxrss);
	ru->maxrss = MAX(ru->maxrss, rss);
}

SYSCALL(getrusage)
{
	struct process *ps = td->td_proc;
	struct rusage_acc acc;
	struct rusage ru;

	switch ((int)a[0]) {
	case RUSAGE_SELF:
		usage_of_process(ps, &acc);
		add_maxrss(ps, &acc);
		break;
	case RUSAGE_THREAD:
		usage_of_thread(td, &acc);
		add_maxrss(ps, &acc);
		break;
	case RUSAGE_CHILDREN:
		acc = ps->ps_cru;
		break;
	default:
		return EINVAL;
	}
	rusage_export(&acc, &ru);
	return copyout(&ru, (void *)a[1], sizeof(ru));
}
