/* SPDX-License-Identifier: ISC */
/* zygote_main.c: the zygote itself, see zygote.h; and what its children make their own. */
#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control.h"
#include "cpu_x86_64.h"
#include "host.h"
#include "jail.h"
#include "loader.h"
#include "phases.h"
#include "zygote.h"

/* All that the jail would not let a child open. */
static int
acquire(struct control *c, struct tine_error *error)
{
	int r = host_open(&c->kvm_fd, error);

	if (r != 0)
		return r;
	c->symbols_fd = kernel_open();
	return cpu_load_features(c->kvm_fd, error);
}

/* fork(), but the child is a sibling, which the C library's has no way to say.  What else that does
 * in a child of a single-threaded process is to tell the library the thread's new number. */
static pid_t
fork_sibling(void)
{
	unsigned long flags = CLONE_PARENT;
	int *tid = NULL;

	if (prctl(PR_GET_TID_ADDRESS, &tid, 0, 0, 0) == 0 && tid != NULL)
		flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
	return (pid_t)syscall(SYS_clone, flags, NULL, NULL, tid, NULL);
}

/* The value by which functions notice that their return address was overwritten; its place is part
 * of the x86-64 ABI.  Guests that broke into one VMM process shall not know that of the others. */
static inline __attribute__((always_inline)) void
renew_stack_guard(void)
{
	uintptr_t guard;

	if (getrandom(&guard, sizeof(guard), 0) != sizeof(guard))
		_exit(1);
	guard &= ~(uintptr_t)0xff; /* no string function gets past it */
	__asm__ volatile("movq %0, %%fs:0x28" : : "r"(guard));
}

/* The child.  No function that was called before the guard changed can return. */
static void __attribute__((noreturn, no_stack_protector))
become_vmm(struct control *c, int control, pid_t parent, void (*run)(struct control *c))
{
	/* In the place of the zygote's socket: nobody but the zygote has that. */
	if (dup3(control, c->args.control_fd, O_CLOEXEC) < 0)
		_exit(1);
	close(control);
	if (c->args.die_with_parent)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0); /* died before that was set */
	prctl(PR_SET_NAME, "tine");
	renew_stack_guard();
	run(c);
	_exit(1);
}

static void *
nothing(void *arg)
{
	return arg;
}

/* A thread that has ended leaves its stack to the next one, and a child's memory is as this
 * process's: its vCPU thread need not make one.  Only this one runs again when it returns. */
static void
leave_stack(void)
{
	pthread_t thread;

	if (vm_thread_create(&thread, nothing, NULL) == 0)
		pthread_join(thread, NULL);
}

static int
reply(const struct control *c, uint16_t type, uint32_t id, int err)
{
	const struct tine_msg m = {.type = type, .id = id, .arg = (uint32_t)err};

	return wire_send(c->args.control_fd, (const uint8_t *)&m, sizeof(m), NULL, 0);
}

static int
serve_fork(struct control *c, int control, pid_t parent, void (*run)(struct control *c))
{
	pid_t pid;
	int err;

	c->args.spawned_ns = monotonic_ns(); /* the child's start */
	pid = fork_sibling();
	err = pid < 0 ? errno : 0;
	if (pid == 0)
		become_vmm(c, control, parent, run);
	close(control);
	return reply(c, ZYGOTE_FORKED, pid > 0 ? (uint32_t)pid : 0, err);
}

static int
serve_hold(struct control *c, const int *fds, int nfds)
{
	int r;

	if (control_mapped(c) != NULL)
		mem_destroy(&c->mapped);
	template_release(c->template);
	c->template = NULL;
	r = template_open(fds[0], nfds > 1 ? fds[1] : -1, &c->template, &c->error);
	/* No page of it is touched here; a child need not make the mappings anew. */
	if (r == 0 && (c->template->head.flags & TEMPLATE_BASE) == 0)
		r = clone_map(&c->mapped, c->template, &c->error);
	if (r != 0) {
		template_release(c->template);
		c->template = NULL;
	}
	return reply(c, ZYGOTE_HELD, 0, -r);
}

static int __attribute__((noinline))
serve_one(struct control *c, pid_t parent, void (*run)(struct control *c))
{
	int fds[WIRE_FDS], nfds = 0;
	int r = wire_recv_wait(c->args.control_fd, &c->rec, fds, &nfds);

	if (r == 1 && c->rec.hdr.type == ZYGOTE_FORK && c->rec.hdr.len == 0 && nfds == 1)
		return serve_fork(c, fds[0], parent, run);
	if (r == 1 && c->rec.hdr.type == ZYGOTE_HOLD && c->rec.hdr.len == 0 &&
	    (nfds == 1 || nfds == 2))
		return serve_hold(c, fds, nfds);
	/* The end, or nonsense: what came along is closed by the end. */
	return r == 1 ? -EPROTO : r;
}

/* What children have of their stack begins with a page: so it is one, not two. */
static int
serve(struct control *c, pid_t parent, void (*run)(struct control *c))
{
	uintptr_t used = (uintptr_t)__builtin_frame_address(0) % TINE_PAGE_SIZE;
	void *rest = alloca(used);
	int r;

	__asm__ volatile("" : : "r"(rest));
	do
		r = serve_one(c, parent, run);
	while (r == 0);
	return r;
}

int
zygote_serve(struct control *c, void (*run)(struct control *c))
{
	pid_t parent = getppid();
	int r;

	prctl(PR_SET_NAME, "tine-zygote");
	r = acquire(c, &c->error); /* whoever is executed instead will report it */
	if (r == 0 && c->args.config.jail != JAIL_NONE) {
		r = jail_process(&c->error);
		c->in_jail = true;
	}
	vcpu_prepare_kick();
	if (r == 0)
		leave_stack();
	if (r == 0 && c->in_jail)
		r = jail_threads(JAIL_FILTER_ZYGOTE, &c->error);
	if (r == 0)
		r = serve(c, parent, run);
	return r;
}
