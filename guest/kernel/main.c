/* SPDX-License-Identifier: ISC */
/* main.c: the order in which the kernel comes up. */
#include <sys/atfork.h>
#include <sys/file.h>
#include <sys/fork.h>
#include <sys/forkvar.h>
#include <sys/forkwatch.h>
#include <sys/host.h>
#include <sys/ktrace.h>
#include <sys/main.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/random.h>
#include <sys/sched.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>
#include <machine/stats.h>

static struct process process0; /* the boot process; everything descends from it */
static struct thread thread0;

static void
stats_init(void)
{
	kstats->version = TINE_ABI_VERSION;
	STAT_SET(maxproc, maxprocess);
	STAT_SET(maxthread, maxthread);
	kstats->magic = TINE_STATS_MAGIC;
}

static void
idle_main(void *arg)
{
	(void)arg;
	idle_loop();
}

/* ---- what happens at every fork (row D2) ---- */

/* When processes fork is hard to foresee: worth mixing in. */
static void
random_fork(struct process *parent, struct process *child, uint32_t flags)
{
	(void)parent;
	(void)flags;
	random_stir(cpu_cycles() ^ (uint64_t)child->ps_pid << 32);
}

static void
event_fork(struct process *parent, struct process *child, uint32_t flags)
{
	host_event_fork(parent, child, fork_kind(flags));
}

static void
fork_hooks(void)
{
	static const forklist_fn hooks[] = {forkstat_fork, random_fork, event_fork, forkwatch_fork,
					    ktrace_fork};

	for (size_t i = 0; i < nitems(hooks); i++)
		if (at_fork(hooks[i]) != 0)
			panic("no memory for the hooks of fork");
}

/* Row A9: the idle thread exists but is never on the run queue. */
static void
create_idle(void)
{
	struct fork_args fa = {.flags = FORK_SYSTEM | FORK_IDLE | FORK_SHAREFILES | FORK_SHAREFS |
					FORK_SIGHAND,
			       .func = idle_main,
			       .name = "idle"};
	struct thread *idle;
	pid_t pid;

	if (fork1(curthread, &fa, &idle, &pid) != 0)
		panic("cannot create the idle thread");
	sched_set_idle(idle);
}

/* Called by the arch on the boot stack, with its page tables, descriptors and console in place. */
void __noreturn
kernel_main(void)
{
	sched_init();
	process0_init(&thread0, &process0);
	vm_page_init();
	vm_init();
	vm_return_init();
	pid_init();
	process0_finish(&process0);
	md_init();
	stats_init();
	fork_hooks();
	vfs_prepare();
	/* The base template is made here: the root image belongs to the sandbox, not to it. */
	if (md_ready())
		md_new_stack_guard(); /* this function does not return, and no other thread runs */
	vfs_init();
	process0.ps_fs = fsinfo_boot();
	if (kthread_create(host_worker, NULL, "init", &initproc) != 0)
		panic("cannot create process 1");
	create_idle();
	/* Process 0 has done its work: it sleeps for ever, as the swapper of old did between swaps.
	 */
	for (;;)
		tsleep(&process0, 0, "swapper", 0);
}
