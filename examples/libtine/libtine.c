/* SPDX-License-Identifier: ISC */
/* libtine.c: native calls that are plain functions. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "libtine.h"
#include "tine.h"

/* What the assembly got from the kernel, as a C function returns it. */
long
tine_result(long r)
{
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

pid_t
rfork_thread(int flags, void *stack, int (*func)(void *), void *arg)
{
	return (pid_t)tine_result(tine_rfork_thread(flags, stack, func, arg));
}

pid_t
__tfork_thread(const struct __tfork *param, size_t psize, void (*func)(void *), void *arg)
{
	return (pid_t)tine_result(tine_tfork_thread(param, psize, func, arg));
}

int
forkwatch_open(pid_t pid, unsigned mask, int flags)
{
	return (int)syscall(TINE_SYS_forkwatch_open, pid, mask, flags);
}

long
vmfork(void)
{
	return syscall(TINE_SYS_vmfork);
}

long
tine_freeze(void)
{
	return syscall(TINE_SYS_tine_freeze);
}

static const volatile struct tine_generation *
map_generation(void)
{
	int fd = open("/dev/vmgenid", O_RDONLY | O_CLOEXEC), saved;
	void *p;

	if (fd < 0)
		return NULL;
	p = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, fd, 0);
	saved = errno;
	close(fd);
	errno = saved;
	return p != MAP_FAILED ? p : NULL;
}

/* Of threads that ask first at the same time one mapping too many may stay: it does no harm. */
const volatile struct tine_generation *
tine_generation_page(void)
{
	static const volatile struct tine_generation *page;
	const volatile struct tine_generation *p = __atomic_load_n(&page, __ATOMIC_ACQUIRE);

	if (p == NULL && (p = map_generation()) != NULL)
		__atomic_store_n(&page, p, __ATOMIC_RELEASE);
	return p;
}

ssize_t
forkstat(struct tine_stats *st, size_t size)
{
	return syscall(TINE_SYS_forkstat, st, size);
}

int
tine_sysctl(const char *name, char *old, size_t *oldlen, const char *newval)
{
	return (int)syscall(TINE_SYS_tine_sysctl, name, old, oldlen, newval);
}

int
pledge(const char *promises, const char *const paths[])
{
	return (int)syscall(TINE_SYS_pledge, promises, paths);
}

int
ktrace(int fd, int ops, unsigned facs, pid_t pid)
{
	return (int)syscall(TINE_SYS_ktrace, fd, ops, facs, pid);
}

ssize_t
profil_op(pid_t pid, int op, struct profil_entry *buf, size_t size)
{
	return syscall(TINE_SYS_profil, pid, op, buf, size);
}

int
ptrace_event_mask(pid_t pid, int mask)
{
	return (int)syscall(TINE_SYS_ptrace_event_mask, pid, mask);
}

int
ptrace_process_state(pid_t pid, struct ptrace_report *pr)
{
	return (int)syscall(TINE_SYS_ptrace_process_state, pid, pr, sizeof(*pr));
}
