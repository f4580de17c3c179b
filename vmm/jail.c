/* SPDX-License-Identifier: ISC */
/*
 * jail.c: what a VMM process gives up before its guest runs, filters apart (jail_filter.c).
 *
 * A guest that broke out of its VM would find itself in a process without privileges, without core
 * files, with an empty root (where the host lets its caller have one), and with a list of system
 * calls that reaches nothing but the descriptors already open.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
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

/* A directory of procfs that has been empty since Linux 1.3 and that nobody can write to. */
#define EMPTY_DIRECTORY "/proc/tty/ldisc"

/* An empty, read-only root, where there is no such directory.  In a new mount namespace only. */
static bool
mount_empty_root(void)
{
	static const char *const places[] = {"/tmp", "/mnt", "/proc"};
	bool mounted = false;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	for (size_t i = 0; !mounted && i < sizeof(places) / sizeof(places[0]); i++)
		mounted = mount("tine", places[i], "tmpfs",
				MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "size=4k") == 0 &&
			  chdir(places[i]) == 0;
	if (!mounted)
		return false;
	/* The old root comes to lie over the new one and is then taken off.  An initramfs cannot be
	 * pivoted away from; there a plain chroot has to do. */
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH) == 0;
	return chroot(".") == 0;
}

static bool
chroot_empty(void)
{
	return chroot(EMPTY_DIRECTORY) == 0;
}

/*
 * No file is within reach: the root is empty, there is no capability to leave it with (they are
 * dropped next), and no descriptor of a directory is open.  That takes a user namespace where the
 * caller has no privileges, best effort, since a host may forbid it; and a mount namespace only
 * where there is no empty directory.  Other namespaces would cost much and add nothing: the system
 * calls that reach System V IPC, host names, message queues and new sockets are not in any filter.
 */
static void
leave_file_system(void)
{
	bool left = chroot_empty();

	if (!left && errno == EPERM && unshare(CLONE_NEWUSER) == 0)
		left = chroot_empty();
	if (!left && unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0)
		left = mount_empty_root();
	if (left && chdir("/") < 0)
		abort(); /* it has just become the root */
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
	leave_file_system();
	drop_capabilities();
	return 0;
}
