/* SPDX-License-Identifier: ISC */
/*
 * guard.h: a small process that outlives `tine run` by a moment.
 *
 * It holds the last references to the VM, so that nobody waits while the host's kernel takes the VM
 * apart: ten milliseconds of RCU grace periods.  Where there is a terminal it also restores that at
 * the end of the program, in whatever way it comes (SIGKILL, a crash), if it was not done before.
 */
#ifndef TINE_VMM_GUARD_H
#define TINE_VMM_GUARD_H

#include <stdbool.h>
#include <termios.h>

struct tine_error;

struct guard {
	int fd;        /* socket to it, -1 = none */
	bool restores; /* the terminal, unless it is told that this has been done */
};

/* A guard for a terminal: tty_fd will be restored to *saved.  Start it while the program is still
 * small. */
int guard_start(struct guard *guard, int tty_fd, const struct termios *saved,
		struct tine_error *error);
/* Have the VM held, by a guard that is started now if there is none.  Best effort; before anything
 * of the guest runs. */
void guard_hold(struct guard *guard, int vm_fd, int vcpu_fd);
/* The terminal has been restored: nothing to do but to hold the VM until this process has ended. */
void guard_dismiss(struct guard *guard);

#endif
