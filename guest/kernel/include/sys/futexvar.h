/* SPDX-License-Identifier: ISC */
/* futexvar.h: between the parts of the futex code (kern_futex.c, kern_robust.c, sys_futex.c). */
#ifndef SYS_FUTEXVAR_H
#define SYS_FUTEXVAR_H

#include <sys/types.h>

#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3fffffffu

struct thread;
struct vm_object;
struct futex_key {
	const void *fk_space;        /* object or address space */
	uint64_t fk_offset;          /* in the object, or the address */
	struct vm_object *fk_object; /* to hold while somebody waits, or NULL */
};
/* EINVAL: not aligned; EFAULT: nothing mapped there. */
int futex_key(struct thread *, vaddr_t uaddr, bool private, struct futex_key *);
/* What a thread waits for: that somebody wakes the word, while it has the value. */
struct futex_wait {
	vaddr_t uaddr;
	uint32_t value, bitset;
	nsec_t deadline; /* as tsleep() has it; 0 = none */
	bool private;    /* as futex_key() has it */
	bool wall;       /* the deadline is the wall clock's */
};
/* EAGAIN: the word is not as expected; EINTR, ETIMEDOUT, EFAULT, EINVAL. */
int futex_wait(struct thread *, const struct futex_wait *);
int futex_wake_key(const struct futex_key *, int n, uint32_t bitset);
int futex_requeue_key(const struct futex_key *from, const struct futex_key *to, int nwake,
		      int nmove);

#endif
