/* SPDX-License-Identifier: ISC */
/* row_forkstat.c: what the statistics count, and that they count nothing else.
 * rows: E1 E2 E3 E4 E5 E6 E8 */
#include "native.h"

static void
nothing(void *arg)
{
	(void)arg;
}

static int
returns_zero(void *arg)
{
	(void)arg;
	return 0;
}

static void
reap_ok(pid_t pid)
{
	CHECK_EXIT(pid, 0);
}

static void
kinds(void)
{
	struct __tfork param = {NULL, NULL, new_stack()};
	struct tine_stats a = stats(), b;
	uint64_t pages;
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(0);
	reap_ok(pid);
	b = stats();
	CHECK_EQ(b.cntfork, a.cntfork + 1);
	CHECK((pages = b.sizfork - a.sizfork) > 10);
	CHECK_EQ(b.forks, a.forks + 1);
	CHECK_EQ(b.exits, a.exits + 1);

	if ((pid = vfork()) == 0)
		_exit(0);
	reap_ok(pid);
	a = b, b = stats();
	CHECK_EQ(b.cntvfork, a.cntvfork + 1);
	CHECK_EQ(b.sizvfork, a.sizvfork + pages);
	CHECK_EQ(b.cntfork, a.cntfork);
	CHECK_EQ(b.forks_ppwait, a.forks_ppwait + 1);
	CHECK_EQ(b.forks_sharevm, a.forks_sharevm + 1);

	/* rfork() that asks for what fork() and vfork() do counts as those. */
	if ((pid = rfork(RFPROC | RFFDG)) == 0)
		_exit(0);
	reap_ok(pid);
	if ((pid = rfork((int)(RFPROC | RFFDG | RFMEM | RFPPWAIT))) == 0)
		_exit(0);
	reap_ok(pid);
	a = b, b = stats();
	CHECK_EQ(b.cntfork, a.cntfork + 1);
	CHECK_EQ(b.cntvfork, a.cntvfork + 1);
	CHECK_EQ(b.cntrfork, a.cntrfork);

	if ((pid = rfork(RFPROC)) == 0)
		_exit(0);
	reap_ok(pid);
	reap_ok(rfork_thread(RFPROC | RFMEM, (char *)new_stack(), returns_zero, NULL));
	a = b, b = stats();
	CHECK_EQ(b.cntrfork, a.cntrfork + 2);
	CHECK(b.sizrfork - a.sizrfork >= 2 * pages);
	CHECK_EQ(b.forks_sharevm, a.forks_sharevm + 1);
	CHECK_EQ(b.forks_ppwait, a.forks_ppwait);

	CHECK(__tfork_thread(&param, sizeof(param), nothing, NULL) > 0);
	a = b, b = stats();
	CHECK_EQ(b.cnttfork, a.cnttfork + 1);
	CHECK(b.siztfork > a.siztfork);
	CHECK_EQ(b.forks, a.forks + 1);
	CHECK_EQ(b.forks_sharevm, a.forks_sharevm + 1);
	CHECK_EQ(b.forks, b.cntfork + b.cntvfork + b.cntrfork + b.cnttfork + b.cntkthread);
}

/* Grows by exactly what is mapped. */
static void
sizes(void)
{
	struct tine_stats a = stats(), b, c;
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(0);
	reap_ok(pid);
	b = stats();
	CHECK(mmap(NULL, 1000 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	      MAP_FAILED);
	if ((pid = fork()) == 0)
		_exit(0);
	reap_ok(pid);
	c = stats();
	CHECK_EQ(c.sizfork - b.sizfork, b.sizfork - a.sizfork + 1000);
}

static void
refusals(void)
{
	struct tine_stats a = stats(), b;

	CHECK_ERR(rfork(RFPROC | RFFDG | RFCFDG), EINVAL);
	CHECK_ERR(syscall(SYS_clone, 0x10000UL, 0, 0, 0, 0), EINVAL);
	CHECK_ERR(__tfork_thread(NULL, 0, nothing, NULL), EINVAL);
	b = stats();
	CHECK_EQ(b.forks, a.forks);
	CHECK_EQ(b.nprocesses, a.nprocesses);
	CHECK_EQ(b.eagain_maxproc + b.eagain_maxthread + b.eagain_rlimit + b.enomem,
		 a.eagain_maxproc + a.eagain_maxthread + a.eagain_rlimit + a.enomem);
}

static void
now(void)
{
	struct tine_stats a = stats(), b;
	int p[2];
	pid_t pid;
	char c;

	CHECK_EQ(a.nprocesses, var("kern.nprocs"));
	CHECK_EQ(a.maxproc, var("kern.maxproc"));
	CHECK_EQ(a.maxthread, var("kern.maxthread"));
	CHECK_EQ(pipe(p), 0);
	if ((pid = fork()) == 0)
		_exit(read(p[0], &c, 1) == 1 ? 0 : 1);
	b = stats();
	CHECK_EQ(b.nprocesses, a.nprocesses + 1);
	CHECK_EQ(b.nthreads, a.nthreads + 1);
	CHECK_EQ(b.lastpid, pid);
	CHECK_EQ(write(p[1], "x", 1), 1);
	reap_ok(pid);
	CHECK_EQ(stats().nprocesses, a.nprocesses);
}

/* Writing to N shared pages copies N frames; the last owner takes them over. */
static void
copy_on_write(void)
{
	enum { N = 100 };
	struct tine_stats a, b;
	char *m = mmap(NULL, N * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int p[2];
	pid_t pid;
	char c;

	CHECK(m != MAP_FAILED && pipe(p) == 0);
	a = stats();
	memset(m, 1, N * PAGE);
	b = stats();
	CHECK(b.zero_fill_faults - a.zero_fill_faults >= N);
	a = b;
	if ((pid = fork()) == 0)
		_exit(read(p[0], &c, 1) == 1 ? 0 : 1);
	b = stats();
	CHECK(b.pt_pages_shared > a.pt_pages_shared);
	a = b;
	for (int i = 0; i < N; i++)
		m[(size_t)i * PAGE] = 2;
	b = stats();
	CHECK(b.cow_faults - a.cow_faults >= N);
	CHECK(b.cow_pages_copied - a.cow_pages_copied >= N);
	CHECK(b.cow_pages_copied - a.cow_pages_copied < N + 10);
	CHECK(b.pt_pages_unshared > a.pt_pages_unshared);
	CHECK(a.frames_free - b.frames_free >= N);
	CHECK_EQ(write(p[1], "x", 1), 1);
	reap_ok(pid);
	if ((pid = fork()) == 0)
		_exit(0);
	reap_ok(pid);
	a = stats();
	for (int i = 0; i < N; i++)
		m[(size_t)i * PAGE] = 3;
	b = stats();
	CHECK(b.cow_pages_copied - a.cow_pages_copied < 10); /* nobody else has them any more */
	CHECK(b.frames_total > b.frames_free && b.frames_pt > 0);
}

/* Every fork is in a histogram, and its time is believable. */
static void
latency(void)
{
	struct tine_stats a = stats(), b;
	uint64_t n = 0;
	pid_t pid;

	CHECK(a.tsc_khz > 0);
	for (int i = 0; i < 10; i++) {
		if ((pid = fork()) == 0)
			_exit(0);
		reap_ok(pid);
	}
	if ((pid = vfork()) == 0)
		_exit(0);
	reap_ok(pid);
	b = stats();
	CHECK_EQ(b.fork.count, a.fork.count + 10);
	CHECK_EQ(b.vfork.count, a.vfork.count + 1);
	CHECK(b.fork.sum > a.fork.sum);
	CHECK((b.fork.sum - a.fork.sum) / a.tsc_khz < 10000); /* milliseconds */
	for (unsigned i = 0; i < TINE_HIST_BUCKETS; i++)
		n += b.fork.bucket[i];
	CHECK_EQ(n, b.fork.count);
	CHECK(b.exec.count >= 1);
	CHECK(b.cow.count > 0);
}

int
main(void)
{
	kinds();
	sizes();
	refusals();
	now();
	copy_on_write();
	latency();
	CHECK_ERR(forkstat((void *)8, 4096), EFAULT);
	CHECK_EQ(forkstat(NULL, 0), (long)sizeof(struct tine_stats));
	return ok();
}
