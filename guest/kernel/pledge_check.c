/* SPDX-License-Identifier: ISC */
/*
 * pledge_check.c: is this system call within the process's promises?
 *
 * Arguments in memory are looked at here and read again by the call itself.  Between the two nobody
 * else runs: the kernel is not preempted and neither of them sleeps.
 */
#include <sys/kmem.h>
#include <sys/pledge.h>
#include <sys/proc.h>
#include <sys/sched.h>
#include <sys/signal.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vnode.h>

/* ---- the end of who breaks a promise ---- */

static const char *
promise_name(uint32_t missing)
{
	static const char *const names[] = {
#define PLEDGE_NAME(name, text) text,
	    PLEDGE_PROMISES(PLEDGE_NAME)
#undef PLEDGE_NAME
	};

	missing &= ~(uint32_t)PLEDGE_ALWAYS;
	return missing != 0 ? names[__builtin_ctz(missing)] : "";
}

/* Not a signal that could be caught or blocked: the process is not to run on. */
static int
pledge_fail(struct thread *td, uint64_t nr, uint32_t missing)
{
	const struct process *ps = td->td_proc;

	if (ps->ps_pledge & PLEDGE_ERROR)
		return ENOSYS;
	kprintf(LOG_NOTICE, "pledge: %s(%d): %s, promise \"%s\"", ps->ps_comm, ps->ps_pid,
		sysent[nr].sy_name, promise_name(missing));
	sigexit(td, SIGABRT);
}

/* ---- paths ---- */

int
pledge_name_path(struct vnode *dir, const char *name, size_t len, char *buf, size_t size)
{
	size_t n;
	int error = vnode_path(dir, buf, size);

	if (error != 0 || len == 0)
		return error;
	n = strlen(buf);
	if (n == 1)
		n = 0; /* "/" */
	if (n + 1 + len >= size)
		return ENAMETOOLONG;
	buf[n] = '/';
	memcpy(buf + n + 1, name, len);
	buf[n + 1 + len] = '\0';
	return 0;
}

/* What a promise lets a process do with some paths although it cannot with others. */
static const struct exception {
	uint32_t promise, need; /* with promise: all of need */
	const char *path; /* ending in '/': one name below; in '*': everything that begins so */
} exceptions[] = {
    {PLEDGE_STDIO, PLEDGE_RPATH | PLEDGE_WPATH, "/dev/null"},
    {PLEDGE_STDIO, PLEDGE_RPATH, "/etc/localtime"},
    {PLEDGE_STDIO, PLEDGE_RPATH, "/usr/share/zoneinfo/*"},
    {PLEDGE_TMPPATH, PLEDGE_RPATH | PLEDGE_WPATH | PLEDGE_CPATH, "/tmp/"},
    {PLEDGE_GETPW, PLEDGE_RPATH, "/etc/passwd"},
    {PLEDGE_GETPW, PLEDGE_RPATH, "/etc/group"},
    {PLEDGE_GETPW, PLEDGE_RPATH, "/etc/nsswitch.conf"},
    {PLEDGE_TTY, PLEDGE_RPATH | PLEDGE_WPATH, "/dev/tty"},
    {PLEDGE_VMINFO, PLEDGE_RPATH, "/proc/meminfo"},
    {PLEDGE_VMINFO, PLEDGE_RPATH, "/proc/stat"},
    {PLEDGE_VMINFO, PLEDGE_RPATH, "/proc/loadavg"},
    {PLEDGE_VMINFO, PLEDGE_RPATH, "/proc/uptime"},
    {PLEDGE_VMINFO, PLEDGE_RPATH, "/proc/cpuinfo"},
    {PLEDGE_VMINFO, PLEDGE_RPATH, "/sys/devices/system/cpu/*"},
    {PLEDGE_PS, PLEDGE_RPATH, "/proc"},
    {PLEDGE_PS, PLEDGE_RPATH, "/proc/*"},
};

static bool
path_fits(const char *path, const char *pattern)
{
	size_t len = strlen(pattern);

	switch (pattern[len - 1]) {
	case '*':
		return strncmp(path, pattern, len - 1) == 0;
	case '/':
		return strncmp(path, pattern, len) == 0 && path[len] != '\0' &&
		       strchr(path + len, '/') == NULL;
	default:
		return strcmp(path, pattern) == 0;
	}
}

bool
pledge_path_excepted(uint32_t promises, uint32_t need, const char *path)
{
	for (size_t i = 0; i < nitems(exceptions); i++) {
		const struct exception *ex = &exceptions[i];

		if (promises & ex->promise && (need & ~ex->need) == 0 && path_fits(path, ex->path))
			return true;
	}
	return false;
}

/* The name the path stands for once links are followed, so that none leads from an exception to
 * elsewhere. */
static int
real_path(struct thread *td, int dirfd, vaddr_t upath, unsigned flags, char *buf)
{
	unsigned ni = NI_PARENT | (flags & PLEDGE_P_NAME ? 0 : NI_FOLLOW);
	struct nameidata nd;
	int error = namei(td, dirfd, (const char *)upath, ni, &nd);

	if (error != 0)
		return error;
	error = pledge_name_path(nd.ni_lastdot && nd.ni_vp != NULL ? nd.ni_vp : nd.ni_dvp,
				 nd.ni_name, nd.ni_lastdot ? 0 : nd.ni_namelen, buf, PATH_MAX);
	namei_done(&nd);
	return error;
}

/* Something that would be excepted, if only its directory existed: it may hear that. */
static bool
named_as_excepted(uint32_t promises, uint32_t need, vaddr_t upath, char *buf)
{
	size_t len;

	return copyinstr((const void *)upath, buf, PATH_MAX, &len) == 0 &&
	       pledge_path_excepted(promises, need, buf);
}

static bool
empty_path(vaddr_t upath)
{
	char c;

	return upath == 0 || (copyin((const void *)upath, &c, 1) == 0 && c == '\0');
}

uint32_t
pledge_path(struct thread *td, int dirfd, vaddr_t path, unsigned flags, uint32_t need, int *error)
{
	uint32_t promises = td->td_proc->ps_pledge, missing = need & ~promises;
	bool absent;
	char *buf;

	if (missing == 0)
		return 0;
	if (flags & PLEDGE_P_EMPTY && empty_path(path))
		return PLEDGE_STDIO & ~promises;
	if ((buf = kmalloc(PATH_MAX, 0)) == NULL) {
		*error = ENOMEM;
		return 0;
	}
	*error = real_path(td, dirfd, path, flags, buf);
	/* Whether anything else is there is no business of the process's. */
	absent = *error == ENOENT && named_as_excepted(promises, need, path, buf);
	if (absent || *error == ENOMEM ||
	    (*error == 0 && pledge_path_excepted(promises, need, buf)))
		missing = 0;
	else
		*error = 0;
	kfree(buf);
	return missing;
}

/* A call may have several paths; rows of the table stand together. */
static uint32_t
check_paths(struct thread *td, uint64_t nr, const uint64_t *a, int *error)
{
	for (size_t i = 0; i < pledge_npath_calls; i++) {
		const struct pledge_path_call *pc = &pledge_path_calls[i];
		uint32_t missing;

		if (pc->nr != nr)
			continue;
		missing = pledge_path(td, pc->dirarg == PLEDGE_CWD ? AT_FDCWD : (int)a[pc->dirarg],
				      a[pc->patharg], pc->flags, pc->need, error);
		if (missing != 0 || *error != 0)
			return missing;
	}
	return 0;
}

/* ---- the check ---- */

int
pledge_syscall(struct thread *td, uint64_t nr, const uint64_t *a)
{
	const struct pledge_call *pc = &pledge_calls[nr];
	uint32_t promises = td->td_proc->ps_pledge, missing = 0;
	int error = 0;

	if (sysent[nr].sy_call == NULL)
		return 0; /* ENOSYS does no harm */
	if ((promises & pc->any) == 0)
		return pledge_fail(td, nr, pc->any);
	if (pc->check != NULL)
		missing = pc->check(td, a, &error);
	if (missing == 0 && error == 0)
		missing = check_paths(td, nr, a, &error);
	return missing != 0 ? pledge_fail(td, nr, missing) : error;
}
