/* SPDX-License-Identifier: ISC */
/*
 * jail_filter.c: leave the threads of a VMM process only the system calls they need.
 *
 * All have the same filter: they share their memory, so whoever controls one makes the others do
 * what it may not.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail.h"
#include "jail_filter.h"
#include "jail_programs.inc" /* made by jail_filter_gen.c */
#include "vmm.h"

/* The sanitizers make system calls of their own, at any time. */
#if defined(__SANITIZE_ADDRESS__)
#define FILTERED 0
#else
#define FILTERED 1
#endif

/* Of a process once: the program becomes its own.  jail_process() has set no_new_privs. */
static long
load(struct sock_filter *program, size_t n)
{
	struct sock_fprog prog = {.len = (unsigned short)n, .filter = program};
	uint32_t self = (uint32_t)getpid();

	if (!FILTERED)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (program[i].k == FILTER_SELF)
			program[i].k = self;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog);
}

#define LOAD(program) load(program, sizeof(program) / sizeof((program)[0]))

int
jail_threads(enum jail_filter filter, struct tine_error *error)
{
	long r = filter == JAIL_FILTER_RUN      ? LOAD(run_program)
		 : filter == JAIL_FILTER_SERVED ? LOAD(served_program)
		 : filter == JAIL_FILTER_DEBUG  ? LOAD(debug_program)
		 : filter == JAIL_FILTER_ZYGOTE ? LOAD(zygote_program)
						: LOAD(child_program);

	if (r == 0)
		return 0;
	if (r > 0) /* a thread with a filter of its own; none has been changed */
		return tine_error_set(error, EBUSY, "jail-failed",
				      "system call filter: thread %ld cannot be given it", r);
	return tine_error_set(error, errno, "jail-failed", "system call filter: %s",
			      strerror(errno));
}
