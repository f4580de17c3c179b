/* SPDX-License-Identifier: ISC */
/* pagemap.c: /proc/PID/pagemap for a process that is not trusted. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "pagemap.h"

/* Of the calling thread. */
static void
set_capabilities(const struct __user_cap_data_struct caps[2])
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	if (syscall(SYS_capset, &head, caps) < 0)
		abort(); /* to do without one, and to have it again, is always allowed */
}

int
pagemap_open(pid_t pid)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct own[2], less[2];
	char path[32];
	int fd, err;

	if (syscall(SYS_capget, &head, own) < 0)
		return -errno;
	memcpy(less, own, sizeof(less));
	less[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective &= ~CAP_TO_MASK(CAP_SYS_ADMIN);
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	set_capabilities(less);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	err = errno;
	set_capabilities(own);
	return fd >= 0 ? fd : -err;
}
