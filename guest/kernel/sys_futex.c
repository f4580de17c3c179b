/* SPDX-License-Identifier: ISC */
/* sys_futex.c: the futex system call.  Priority-inheritance operations are not there: ENOSYS. */
#include <sys/futexvar.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/time.h>

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAKE_OP 5
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_PRIVATE_FLAG 128
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_CMD_MASK (~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME))
#define FUTEX_ANY (~0u)

struct futex_args {
	vaddr_t uaddr, uaddr2;
	uint32_t val, val2, val3; /* val2 shares its register with the timeout */
	vaddr_t timeout;
	int cmd;
	bool private, realtime;
};

/* ---- waiting ---- */

static int wait_restart(struct thread *, long *);

/* A wait with a timeout goes on to the same deadline; td_restart_arg keeps all of it. */
static int
do_wait(struct thread *td, const struct futex_wait *fw)
{
	int error = futex_wait(td, fw);

	if (error != EINTR)
		return error;
	if (fw->deadline == 0)
		return ERESTART;
	_Static_assert(sizeof(*fw) <= sizeof(td->td_restart_arg), "td_restart_arg");
	memcpy(td->td_restart_arg, fw, sizeof(*fw));
	td->td_restart = wait_restart;
	return ERESTART_BLOCK;
}

static int
wait_restart(struct thread *td, long *retval __unused)
{
	struct futex_wait fw;

	memcpy(&fw, td->td_restart_arg, sizeof(fw));
	return do_wait(td, &fw);
}

/* The timeout of FUTEX_WAIT is relative, that of FUTEX_WAIT_BITSET absolute. */
static int
op_wait(struct thread *td, const struct futex_args *fa)
{
	bool absolute = fa->cmd == FUTEX_WAIT_BITSET;
	int clock = fa->realtime && absolute ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	struct futex_wait fw = {.uaddr = fa->uaddr,
				.value = fa->val,
				.bitset = absolute ? fa->val3 : FUTEX_ANY,
				.private = fa->private};
	nsec_t t;
	int error;

	if (fw.bitset == 0)
		return EINVAL;
	if (fa->timeout != 0) {
		if ((error = copyin_timespec(fa->timeout, &t)) != 0)
			return error;
		fw.deadline = clock_deadline(clock, t, absolute, &fw.wall);
	}
	return do_wait(td, &fw);
}

/* ---- waking and moving ---- */

/* How many to wake: Linux looks at the number only when it has woken one.  Programs that mean all
 * pass -1. */
static int
wake_count(uint32_t val)
{
	return MAX((int)val, 1);
}

static int
op_wake(struct thread *td, const struct futex_args *fa, long *retval)
{
	uint32_t bitset = fa->cmd == FUTEX_WAKE_BITSET ? fa->val3 : FUTEX_ANY;
	struct futex_key key;
	int error;

	if (bitset == 0)
		return EINVAL;
	if ((error = futex_key(td, fa->uaddr, fa->private, &key)) != 0)
		return error;
	*retval = futex_wake_key(&key, wake_count(fa->val), bitset);
	return 0;
}

static int
two_keys(struct thread *td, const struct futex_args *fa, struct futex_key *k1, struct futex_key *k2)
{
	int error = futex_key(td, fa->uaddr, fa->private, k1);

	return error != 0 ? error : futex_key(td, fa->uaddr2, fa->private, k2);
}

static int
op_requeue(struct thread *td, const struct futex_args *fa, long *retval)
{
	struct futex_key from, to;
	uint32_t value;
	int error;

	if ((int)fa->val < 0 || (int)fa->val2 < 0)
		return EINVAL;
	if ((error = two_keys(td, fa, &from, &to)) != 0)
		return error;
	if (fa->cmd == FUTEX_CMP_REQUEUE) {
		if ((error = user_load32((const uint32_t *)fa->uaddr, &value)) != 0)
			return error;
		if (value != fa->val3)
			return EAGAIN;
	}
	*retval = futex_requeue_key(&from, &to, (int)fa->val, (int)fa->val2);
	return 0;
}

/* FUTEX_WAKE_OP's operation: bits 31-28 operation (8 = argument is a shift), 27-24 comparison,
 * 23-12 operand, 11-0 comparand, both signed. */
static int
wake_op_new(uint32_t code, uint32_t old, uint32_t *new)
{
	int32_t arg = (int32_t)(code << 8) >> 20;
	uint32_t operand = (uint32_t)arg;

	if (code & 0x80000000u)
		operand = 1u << (arg & 31);
	switch (code >> 28 & 7) {
	case 0:
		*new = operand;
		return 0;
	case 1:
		*new = old + operand;
		return 0;
	case 2:
		*new = old | operand;
		return 0;
	case 3:
		*new = old & ~operand;
		return 0;
	case 4:
		*new = old ^ operand;
		return 0;
	default:
		return ENOSYS;
	}
}

static int
wake_op_compare(uint32_t code, uint32_t value, bool *result)
{
	int32_t old = (int32_t)value, arg = (int32_t)(code << 20) >> 20;

	switch (code >> 24 & 15) {
	case 0:
		*result = old == arg;
		return 0;
	case 1:
		*result = old != arg;
		return 0;
	case 2:
		*result = old < arg;
		return 0;
	case 3:
		*result = old <= arg;
		return 0;
	case 4:
		*result = old > arg;
		return 0;
	case 5:
		*result = old >= arg;
		return 0;
	default:
		return ENOSYS;
	}
}

/* Change the word at uaddr atomically; *wake = whether its old value asks for the second wake. */
static int
wake_op_apply(vaddr_t uaddr, uint32_t code, bool *wake)
{
	uint32_t *word = (uint32_t *)uaddr, old, seen, new;
	int error = user_load32(word, &seen);

	do {
		old = seen;
		if (error == 0)
			error = wake_op_new(code, old, &new);
		if (error == 0)
			error = user_cas32(word, old, new, &seen);
		if (error != 0)
			return error;
	} while (seen != old);
	return wake_op_compare(code, old, wake);
}

static int
op_wake_op(struct thread *td, const struct futex_args *fa, long *retval)
{
	struct futex_key k1, k2;
	bool second;
	int error;

	if ((error = two_keys(td, fa, &k1, &k2)) != 0 ||
	    (error = wake_op_apply(fa->uaddr2, fa->val3, &second)) != 0)
		return error;
	*retval = futex_wake_key(&k1, wake_count(fa->val), FUTEX_ANY);
	if (second)
		*retval += futex_wake_key(&k2, wake_count(fa->val2), FUTEX_ANY);
	return 0;
}

SYSCALL(futex)
{
	struct futex_args fa = {.uaddr = a[0],
				.uaddr2 = a[4],
				.val = (uint32_t)a[2],
				.val2 = (uint32_t)a[3],
				.val3 = (uint32_t)a[5],
				.timeout = a[3],
				.cmd = (int)a[1] & FUTEX_CMD_MASK,
				.private = (a[1] & FUTEX_PRIVATE_FLAG) != 0,
				.realtime = (a[1] & FUTEX_CLOCK_REALTIME) != 0};

	if (fa.realtime && fa.cmd != FUTEX_WAIT_BITSET)
		return ENOSYS;
	switch (fa.cmd) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		return op_wait(td, &fa);
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
		return op_wake(td, &fa, retval);
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
		return op_requeue(td, &fa, retval);
	case FUTEX_WAKE_OP:
		return op_wake_op(td, &fa, retval);
	default:
		return ENOSYS;
	}
}
