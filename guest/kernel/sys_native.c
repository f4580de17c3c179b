/* SPDX-License-Identifier: ISC */
/* sys_native.c: native calls about the kernel itself: its variables and its statistics. */
#include <sys/native.h>
#include <sys/syscall.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <machine/stats.h>

#define NAME_LENGTH_MAX 64

/* A value is text.  *oldlen is the size of old, and becomes the length with the NUL. */
static int
sysctl_old(const char *name, vaddr_t old, vaddr_t oldlenp)
{
	char value[SYSCTL_VALUE_MAX];
	uint64_t room, len;
	int error;

	if ((error = copyin((const void *)oldlenp, &room, sizeof(room))) != 0 ||
	    (error = sysctl_get(name, value, sizeof(value))) != 0)
		return error;
	len = strlen(value) + 1;
	if ((error = copyout(&len, (void *)oldlenp, sizeof(len))) != 0)
		return error;
	if (old == 0)
		return 0; /* only the length is wanted */
	return room < len ? ENOMEM : copyout(value, (void *)old, len);
}

/* tine_sysctl(name, old, oldlenp, new): as sysctl(2) of the BSDs, by name and as text. */
SYSCALL(tine_sysctl)
{
	char name[NAME_LENGTH_MAX], value[SYSCTL_VALUE_MAX];
	size_t len;
	int error;

	error = copyinstr((const void *)a[0], name, sizeof(name), &len);
	if (error != 0)
		return error == ENAMETOOLONG ? ENOENT : error;
	if (a[3] != 0) {
		error = copyinstr((const void *)a[3], value, sizeof(value), &len);
		if (error != 0)
			return error == ENAMETOOLONG ? EINVAL : error;
	}
	if (a[2] != 0 && (error = sysctl_old(name, a[1], a[2])) != 0)
		return error;
	return a[3] != 0 ? sysctl_set(td, name, value) : 0;
}

/* forkstat(buf, size): as much of the statistics as fits; returns the size of all of them.  The
 * page is whole: nobody counts while we copy. */
SYSCALL(forkstat)
{
	int error = copyout(kstats, (void *)a[0], MIN(a[1], sizeof(*kstats)));

	if (error == 0)
		*retval = sizeof(*kstats);
	return error;
}
