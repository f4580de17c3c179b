/* SPDX-License-Identifier: ISC */
/* sys_caps.c: capabilities as programs see them: uid 0 has all, others none; they cannot be split.
 */
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>

#define CAP_VERSION_1 0x19980330u
#define CAP_VERSION_2 0x20071026u
#define CAP_VERSION_3 0x20080522u
#define CAP_ALL 0x1ffffffffffUL /* 41 of them */

struct cap_header {
	uint32_t version;
	int32_t pid;
};
struct cap_data {
	uint32_t effective, permitted, inheritable;
};

/* Number of cap_data of the caller's version; a version unknown here is answered with ours. */
static int
cap_header(vaddr_t uaddr, struct cap_header *h, int *n)
{
	uint32_t ours = CAP_VERSION_3;
	int error = copyin((const void *)uaddr, h, sizeof(*h));

	if (error != 0)
		return error;
	switch (h->version) {
	case CAP_VERSION_1:
		*n = 1;
		return 0;
	case CAP_VERSION_2:
	case CAP_VERSION_3:
		*n = 2;
		return 0;
	default:
		error = copyout(&ours, (void *)uaddr, sizeof(ours));
		return error != 0 ? error : EINVAL;
	}
}

static uint64_t
caps_of(const struct process *ps)
{
	return ps->ps_cred->cr_uid == 0 ? CAP_ALL : 0;
}

SYSCALL(capget)
{
	struct cap_data data[2] = {{0, 0, 0}, {0, 0, 0}};
	struct process *ps = td->td_proc;
	struct cap_header h;
	int error, n;

	error = cap_header(a[0], &h, &n);
	if (error == EINVAL && a[1] == 0)
		return 0; /* asking for the version */
	if (error != 0)
		return error;
	if (h.pid < 0)
		return EINVAL;
	if (h.pid != 0 && (ps = prfind(h.pid)) == NULL)
		return ESRCH;
	if (a[1] == 0)
		return 0;
	for (int i = 0; i < n; i++)
		data[i].effective = data[i].permitted = (uint32_t)(caps_of(ps) >> (32 * i));
	return copyout(data, (void *)a[1], (size_t)n * sizeof(data[0]));
}

/* Asking for what one has succeeds; anything else cannot be had. */
SYSCALL(capset)
{
	struct cap_data data[2];
	struct cap_header h;
	int error, n;

	if ((error = cap_header(a[0], &h, &n)) != 0)
		return error;
	if (h.pid != 0 && h.pid != td->td_proc->ps_pid)
		return EPERM;
	if ((error = copyin((const void *)a[1], data, (size_t)n * sizeof(data[0]))) != 0)
		return error;
	for (int i = 0; i < n; i++) {
		uint32_t have = (uint32_t)(caps_of(td->td_proc) >> (32 * i));
		uint32_t known = (uint32_t)(CAP_ALL >> (32 * i));

		if ((data[i].effective & known) != have || (data[i].permitted & known) != have)
			return EPERM;
	}
	return 0;
}
