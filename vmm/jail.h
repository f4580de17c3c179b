/* SPDX-License-Identifier: ISC */
/*
 * jail.h: give up what a VMM process no longer needs once the guest may run.
 *
 * Order: jail_process() while there is one thread and everything has been acquired; then the vCPU
 * thread is started, which confines itself; then jail_io_thread() in the first thread.
 */
#ifndef TINE_VMM_JAIL_H
#define TINE_VMM_JAIL_H

#include <stdbool.h>

struct tine_error;

/* no_new_privs, resource limits, empty namespaces where the host allows them. */
int jail_process(struct tine_error *error);
/* System call filter of the calling thread; with debug, room for the debugger's stub. */
int jail_io_thread(bool debug, struct tine_error *error);
/* The same for the vCPU thread, before the guest runs.  Aborts on failure. */
void jail_vcpu_thread(void);

#endif
