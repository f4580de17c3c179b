/* SPDX-License-Identifier: ISC */
/* process.c: what a process does from its first step on its own to its end, through exec. */
#include "stress_fork.h"
#include <sys/ptrace.h>

enum { STEPS_A_TURN = 8 };

__attribute__((noreturn)) static void
work(struct self *me)
{
	int n = 2 + (int)below(me, 10);

	if (me->slot == me->process && one_in(me, 12))
		become_user(me);
	while (n-- > 0 && !atomic_load(&COMMON->stop)) {
		random_step(me);
		if (atomic_fetch_add(&COMMON->ops, 1) % STEPS_A_TURN == 0) {
			atomic_fetch_add(&COMMON->turns, 1);
			CALL(SYS_futex, &COMMON->turns, 1 /* wake */, 1);
		}
	}
	if (one_in(me, 2))
		wait_for_all(me);
	if (me->slot != me->process && !one_in(me, 8))
		leave_thread(me);
	leave(me, one_in(me, 8));
}

/* The program again, in the same slot.  Its other threads end. */
__attribute__((noreturn)) static void
exec_self(struct self *me, enum role role)
{
	char arg[4][24];
	char *argv[] = {"stress_fork", arg[0], arg[1], arg[2], arg[3], NULL}, *envp[] = {NULL};
	const char *path = "/proc/self/exe";

	EXPECT_EQ(CALL(SYS_execve, "/nonexistent", argv, envp), -ENOENT);
	lock(me->process);
	set_mask(~0UL);
	doom_threads(me->process, -1);
	snprintf(arg[0], sizeof(arg[0]), "%d", me->process);
	snprintf(arg[1], sizeof(arg[1]), "%d", (int)role);
	snprintf(arg[2], sizeof(arg[2]), "%d", me->depth);
	snprintf(arg[3], sizeof(arg[3]), "%lu", me->rnd);
	EXPECT_EQ(CALL(SYS_execve, path, argv, envp), 0);
	__builtin_unreachable();
}

__attribute__((noreturn)) void
play(struct self *me, enum role role)
{
	long tid = CALL(SYS_gettid);

	switch (role) {
	case LEAVE:
	case DIE:
		if (me->slot != me->process && one_in(me, 2))
			leave_thread(me);
		leave(me, role == DIE);
	case LINGER:
		for (;;)
			CALL(SYS_pause);
	case EXEC_LEAVE:
		exec_self(me, one_in(me, 2) ? LEAVE : LINGER);
	case EXEC_WORK:
		exec_self(me, WORK);
	case TRACED:
		if (CALL(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0) == 0)
			CALL(SYS_tkill, tid, SIGSTOP);
		break;
	case WORK:
		break;
	}
	work(me);
}

void
map_common(int flags)
{
	int fd = open(COMMON_PATH, O_RDWR | flags, 0666);

	CHECK(fd >= 0);
	CHECK(!(flags & O_CREAT) || ftruncate(fd, sizeof(struct common)) == 0);
	CHECK(mmap(COMMON, sizeof(struct common), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		   fd, 0) == COMMON);
	close(fd);
}

__attribute__((noreturn)) void
after_exec(char **argv)
{
	struct self me = {.slot = atoi(argv[1]), .depth = atoi(argv[3])};

	me.process = main_slot = me.slot;
	me.rnd = strtoul(argv[4], NULL, 10);
	map_common(0);
	EXPECT_EQ(id_of(me.slot), CALL(SYS_gettid));
	atomic_fetch_add(&COMMON->execs, 1);
	set_actions();
	unlock(me.process);
	set_mask(0);
	play(&me, (enum role)atoi(argv[2]));
}
