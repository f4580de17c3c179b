/* SPDX-License-Identifier: ISC */
/*
 * guard.h: a small process that outlives `tine run` by a moment.
 *
 * It does two things when the program ends, in whatever way: it restores the terminal if that was
 * not done (SIGKILL, a crash), and it holds the last references to the VM, so that nobody waits
 * while the host's kernel takes the VM apart: ten milliseconds of RCU grace periods.
 */
#ifndef TINE_VMM_GUARD_H
#define TINE_VMM_GUARD_H

#include <termios.h>

struct tine_error;

struct guard {
	int fd; /* socket to it, -1 = none */
};

/* Start it while the program is still small.  tty_fd (-1 = none) will be restored to *saved. */
int guard_start(struct guard *guard, int tty_fd, const struct termios *saved,
		struct tine_error *error);
/* Hand it references to the VM.  Best effort. */
void guard_hold(const struct guard *guard, int vm_fd, int vcpu_fd);
/* The terminal has been restored: nothing to do but to hold the VM until this process has ended. */
void guard_dismiss(struct guard *guard);

#endif
