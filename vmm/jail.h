/* SPDX-License-Identifier: ISC */
/*
 * jail.h: give up what a VMM process no longer needs once the guest may run.
 *
 * Order: jail_process() while there is one thread and everything has been acquired; then the vCPU
 * thread is started, which calls jail_threads() before anything of the guest runs.
 */
#ifndef TINE_VMM_JAIL_H
#define TINE_VMM_JAIL_H

#include <stdbool.h>

struct tine_error;

/* no_new_privs, resource limits, empty namespaces where the host allows them. */
int jail_process(struct tine_error *error);
/* One system call filter for all threads of the process; with debug, room for the debugger's stub.
 * From any thread; the others are confined when it returns, wherever they are. */
int jail_threads(bool debug, struct tine_error *error);

#endif
