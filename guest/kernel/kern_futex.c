/* SPDX-License-Identifier: ISC */
/*
 * kern_futex.c: waiting on and waking words of user memory.
 *
 * A word in a MAP_SHARED mapping is known by object and offset, so that processes that map it
 * differently meet; any other word by address space and address.  A waiter is a structure on the
 * sleeping thread's stack; it holds its object, so that a key never names freed memory.
 */
#include <sys/futex.h>
#include <sys/futexvar.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vm.h>

#define NBUCKETS 256

struct futex_waiter {
	TAILQ_ENTRY(futex_waiter) fw_link;
	struct futex_key fw_key;
	uint32_t fw_bitset;
	bool fw_woken; /* and out of the queue */
};
TAILQ_HEAD(futexq, futex_waiter);

static struct futexq buckets[NBUCKETS] __large_bss;

static struct futexq *
bucket_of(const struct futex_key *key)
{
	uint64_t h = ((uintptr_t)key->fk_space >> 4) ^ (key->fk_offset >> 2);
	struct futexq *q = &buckets[(h ^ h >> 8 ^ h >> 20) % NBUCKETS];

	if (q->lastp == NULL) /* never used: as zeroed at boot */
		TAILQ_INIT(q);
	return q;
}

static bool
key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->fk_space == b->fk_space && a->fk_offset == b->fk_offset;
}

/* With private the program promises that nobody else shares the word: no look at the map. */
int
futex_key(struct thread *td, vaddr_t uaddr, bool private, struct futex_key *key)
{
	struct vmspace *vm = td->td_proc->ps_vmspace;
	const struct region *r;

	if (uaddr & 3)
		return EINVAL;
	if (uaddr >= VM_USER_MAX)
		return EFAULT;
	*key = (struct futex_key){.fk_space = vm, .fk_offset = uaddr};
	if (private)
		return 0;
	if ((r = vm_map_lookup(vm->vm_map, uaddr)) == NULL)
		return EFAULT;
	if (r->r_flags & R_SHARED && r->r_object != NULL) {
		key->fk_space = key->fk_object = r->r_object;
		key->fk_offset = r->r_offset + (uaddr - r->r_start);
	}
	return 0;
}

static void
enqueue(struct futex_waiter *fw, const struct futex_key *key)
{
	fw->fw_key = *key;
	if (key->fk_object != NULL)
		vm_object_hold(key->fk_object);
	TAILQ_INSERT_TAIL(bucket_of(key), fw, fw_link);
}

static void
dequeue(struct futex_waiter *fw)
{
	TAILQ_REMOVE(bucket_of(&fw->fw_key), fw, fw_link);
	if (fw->fw_key.fk_object != NULL)
		vm_object_release(fw->fw_key.fk_object);
}

int
futex_wait(struct thread *td, const struct futex_wait *wait)
{
	struct futex_waiter fw = {.fw_bitset = wait->bitset};
	struct futex_key key;
	uint32_t value;
	int error = futex_key(td, wait->uaddr, wait->private, &key);

	if (error != 0 || (error = user_load32((const uint32_t *)wait->uaddr, &value)) != 0)
		return error;
	if (value != wait->value)
		return EAGAIN;
	enqueue(&fw, &key);
	while (error == 0 && !fw.fw_woken)
		error = tsleep(&fw, PCATCH | (wait->wall ? PWALL : 0), "futex", wait->deadline);
	if (fw.fw_woken) /* whatever else happened at the same time, the wake-up counts */
		return 0;
	dequeue(&fw);
	return error;
}

int
futex_wake_key(const struct futex_key *key, int n, uint32_t bitset)
{
	struct futex_waiter *fw, *next;
	int woken = 0;

	TAILQ_FOREACH_SAFE (fw, bucket_of(key), fw_link, next) {
		if (woken >= n)
			break;
		if (!key_equal(&fw->fw_key, key) || (fw->fw_bitset & bitset) == 0)
			continue;
		dequeue(fw);
		fw->fw_woken = true;
		wakeup(fw);
		woken++;
	}
	return woken;
}

int
futex_requeue_key(const struct futex_key *from, const struct futex_key *to, int nwake, int nmove)
{
	struct futex_waiter *fw, *next;
	int done = futex_wake_key(from, nwake, ~0u), moved = 0;

	if (key_equal(from, to))
		return done;
	TAILQ_FOREACH_SAFE (fw, bucket_of(from), fw_link, next) {
		if (moved >= nmove)
			break;
		if (!key_equal(&fw->fw_key, from))
			continue;
		dequeue(fw);
		enqueue(fw, to);
		moved++;
	}
	return done + moved;
}

int
futex_wake(struct thread *td, vaddr_t uaddr, int n)
{
	struct futex_key key;
	int woken;

	if (td->td_proc->ps_vmspace == NULL || futex_key(td, uaddr, false, &key) != 0)
		return 0;
	woken = futex_wake_key(&key, n, ~0u);
	return woken;
}
