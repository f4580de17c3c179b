/* SPDX-License-Identifier: ISC */
/* kern_atfork.c: the list of functions that run at every fork (FreeBSD's at_fork). */
#include <sys/atfork.h>
#include <sys/kmem.h>
#include <sys/queue.h>
#include <sys/systm.h>

struct forklist {
	TAILQ_ENTRY(forklist) fl_link;
	forklist_fn fl_function;
};

static TAILQ_HEAD(, forklist) fork_list = TAILQ_HEAD_INITIALIZER(fork_list);
uint64_t atfork_hooks, atfork_calls;

int
at_fork(forklist_fn function)
{
	struct forklist *fl;

#ifdef TINE_DEBUG
	if (rm_at_fork(function) != 0)
		kprintf(LOG_WARNING, "at_fork: %p was registered already", (void *)function);
#endif
	if ((fl = kmalloc(sizeof(*fl), 0)) == NULL)
		return ENOMEM;
	fl->fl_function = function;
	TAILQ_INSERT_TAIL(&fork_list, fl, fl_link);
	atfork_hooks++;
	return 0;
}

int
rm_at_fork(forklist_fn function)
{
	struct forklist *fl, *next;
	int removed = 0;

	TAILQ_FOREACH_SAFE (fl, &fork_list, fl_link, next) {
		if (fl->fl_function != function)
			continue;
		TAILQ_REMOVE(&fork_list, fl, fl_link);
		kfree(fl);
		removed++;
	}
	atfork_hooks -= (uint64_t)removed;
	return removed;
}

void
atfork_run(struct process *parent, struct process *child, uint32_t flags)
{
	struct forklist *fl, *next;

	TAILQ_FOREACH_SAFE (fl, &fork_list, fl_link, next) {
		atfork_calls++;
		fl->fl_function(parent, child, flags);
	}
}
