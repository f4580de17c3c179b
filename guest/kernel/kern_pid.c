/* SPDX-License-Identifier: ISC */
/*
 * kern_pid.c: process and thread ids.
 *
 * One bitmap says which ids are taken, as pid, thread id, process group, session or zombie, or
 * because they were among the last ids freed (OpenBSD's oldpids).  So a candidate costs one bit
 * test, however many processes live.  Policies: random (OpenBSD), sequential and modulus (FreeBSD).
 */
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <machine/stats.h>

#define NOLDPIDS 128
#define PID_WRAP 100 /* low pids tend to be daemons that stay: a wrapped search starts here */
#define PID_HIGH 10  /* below are the low ids that RFHIGHPID leaves alone */
#define WORD_BITS 64

int pid_max = PID_MAX;
int lastpid;
int randompid;
int pidpolicy = PIDPOLICY_RANDOM;

static uint64_t *pid_map; /* bit n: id n is taken */
static int pid_map_max;   /* ids 0 .. pid_map_max have a bit */
static int pid_ntaken;
static int pid_lastsystem; /* system processes get 1, 2, ... at boot */
static pid_t oldpids[NOLDPIDS];
static unsigned oldpid_next;

static bool
pid_taken(pid_t id)
{
	return (pid_map[id / WORD_BITS] >> (id % WORD_BITS) & 1) != 0;
}

static void
pid_take(pid_t id)
{
	KASSERT(!pid_taken(id));
	pid_map[id / WORD_BITS] |= 1UL << (id % WORD_BITS);
	pid_ntaken++;
}

static size_t
map_bytes(int max)
{
	return howmany((size_t)max + 1, WORD_BITS) * sizeof(uint64_t);
}

void
pid_init(void)
{
	pid_map = kmalloc(map_bytes(PID_MAX), M_ZERO | M_NOFAIL);
	pid_map_max = PID_MAX;
	pid_take(0);
}

/* kern.pid_max: ids above the new maximum that are in use stay valid. */
int
pid_set_max(int max)
{
	uint64_t *map;

	if (max < PID_WRAP + 300 || max > PID_MAX_LIMIT)
		return EINVAL;
	if (max > pid_map_max) {
		if ((map = kmalloc(map_bytes(max), M_ZERO)) == NULL)
			return ENOMEM;
		memcpy(map, pid_map, map_bytes(pid_map_max));
		kfree(pid_map);
		pid_map = map;
		pid_map_max = max;
	}
	pid_max = max;
	return 0;
}

/* Row C6: the modulus must be worth its entropy and possible. */
int
pid_clamp_randompid(int n)
{
	if (n < 0 || n > pid_max - PID_WRAP)
		return pid_max - PID_WRAP;
	if (n < 2)
		return 0;
	return MAX(n, PID_WRAP);
}

/* First free id in [from, to], or 0; whole words of taken ids are skipped at once. */
static pid_t
pid_scan(pid_t from, pid_t to)
{
	for (pid_t id = from; id <= to;) {
		uint64_t free = ~pid_map[id / WORD_BITS] >> (id % WORD_BITS);

		if (free != 0) {
			id += __builtin_ctzll(free);
			return id <= to ? id : 0;
		}
		id = (id / WORD_BITS + 1) * WORD_BITS;
	}
	return 0;
}

static pid_t
pid_sequential(uint32_t step)
{
	pid_t try = lastpid + 1 + (pid_t)step, id;

	if (try > pid_max) {
		try %= pid_max + 1;
		if (try < PID_WRAP)
			try += PID_WRAP;
	}
	if ((id = pid_scan(try, pid_max)) == 0)
		id = pid_scan(PID_WRAP, MIN(try, pid_max));
	if (id == 0)
		id = pid_scan(pid_lastsystem + 1, PID_WRAP);
	return id;
}

/* Uniform over the free ids above the system's: draw until one is free. */
static pid_t
pid_random(void)
{
	pid_t id;

	for (int tries = 0; tries < 64; tries++) {
		id = pid_lastsystem + 1 +
		     (pid_t)arc4random_uniform((uint32_t)(pid_max - pid_lastsystem));
		if (!pid_taken(id))
			return id;
	}
	/* Nearly full: the next free one after a random place. */
	id = pid_lastsystem + 1 + (pid_t)arc4random_uniform((uint32_t)(pid_max - pid_lastsystem));
	if ((id = pid_scan(id, pid_max)) == 0)
		id = pid_scan(pid_lastsystem + 1, pid_max);
	return id;
}

/* Row C10: while only the kernel has made processes, its own get the lowest ids. */
int
pid_alloc(bool system, pid_t *idp)
{
	static bool booted;
	pid_t id;

	booted |= !system;
	if (!booted)
		id = pid_scan(pid_lastsystem + 1, pid_max);
	else if (pidpolicy == PIDPOLICY_RANDOM)
		id = pid_random();
	else if (pidpolicy == PIDPOLICY_MODULUS && randompid > 0)
		id = pid_sequential(arc4random_uniform((uint32_t)randompid));
	else
		id = pid_sequential(0);
	if (id == 0)
		return EAGAIN;
	pid_take(id);
	if (!booted)
		pid_lastsystem = id;
	else
		lastpid = id;
	STAT_SET(lastpid, lastpid);
	*idp = id;
	return 0;
}

/* FreeBSD's RFHIGHPID. */
int
pid_alloc_high(pid_t *idp)
{
	pid_t from = MAX(lastpid % (pid_max + 1) + 1, PID_HIGH), id;

	if ((id = pid_scan(from, pid_max)) == 0 && (id = pid_scan(PID_HIGH, from)) == 0)
		return EAGAIN;
	pid_take(id);
	*idp = id;
	return 0;
}

/* Row C11: whatever the policy for processes, ids of threads tell nothing. */
int
tid_alloc(pid_t *idp)
{
	pid_t id = pid_random();

	if (id == 0)
		return EAGAIN;
	pid_take(id);
	*idp = id;
	return 0;
}

int
pid_alloc_wanted(pid_t id)
{
	if (id < 1 || id > pid_max)
		return EINVAL;
	if (pid_taken(id))
		return EEXIST;
	pid_take(id);
	return 0;
}

pid_t
pid_next(pid_t after)
{
	for (pid_t id = after + 1; id <= pid_map_max;) {
		uint64_t taken = pid_map[id / WORD_BITS] >> (id % WORD_BITS);

		if (taken != 0) {
			id += __builtin_ctzll(taken);
			return id <= pid_map_max ? id : 0;
		}
		id = (id / WORD_BITS + 1) * WORD_BITS;
	}
	return 0;
}

/* Is id still the name of something? */
static bool
pid_used(pid_t id)
{
	return zprfind(id) != NULL || tfind(id) != NULL || pgfind(id) != NULL ||
	       session_find(id) != NULL;
}

void
pid_release(pid_t id)
{
	pid_t old;

	if (id == 0 || pid_used(id))
		return;
	/* Row C8: it stays taken until 128 others have been freed. */
	old = oldpids[oldpid_next];
	oldpids[oldpid_next] = id;
	oldpid_next = (oldpid_next + 1) % NOLDPIDS;
	if (old != 0) {
		pid_map[old / WORD_BITS] &= ~(1UL << (old % WORD_BITS));
		pid_ntaken--;
	}
}

/* An id that was allocated and never used for anything: free at once. */
void
pid_unalloc(pid_t id)
{
	pid_map[id / WORD_BITS] &= ~(1UL << (id % WORD_BITS));
	pid_ntaken--;
}
