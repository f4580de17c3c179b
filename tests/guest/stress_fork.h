/* SPDX-License-Identifier: ISC */
/*
 * stress_fork.h: what the processes of stress_fork.c share: slots, locks, counts, and system calls
 * without errno, which processes that share their memory would all write.
 *
 * Every live process and thread but init has a slot.  A fork that is made but not yet counted must
 * not be lost with its maker, so nobody may end a process while its slot is BUSY: it is taken for
 * each fork, exec and exit, and by whoever is about to kill it, who leaves it DEAD.  The driver
 * alone frees slots, once their process or thread is gone; one that goes without being DEAD was
 * ended by the kernel's own mistake.
 */
#ifndef STRESS_FORK_H
#define STRESS_FORK_H

#include "native.h"
#include <stdatomic.h>
#include <stdbool.h>

enum { NSLOTS = 40, STACK = 32768 };
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

static char stacks[NSLOTS][STACK] __attribute__((aligned(4096)));
static int main_slot; /* of who runs on the stack that exec made */

/* ---- system calls ---- */

static inline long
call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long ret = nr;

	__asm__ volatile("syscall"
			 : "+a"(ret)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}
/* With up to six arguments. */
#define CALL(nr, ...) CALL_(nr, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define CALL_(nr, a, b, c, d, e, f, ...)                                                           \
	call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/*
 * A system call of the fork family whose child goes to a stack of its own, wherever the kernel put
 * it, and calls func(arg) there.  Behind one that shares the memory without waiting the caller must
 * hold its signals, as a handler of the child's would write on the parent's stack.
 */
long fork_to(long nr, const long args[5], void *stack, void (*func)(void *), void *arg);
__asm__("	.text\n"
	"fork_to:\n"
	"	push	%rbx\n"
	"	push	%rbp\n"
	"	push	%r12\n"
	"	mov	%rdi, %rax\n"
	"	mov	%rdx, %rbx\n"
	"	mov	%rcx, %rbp\n"
	"	mov	%r8, %r12\n"
	"	mov	%rsi, %r11\n"
	"	mov	(%r11), %rdi\n"
	"	mov	8(%r11), %rsi\n"
	"	mov	16(%r11), %rdx\n"
	"	mov	24(%r11), %r10\n"
	"	mov	32(%r11), %r8\n"
	"	syscall\n"
	"	test	%rax, %rax\n"
	"	jz	1f\n"
	"	pop	%r12\n"
	"	pop	%rbp\n"
	"	pop	%rbx\n"
	"	ret\n"
	"1:	mov	%rbx, %rsp\n"
	"	mov	%r12, %rdi\n"
	"	mov	%rbp, %rax\n"
	"	xor	%ebp, %ebp\n"
	"	call	*%rax\n"
	"	ud2\n");

static void
set_mask(uint64_t mask)
{
	CALL(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
}

/* The first failure is reported by the driver; who fails may have no descriptors. */
static int my_slot(void);

__attribute__((noreturn)) static void
stay_failed(void)
{
	atomic_store(&COMMON->failed, 2);
	if (my_slot() == 0) {
		dprintf(2, "%s\n", COMMON->message);
		_exit(1);
	}
	for (;;)
		CALL(SYS_sched_yield);
}
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

/* ---- slots ---- */

static unsigned
word_of(int s)
{
	return atomic_load(&COMMON->slot[s].word);
}

static bool
change(int s, unsigned from, enum code to)
{
	return atomic_compare_exchange_strong(&COMMON->slot[s].word, &from, (from & ~0xffU) | to);
}

static int
id_of(int s)
{
	return atomic_load(&COMMON->slot[s].id);
}

/* A slot, BUSY; -1: there is none. */
static int
slot_new(void)
{
	for (int s = 1; s < NSLOTS; s++) {
		unsigned none = WORD(0, 0, FREE);

		if (atomic_compare_exchange_strong(&COMMON->slot[s].word, &none, WORD(0, s, BUSY)))
			return s;
	}
	return -1;
}

static void
slot_born(int s, int id)
{
	atomic_store(&COMMON->is_thread[id], W_OWNER(word_of(s)) != s);
	atomic_store(&COMMON->slot[s].id, id);
}

/* No process came of it, or it is gone. */
static void
slot_free(int s)
{
	atomic_store(&COMMON->slot[s].id, 0);
	atomic_store(&COMMON->slot[s].word, WORD(0, 0, FREE));
}

static bool
try_lock(int s)
{
	unsigned w = word_of(s);

	return W_CODE(w) == OPEN && change(s, w, BUSY);
}

/* The caller's own process.  Whoever has made it DEAD is about to kill it: it must let him. */
static void
lock(int s)
{
	while (!try_lock(s)) {
		if (W_CODE(word_of(s)) == DEAD)
			set_mask(0);
		CALL(SYS_sched_yield);
	}
}

static void
unlock(int s)
{
	EXPECT(change(s, (word_of(s) & ~0xffU) | BUSY, OPEN));
}

/* The threads of a process that is locked, but for one. */
static void
doom_threads(int process, int but)
{
	for (int s = 1; s < NSLOTS; s++) {
		unsigned w = word_of(s);

		while (W_CODE(w) != FREE && W_OWNER(w) == process && s != process && s != but &&
		       W_CODE(w) != DEAD && !change(s, w, DEAD))
			w = word_of(s);
	}
}

/* The peers of a locked process, which go with it: all locked, or none. */
static bool
lock_peers(int process, bool taken[NSLOTS])
{
	memset(taken, 0, NSLOTS * sizeof(bool));
	for (int s = 1; s < NSLOTS; s++) {
		unsigned w = word_of(s);

		if (W_CODE(w) == FREE || W_CODE(w) == DEAD || W_LEADER(w) != process + 1)
			continue;
		if (W_CODE(w) == OPEN && change(s, w, BUSY)) {
			taken[s] = true;
			continue;
		}
		while (--s > 0)
			if (taken[s])
				unlock(s);
		return false;
	}
	return true;
}

/* A locked process with locked peers is about to end. */
static void
doom(int process, const bool peers[NSLOTS])
{
	for (int s = 1; s < NSLOTS; s++)
		if (peers[s])
			EXPECT(change(s, (word_of(s) & ~0xffU) | BUSY, DEAD));
	doom_threads(process, -1);
	EXPECT(change(process, (word_of(process) & ~0xffU) | BUSY, DEAD));
}

static bool
gone(int s)
{
	return (W_OWNER(word_of(s)) == s ? CALL(SYS_kill, id_of(s), 0)
					 : CALL(SYS_tkill, id_of(s), 0)) == -ESRCH;
}

/* The slot on whose stack the caller runs. */
static int
my_slot(void)
{
	uintptr_t at = (uintptr_t)__builtin_frame_address(0) - (uintptr_t)stacks;

	return at < sizeof(stacks) ? (int)(at / STACK) : main_slot;
}

#endif
