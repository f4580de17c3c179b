/* SPDX-License-Identifier: ISC */
/*
 * kern_profil.c: profiling: at each clock tick the user program counter is counted in a table of
 * the process's, which is made at the first tick and never grows.
 *
 * A child is profiled if its parent is, into a table of its own (row B16); exec ends it, as the
 * counters mean nothing in another program.
 */
#include <sys/kmem.h>
#include <sys/profil.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/systm.h>

#define NSLOTS 1024 /* a power of 2 */
#define NPROBES 16

struct profile { /* hash table; a slot with count 0 is free */
	uint64_t pr_lost;
	struct profil_entry pr_slot[NSLOTS];
};

static size_t
slot_of(uint64_t pc)
{
	return (size_t)(pc * 0x9e3779b97f4a7c15UL >> 54) % NSLOTS;
}

/* The clock interrupts user mode only, so that allocating here is no different from anywhere. */
void
profil_tick(struct thread *td, vaddr_t pc)
{
	struct process *ps = td->td_proc;
	struct profile *pr = ps->ps_profile;

	if (pr == NULL && (pr = ps->ps_profile = kmalloc(sizeof(*pr), M_ZERO)) == NULL)
		return;
	for (size_t i = 0; i < NPROBES; i++) {
		struct profil_entry *e = &pr->pr_slot[(slot_of(pc) + i) % NSLOTS];

		if (e->count != 0 && e->pc != pc)
			continue;
		e->pc = pc;
		e->count++;
		return;
	}
	pr->pr_lost++;
}

void
profil_start(struct process *ps)
{
	profil_free(ps);
	ps->ps_flags |= PS_PROFIL;
	clock_reprogram(); /* it is the running process that wants ticks, perhaps */
}

void
profil_stop(struct process *ps)
{
	ps->ps_flags &= ~PS_PROFIL;
}

void
profil_free(struct process *ps)
{
	kfree(ps->ps_profile);
	ps->ps_profile = NULL;
}

static void
put(struct profil_entry *buf, size_t max, size_t *n, struct profil_entry e)
{
	if (*n < max)
		buf[*n] = e;
	++*n;
}

size_t
profil_read(const struct process *ps, struct profil_entry *buf, size_t max)
{
	const struct profile *pr = ps->ps_profile;
	size_t n = 0;

	if (pr == NULL)
		return 0;
	for (size_t i = 0; i < NSLOTS; i++)
		if (pr->pr_slot[i].count != 0)
			put(buf, max, &n, pr->pr_slot[i]);
	if (pr->pr_lost != 0)
		put(buf, max, &n, (struct profil_entry){.pc = PROFIL_LOST, .count = pr->pr_lost});
	return n;
}

static int
copyout_profile(const struct process *ps, vaddr_t uaddr, size_t size, long *retval)
{
	size_t n = profil_read(ps, NULL, 0), max = MIN(n, size / sizeof(struct profil_entry));
	struct profil_entry *buf;
	int error;

	*retval = (long)n;
	if (max == 0)
		return 0;
	if ((buf = kmalloc(max * sizeof(*buf), 0)) == NULL)
		return ENOMEM;
	profil_read(ps, buf, max);
	error = copyout(buf, (void *)uaddr, max * sizeof(*buf));
	kfree(buf);
	return error;
}

/* profil(pid, op, buf, size): reading returns the number of entries there are. */
SYSCALL(profil)
{
	struct process *ps = (pid_t)a[0] == 0 ? td->td_proc : prfind((pid_t)a[0]);
	int error;

	if (ps == NULL)
		return ESRCH;
	if (ps != td->td_proc && (error = cantrace(ps)) != 0)
		return error;
	switch ((int)a[1]) {
	case PROFIL_START:
		profil_start(ps);
		return 0;
	case PROFIL_STOP:
		profil_stop(ps);
		return 0;
	case PROFIL_READ:
		return copyout_profile(ps, a[2], a[3], retval);
	default:
		return EINVAL;
	}
}
