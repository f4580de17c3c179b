/* SPDX-License-Identifier: ISC */
/* counts.c: what the kernel has counted in a round, against what the processes have. */
#include "stress_fork.h"

void
look(struct snapshot *sn)
{
	sn->st = stats();
	sn->objects = var("kern.objects");
	sn->frames = var("vm.frames_free");
}

static uint64_t pages; /* of every address space here */

void
measure_pages(void)
{
	uint64_t before = stats().sizfork;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	CHECK_EXIT(pid, 0);
	pages = stats().sizfork - before;
	CHECK(pages > NSLOTS * STACK / PAGE);
}

void
compare(const struct snapshot *a, const struct snapshot *b, const struct common *had)
{
	const struct tine_stats *x = &a->st, *y = &b->st;
	uint64_t n[NKINDS], processes;

	for (int k = 0; k < NKINDS; k++)
		n[k] = COMMON->forks[k] - had->forks[k];
	processes = n[FORK] + n[VFORK] + n[RFORK];
	CHECK_EQ(y->cntfork - x->cntfork, n[FORK]);
	CHECK_EQ(y->cntvfork - x->cntvfork, n[VFORK]);
	CHECK_EQ(y->cntrfork - x->cntrfork, n[RFORK]);
	CHECK_EQ(y->cnttfork - x->cnttfork, n[TFORK]);
	CHECK_EQ(y->cntkthread, x->cntkthread);
	CHECK_EQ(y->sizfork - x->sizfork, n[FORK] * pages);
	CHECK_EQ(y->sizvfork - x->sizvfork, n[VFORK] * pages);
	CHECK_EQ(y->sizrfork - x->sizrfork, n[RFORK] * pages);
	CHECK_EQ(y->siztfork - x->siztfork, n[TFORK] * pages);
	CHECK_EQ(y->forks - x->forks, processes + n[TFORK]);
	CHECK_EQ(y->forks_ppwait - x->forks_ppwait, COMMON->ppwait - had->ppwait);
	CHECK_EQ(y->forks_sharevm - x->forks_sharevm, COMMON->sharevm - had->sharevm);
	CHECK_EQ(y->exits - x->exits, processes);
	CHECK_EQ(y->execs - x->execs, COMMON->execs - had->execs);
	CHECK_EQ(y->enomem - x->enomem, COMMON->enomem - had->enomem);
	CHECK_EQ(y->eagain_maxproc + y->eagain_maxthread + y->eagain_rlimit - x->eagain_maxproc -
		     x->eagain_maxthread - x->eagain_rlimit,
		 COMMON->eagain - had->eagain);
	CHECK_EQ(y->fork.count + y->vfork.count - x->fork.count - x->vfork.count, processes);
	CHECK_EQ(y->vfork.count - x->vfork.count, n[VFORK]);
	CHECK_EQ(y->exec.count - x->exec.count, COMMON->execs - had->execs);
	CHECK_EQ(y->oom_kills, x->oom_kills);
	CHECK_EQ(y->nprocesses, x->nprocesses);
	CHECK_EQ(y->nthreads, x->nthreads);
}
