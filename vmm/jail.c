/* SPDX-License-Identifier: ISC */
/*
 * jail.c: what a VMM process gives up before its guest runs, filters apart (jail_filter.c).
 *
 * A guest that broke out of its VM would find itself in a process without privileges, without core
 * files, in namespaces that hold no files and no IPC (where the host lets its caller make them),
 * and with a list of system calls that reaches nothing but the descriptors already open.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail.h"
#include "vmm.h"

/* Descriptors that are open stay usable; new ones come only from a debugger's connection. */
#define FILES_MAX 64u

static int
limit(int what, rlim_t value)
{
	struct rlimit rl;

	if (getrlimit((__rlimit_resource_t)what, &rl) < 0)
		return -errno;
	if (rl.rlim_max == RLIM_INFINITY || rl.rlim_max > value)
		rl.rlim_cur = rl.rlim_max = value;
	return setrlimit((__rlimit_resource_t)what, &rl) < 0 ? -errno : 0;
}

/* An empty, read-only root.  In a new mount namespace only. */
static void
leave_file_system(void)
{
	static const char *const places[] = {"/tmp", "/mnt", "/proc"};
	bool mounted = false;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return;
	for (size_t i = 0; !mounted && i < sizeof(places) / sizeof(places[0]); i++)
		mounted = mount("tine", places[i], "tmpfs",
				MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "size=4k") == 0 &&
			  chdir(places[i]) == 0;
	if (!mounted)
		return;
	/* The old root comes to lie over the new one and is then taken off.  An initramfs cannot be
	 * pivoted away from; there a plain chroot has to do. */
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		umount2(".", MNT_DETACH);
	else if (chroot(".") < 0)
		return;
	if (chdir("/") < 0)
		return;
}

/* Best effort: a host may forbid user namespaces to ordinary users.  No network namespace: it costs
 * more than all the others together, and there is no system call left that makes a socket. */
static void
enter_namespaces(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) == 0)
		leave_file_system();
}

static void
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2];

	memset(none, 0, sizeof(none));
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	syscall(SYS_capset, &head, none);
}

int
jail_process(struct tine_error *error)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return tine_error_set(error, errno, "jail-failed", "no_new_privs: %s",
				      strerror(errno));
	/* Guest memory must not end up in a core file.  The process stays "dumpable", because only
	 * then may a daemon that is not root read its memory statistics. */
	if (limit(RLIMIT_CORE, 0) != 0 || limit(RLIMIT_NOFILE, FILES_MAX) != 0)
		return tine_error_set(error, errno, "jail-failed", "setrlimit: %s",
				      strerror(errno));
	enter_namespaces();
	drop_capabilities();
	return 0;
}
