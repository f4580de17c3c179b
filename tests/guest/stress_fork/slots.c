/* SPDX-License-Identifier: ISC */
/* slots.c: the slots of processes and threads, their locks. */
#include "stress_fork.h"

char stacks[NSLOTS][STACK] __attribute__((aligned(4096)));
int main_slot;

unsigned
word_of(int s)
{
	return atomic_load(&COMMON->slot[s].word);
}

bool
change(int s, unsigned from, enum code to)
{
	return atomic_compare_exchange_strong(&COMMON->slot[s].word, &from, (from & ~0xffU) | to);
}

int
id_of(int s)
{
	return atomic_load(&COMMON->slot[s].id);
}

int
slot_new(void)
{
	for (int s = 1; s < NSLOTS; s++) {
		unsigned none = WORD(0, 0, FREE);

		if (atomic_compare_exchange_strong(&COMMON->slot[s].word, &none, WORD(0, s, BUSY)))
			return s;
	}
	return -1;
}

void
slot_born(int s, int id)
{
	atomic_store(&COMMON->is_thread[id], W_OWNER(word_of(s)) != s);
	atomic_store(&COMMON->slot[s].id, id);
}

void
slot_free(int s)
{
	atomic_store(&COMMON->slot[s].id, 0);
	atomic_store(&COMMON->slot[s].word, WORD(0, 0, FREE));
}

bool
try_lock(int s)
{
	unsigned w = word_of(s);

	return W_CODE(w) == OPEN && change(s, w, BUSY);
}

void
lock(int s)
{
	while (!try_lock(s)) {
		if (W_CODE(word_of(s)) == DEAD)
			set_mask(0);
		CALL(SYS_sched_yield);
	}
}

void
unlock(int s)
{
	EXPECT(change(s, (word_of(s) & ~0xffU) | BUSY, OPEN));
}

void
doom_threads(int process, int but)
{
	for (int s = 1; s < NSLOTS; s++) {
		unsigned w = word_of(s);

		while (W_CODE(w) != FREE && W_OWNER(w) == process && s != process && s != but &&
		       W_CODE(w) != DEAD && !change(s, w, DEAD))
			w = word_of(s);
	}
}

bool
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

void
doom(int process, const bool peers[NSLOTS])
{
	for (int s = 1; s < NSLOTS; s++)
		if (peers[s])
			EXPECT(change(s, (word_of(s) & ~0xffU) | BUSY, DEAD));
	doom_threads(process, -1);
	EXPECT(change(process, (word_of(process) & ~0xffU) | BUSY, DEAD));
}

bool
gone(int s)
{
	return (W_OWNER(word_of(s)) == s ? CALL(SYS_kill, id_of(s), 0)
					 : CALL(SYS_tkill, id_of(s), 0)) == -ESRCH;
}

int
my_slot(void)
{
	uintptr_t at = (uintptr_t)__builtin_frame_address(0) - (uintptr_t)stacks;

	return at < sizeof(stacks) ? (int)(at / STACK) : main_slot;
}

__attribute__((noreturn)) void
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
