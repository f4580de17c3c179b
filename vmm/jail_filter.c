/* SPDX-License-Identifier: ISC */
/* jail_filter.c: leave each thread of a VMM process only the system calls it needs. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
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

#define PROGRAM_MAX 256

static int
load(const struct sock_filter *program, size_t n)
{
	/* Not on the heap: a thread would get one of its own. */
	struct sock_filter copy[PROGRAM_MAX];
	struct sock_fprog prog = {.len = (unsigned short)n, .filter = copy};

	memcpy(copy, program, n * sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		if (copy[i].k == FILTER_SELF)
			copy[i].k = (uint32_t)getpid();
	/* jail_process() has set no_new_privs. */
	if (FILTERED && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return -errno;
	return 0;
}

#define LENGTH(program) (sizeof(program) / sizeof((program)[0]))
#define LOAD(program) load(program, LENGTH(program))
_Static_assert(LENGTH(vcpu_program) <= PROGRAM_MAX && LENGTH(io_program) <= PROGRAM_MAX &&
		   LENGTH(debug_program) <= PROGRAM_MAX,
	       "raise PROGRAM_MAX");

int
jail_io_thread(bool debug, struct tine_error *error)
{
	int r = debug ? LOAD(debug_program) : LOAD(io_program);

	return r == 0 ? 0
		      : tine_error_set(error, -r, "jail-failed", "system call filter: %s",
				       strerror(-r));
}

void
jail_vcpu_thread(void)
{
	if (LOAD(vcpu_program) != 0) {
		fputs("tine: cannot confine the vCPU thread\n", stderr);
		abort();
	}
}
