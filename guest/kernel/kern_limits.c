/* SPDX-License-Identifier: ISC */
/* kern_limits.c: resource limits, shared by fork and copied before a change. */
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/limits.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>

static struct pool plimit_pool = POOL_INITIALIZER("plimit", struct plimit);

struct plimit *
lim_hold(struct plimit *pl)
{
	pl->pl_refs++;
	return pl;
}

void
lim_free(struct plimit *pl)
{
	if (--pl->pl_refs == 0)
		pool_put(&plimit_pool, pl);
}

struct plimit *
lim_copy(const struct plimit *from)
{
	struct plimit *pl = pool_get(&plimit_pool, 0);

	if (pl == NULL)
		return NULL;
	memcpy(pl, from, sizeof(*pl));
	pl->pl_refs = 1;
	pl->pl_flags = 0;
	return pl;
}

/* As a Linux system sets them; what is not named is unlimited. */
struct plimit *
lim_boot(void)
{
	static const struct {
		int which;
		struct rlimit rl;
	} defaults[] = {
	    {RLIMIT_STACK, {8UL << 20, RLIM_INFINITY}},
	    {RLIMIT_CORE, {0, RLIM_INFINITY}},
	    {RLIMIT_NOFILE, {1024, 1UL << 18}},
	    {RLIMIT_MEMLOCK, {8UL << 20, 8UL << 20}},
	    {RLIMIT_SIGPENDING, {4096, 4096}},
	    {RLIMIT_MSGQUEUE, {819200, 819200}},
	    {RLIMIT_NICE, {0, 0}},
	    {RLIMIT_RTPRIO, {0, 0}},
	};
	struct plimit *pl = pool_get(&plimit_pool, M_ZERO | M_NOFAIL);

	pl->pl_refs = 1;
	for (int i = 0; i < RLIM_NLIMITS; i++)
		pl->pl_rlimit[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
	for (size_t i = 0; i < nitems(defaults); i++)
		pl->pl_rlimit[defaults[i].which] = defaults[i].rl;
	return pl;
}

static int
lim_check(const struct thread *td, int which, const struct rlimit *old, const struct rlimit *new)
{
	if (new->rlim_cur > new->rlim_max)
		return EINVAL;
	if (new->rlim_max > old->rlim_max && !suser(td))
		return EPERM;
	if (which == RLIMIT_NOFILE && new->rlim_max > NOFILE_MAX)
		return EPERM;
	return 0;
}

/* One process's change is seen by the others only if they share their limits on purpose. */
static int
lim_unshare(struct process *ps)
{
	struct plimit *pl = ps->ps_limit;

	if (pl->pl_refs == 1 || pl->pl_flags & PL_SHAREMOD)
		return 0;
	if ((pl = lim_copy(pl)) == NULL)
		return ENOMEM;
	lim_free(ps->ps_limit);
	ps->ps_limit = pl;
	return 0;
}

int
lim_set(struct thread *td, struct process *ps, int which, const struct rlimit *new)
{
	int error = lim_check(td, which, &ps->ps_limit->pl_rlimit[which], new);

	if (error != 0 || (error = lim_unshare(ps)) != 0)
		return error;
	ps->ps_limit->pl_rlimit[which] = *new;
	if (which == RLIMIT_CPU)
		clock_reprogram(); /* it is enforced by ticks */
	return 0;
}
