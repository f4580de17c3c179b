/* SPDX-License-Identifier: ISC */
/*
 * jail.h: give up what a VMM process no longer needs once the guest may run.
 *
 * Order: jail_process() while there is one thread and everything has been acquired; then the vCPU
 * thread is started, which calls jail_threads() before anything of the guest runs.
 */
#ifndef TINE_VMM_JAIL_H
#define TINE_VMM_JAIL_H

struct tine_error;

/* no_new_privs, resource limits, empty namespaces where the host allows them. */
int jail_process(struct tine_error *error);
enum jail_filter {
	JAIL_FILTER_RUN,    /* a guest runs until its program has ended, at a terminal */
	JAIL_FILTER_SERVED, /* it is frozen, forked and reset on request */
	JAIL_FILTER_DEBUG,  /* both, and the debugger's stub */
	JAIL_FILTER_ZYGOTE, /* the zygote, and what its children do until a guest runs */
	JAIL_FILTER_CHILD,  /* where that is inherited: both together are JAIL_FILTER_SERVED.  Less
			     * than half as dear, and nothing without the other one */
};
/* One system call filter for all threads of the process.  From any thread; the others are confined
 * when it returns, wherever they are. */
int jail_threads(enum jail_filter filter, struct tine_error *error);

#endif
