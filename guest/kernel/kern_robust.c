/* SPDX-License-Identifier: ISC */
/* kern_robust.c: what a dying thread leaves in user memory: robust futexes, its cleared tid. */
#include <sys/futex.h>
#include <sys/futexvar.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vm.h>

#define ROBUST_MAX 2048 /* locks looked at: the list is the program's and may be a ring */

struct robust_head {
	vaddr_t list;
	int64_t offset; /* from an entry to its futex word */
	vaddr_t pending;
};

/* Bit 0 of a list pointer marks a priority-inheritance lock; those do not exist here. */
static vaddr_t
entry_addr(vaddr_t entry)
{
	return entry & ~1UL;
}

/* If td still owns the lock at uaddr: mark it and wake one waiter. */
static int
owner_died(struct thread *td, vaddr_t uaddr, bool pending)
{
	uint32_t *word = (uint32_t *)uaddr, value, old;
	int error;

	if (uaddr & 3)
		return EFAULT;
	if ((error = user_load32(word, &value)) != 0)
		return error;
	/* It died between unlocking and waking. */
	if (pending && value == 0) {
		futex_wake(td, uaddr, 1);
		return 0;
	}
	for (;;) {
		if ((value & FUTEX_TID_MASK) != (uint32_t)td->td_tid)
			return 0;
		error = user_cas32(word, value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &old);
		if (error != 0)
			return error;
		if (old == value)
			break;
		value = old;
	}
	if (value & FUTEX_WAITERS)
		futex_wake(td, uaddr, 1);
	return 0;
}

static void
robust_walk(struct thread *td)
{
	struct robust_head head;
	vaddr_t entry, next;

	if (copyin((const void *)td->td_robust_list, &head, sizeof(head)) != 0)
		return;
	entry = head.list;
	for (int i = 0; i < ROBUST_MAX && entry_addr(entry) != td->td_robust_list; i++) {
		/* Read the link first: the next owner may take the entry away at once. */
		if (copyin((const void *)entry_addr(entry), &next, sizeof(next)) != 0)
			return;
		if (entry_addr(entry) != entry_addr(head.pending) &&
		    owner_died(td, entry_addr(entry) + (uint64_t)head.offset, false) != 0)
			return;
		entry = next;
	}
	if (entry_addr(head.pending) != 0)
		owner_died(td, entry_addr(head.pending) + (uint64_t)head.offset, true);
}

void
futex_thread_exit(struct thread *td)
{
	struct process *ps = td->td_proc;
	uint32_t zero = 0;

	if (ps->ps_vmspace == NULL)
		return;
	if (td->td_robust_list != 0)
		robust_walk(td);
	if (td->td_clear_tid != 0 && (ps->ps_nthreads > 1 || ps->ps_vmspace->vm_refs > 1) &&
	    copyout(&zero, (void *)td->td_clear_tid, sizeof(zero)) == 0)
		futex_wake(td, td->td_clear_tid, 1);
	td->td_robust_list = 0;
	td->td_clear_tid = 0;
}

SYSCALL(set_tid_address)
{
	td->td_clear_tid = a[0];
	*retval = td->td_tid;
	return 0;
}

SYSCALL(set_robust_list)
{
	if (a[1] != sizeof(struct robust_head))
		return EINVAL;
	td->td_robust_list = a[0];
	td->td_robust_len = a[1];
	return 0;
}

SYSCALL(get_robust_list)
{
	struct thread *t = (pid_t)a[0] == 0 ? td : tfind((pid_t)a[0]);
	uint64_t len = sizeof(struct robust_head);
	int error;

	if (t == NULL)
		return ESRCH;
	if (t->td_proc != td->td_proc && !suser(td))
		return EPERM;
	if ((error = copyout(&len, (void *)a[2], sizeof(len))) != 0)
		return error;
	return copyout(&t->td_robust_list, (void *)a[1], sizeof(t->td_robust_list));
}
