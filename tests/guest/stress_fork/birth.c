/* SPDX-License-Identifier: ISC */
/* birth.c: a fork, from the slot it takes to the first steps of the child. */
#include "stress_fork.h"

/* What a child must know; at the end of its stack. */
struct birth {
	struct how how;
	struct self self;
	int parent; /* slot of the process that waits, to be unlocked */
	enum role role;
};

static void
count(const struct how *how)
{
	atomic_fetch_add(&COMMON->forks[how->kind], 1);
	atomic_fetch_add(&COMMON->ppwait, how->waits);
	atomic_fetch_add(&COMMON->sharevm, how->shares);
}

static void
count_failure(const struct how *how, long error)
{
	if (how->error != 0)
		EXPECT_EQ(error, how->error);
	else if (error == ENOMEM)
		atomic_fetch_add(&COMMON->enomem, 1);
	else if (error == EAGAIN)
		atomic_fetch_add(&COMMON->eagain, 1);
	else if (error != how->may_fail && error != ENFILE && /* the file of a pidfd */
		 !(how->wanted_id != 0 && (error == EEXIST || error == EPERM)))
		FAIL("pid %ld: call %ld with flags %#lx failed with %ld", CALL(SYS_getpid), how->nr,
		     how->flags, error);
}

static enum role
pick_role(struct self *me, const struct how *how)
{
	static const enum role roles[] = {LEAVE, LEAVE, LEAVE, LEAVE,      DIE,       LINGER,
					  WORK,  WORK,  WORK,  EXEC_LEAVE, EXEC_WORK, TRACED};
	enum role role = roles[below(me, sizeof(roles) / sizeof(roles[0]))];

	if (how->waits && (role == TRACED || (role == LINGER && !one_in(me, 4))))
		role = EXEC_WORK;
	if ((how->peer || me->depth >= MAX_DEPTH) && role >= WORK)
		role =
		    role >= EXEC_LEAVE ? EXEC_LEAVE : LEAVE; /* peers do not fork: stress_fork.h */
	return role;
}

static void child_begins(void *birth);

static struct birth *
prepare_birth(struct self *me, const struct how *how, int s, enum role role)
{
	struct birth *b = (void *)((uintptr_t)(stacks[s] + STACK - sizeof(*b)) & ~15UL);

	*b = (struct birth){*how, *me, me->process, role};
	b->self.slot = s;
	b->self.process = how->thread ? me->process : s;
	b->self.depth++;
	b->self.rnd = below(me, ~0UL) | 1;
	atomic_store(&COMMON->slot[s].word,
		     WORD(how->peer ? me->process + 1 : 0, b->self.process, BUSY));
	return b;
}

long
make_child(struct self *me, void (*way)(struct self *, struct how *, int), int role)
{
	int s = slot_new();
	struct how how;
	struct birth *b;
	uint64_t mask;
	long id;

	if (s < 0) {
		unlock(me->process);
		return -1;
	}
	way(me, &how, s);
	b = prepare_birth(me, &how, s, role < 0 ? pick_role(me, &how) : (enum role)role);
	CALL(SYS_rt_sigprocmask, SIG_SETMASK, how.holds ? &(uint64_t){~0UL} : NULL, &mask, 8);
	id = fork_to(how.nr, how.args, b, child_begins, b);
	if (id < 0) {
		slot_free(s);
		count_failure(&how, -id);
		unlock(me->process);
	} else if (how.error != 0) {
		FAIL("call %ld with flags %#lx succeeded", how.nr, how.flags);
	} else if (!how.waits) {
		count(&how);
		slot_born(s, (int)id);
		unlock(s);
		unlock(me->process);
	}
	set_mask(mask);
	if (id > 0 && how.is_clone && how.flags & CLONE_PARENT_SETTID)
		EXPECT_EQ(parent_tid[me->slot], id);
	if (id > 0 && how.wanted_id != 0)
		EXPECT_EQ(id, how.wanted_id);
	if (id > 0 && how.is_clone && how.flags & PIDFD)
		CALL(SYS_close, pidfd_word[me->slot]);
	return id;
}

/* A child's first steps, on its own stack. */
static void
child_begins(void *arg)
{
	struct birth b = *(struct birth *)arg;
	long tid = CALL(SYS_gettid);

	if (b.how.is_clone && b.how.flags & CLONE_CHILD_SETTID)
		EXPECT_EQ(tid_word[b.self.slot], tid);
	if (b.how.holds)
		set_actions();
	if (b.how.waits) { /* the parent cannot */
		count(&b.how);
		slot_born(b.self.slot, (int)tid);
		unlock(b.self.slot);
		unlock(b.parent);
	}
	CALL(SYS_setpriority, PRIO_PROCESS, 0, 0); /* the driver's is better */
	set_mask(0);
	play(&b.self, b.role);
}
