/* SPDX-License-Identifier: ISC */
/*
 * stress_fork.h: what the processes of stress_fork share: slots, locks, counts.
 *
 * Every live process and thread but init has a slot.  A fork that is made but not yet counted must
 * not be lost with its maker, so nobody may end a process while its slot is BUSY: it is taken for
 * each fork, exec and exit, and by whoever is about to kill it, who leaves it DEAD.  The driver
 * alone frees slots, once their process or thread is gone; one that goes without being DEAD was
 * ended by the kernel's own mistake.
 */
#ifndef STRESS_FORK_H
#define STRESS_FORK_H

#include "../native.h"
#include "calls.h"
#include <stdatomic.h>
#include <stdbool.h>

enum { NSLOTS = 40, STACK = 32768 };
enum { MAX_DEPTH = 5 }; /* of the tree of processes */
enum kind { FORK, VFORK, RFORK, TFORK, NKINDS };

/* State of a slot: one word, so that it cannot become another process's between a look and a
 * change.  leader: slot + 1 of the leader whose peer it is; owner: slot of the thread's process. */
enum code { FREE, BUSY, OPEN, DEAD };
#define WORD(leader, owner, code) ((unsigned)(leader) << 16 | (unsigned)(owner) << 8 | (code))
#define W_CODE(w) ((enum code)((w)&0xff))
#define W_OWNER(w) ((int)((w) >> 8 & 0xff))
#define W_LEADER(w) ((int)((w) >> 16))

/* In memory that all share, also after exec. */
struct common {
	struct {
		_Atomic unsigned word;
		_Atomic int id; /* pid, or tid; 0: not known yet */
	} slot[NSLOTS];
	_Atomic int stop; /* come to an end */
	_Atomic int fast_vfork;
	_Atomic int turns; /* changes when the driver is to run again */
	_Atomic uint64_t ops, forks[NKINDS], ppwait, sharevm, execs, eagain, enomem;
	_Atomic int failed;
	char message[256];
	_Atomic bool is_thread[32768]; /* by id: was the last to have it a thread? */
};
#define COMMON ((struct common *)0x600000000000)
#define COMMON_PATH "/tmp/stress_fork.shared"

/* ---- failures ---- */

/* The first failure is reported by the driver; who fails may have no descriptors. */
__attribute__((noreturn)) void stay_failed(void);
#define FAIL(...)                                                                                  \
	do {                                                                                       \
		if (atomic_exchange(&COMMON->failed, 1) == 0)                                      \
			snprintf(COMMON->message, sizeof(COMMON->message), __VA_ARGS__);           \
		stay_failed();                                                                     \
	} while (0)
#define EXPECT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond))                                                                       \
			FAIL("%s:%d: pid %ld: failed: %s", __FILE__, __LINE__, CALL(SYS_getpid),   \
			     #cond);                                                               \
	} while (0)
#define EXPECT_EQ(got, want)                                                                       \
	do {                                                                                       \
		long got_ = (long)(got), want_ = (long)(want);                                     \
		if (got_ != want_)                                                                 \
			FAIL("%s:%d: pid %ld: %s is %ld, not %ld", __FILE__, __LINE__,             \
			     CALL(SYS_getpid), #got, got_, want_);                                 \
	} while (0)

/* ---- slots.c ---- */

extern char stacks[NSLOTS][STACK];
extern int main_slot; /* of who runs on the stack that exec made */

unsigned word_of(int slot);
int id_of(int slot);
/* Unless it is not `from' any more. */
bool change(int slot, unsigned from, enum code to);
/* A slot, BUSY; -1: there is none. */
int slot_new(void);
void slot_born(int slot, int id);
/* No process came of it, or it is gone. */
void slot_free(int slot);
bool try_lock(int slot);
/* The caller's own process.  Whoever has made it DEAD is about to kill it: it must let him. */
void lock(int slot);
void unlock(int slot);
/* The threads of a process that is locked, but for one. */
void doom_threads(int process, int but);
/* The peers of a locked process, which go with it: all locked, or none. */
bool lock_peers(int process, bool taken[NSLOTS]);
/* A locked process with locked peers is about to end. */
void doom(int process, const bool peers[NSLOTS]);
bool gone(int slot);
/* The slot on whose stack the caller runs. */
int my_slot(void);

/* ---- a process, and the random numbers it draws ---- */

struct self {
	int slot, process; /* of the thread, of its process */
	int depth;
	uint64_t rnd;
};

static inline uint64_t
below(struct self *me, uint64_t n)
{
	me->rnd ^= me->rnd << 13;
	me->rnd ^= me->rnd >> 7;
	me->rnd ^= me->rnd << 17;
	return (me->rnd >> 11) % n;
}

static inline bool
one_in(struct self *me, uint64_t n)
{
	return below(me, n) == 0;
}

static inline uint64_t
some_of(struct self *me, const uint64_t *bits, size_t n, uint64_t sparse)
{
	uint64_t flags = 0;

	for (size_t i = 0; i < n; i++)
		if (one_in(me, sparse))
			flags |= bits[i];
	return flags;
}
#define SOME_OF(me, bits, sparse) some_of(me, bits, sizeof(bits) / sizeof(bits[0]), sparse)

/* ---- ways.c ---- */

/* How a fork is made, and what must come of it. */
struct how {
	long nr, args[5];
	uint64_t flags;
	enum kind kind;
	int wanted_id; /* clone3's set_tid */
	bool is_clone, shares, waits, thread, peer;
	bool holds;   /* signals are held until the child has its stack and its handlers */
	int error;    /* it must fail so */
	int may_fail; /* it may, for a reason that the caller cannot see */
};

#define PIDFD 0x1000UL /* CLONE_PIDFD */

/* Where the calls leave ids: by the child's slot; by the caller's. */
extern volatile int tid_word[NSLOTS];
extern int parent_tid[NSLOTS], pidfd_word[NSLOTS];

void by_fork(struct self *me, struct how *how, int slot);
/* Any way, with any flags. */
void by_any(struct self *me, struct how *how, int slot);

/* ---- birth.c ---- */

/* What a process is to do. */
enum role { LEAVE, DIE, LINGER, WORK, TRACED, EXEC_LEAVE, EXEC_WORK };

/*
 * The id of the child; -1: there is no slot, or the call failed as it may.  role < 0: any.  The
 * caller's process is locked, and is not any more.
 */
long make_child(struct self *me, void (*way)(struct self *, struct how *, int), int role);

/* ---- ends.c ---- */

/* A thread alone leaves its process; otherwise all threads and peers go as well. */
__attribute__((noreturn)) void leave(struct self *me, bool die);
__attribute__((noreturn)) void leave_thread(struct self *me);
/* Unless it is locked. */
void kill_slot(int victim, int sig);
long wait_by_pid(struct self *me, long pid, int options);
void wait_for_all(struct self *me);

/* ---- steps.c, process.c, signals.c ---- */

void random_step(struct self *me);
void op_wait(struct self *me);
/* Becomes a user who may have few processes. */
void become_user(struct self *me);

__attribute__((noreturn)) void play(struct self *me, enum role role);
void map_common(int flags);
/* main() of a program that play() has started: all signals are blocked. */
__attribute__((noreturn)) void after_exec(char **argv);

void set_actions(void);
void on_signal(int sig);

/* ---- counts.c ---- */

struct snapshot {
	struct tine_stats st;
	long objects, frames;
};

/* Before all else here. */
void measure_pages(void);
void look(struct snapshot *sn);
/* Each counter has grown by what its name says, since a. */
void compare(const struct snapshot *a, const struct snapshot *b, const struct common *had);

#endif
