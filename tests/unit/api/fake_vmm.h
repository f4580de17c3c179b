/* SPDX-License-Identifier: ISC */
/*
 * fake_vmm.h: a stand-in for the VMM, so that the whole daemon can be tested without KVM.
 *
 * A fake sandbox is a child process that only waits (so that killing it works as for a VMM) and
 * an interpreter of messages inside the daemon's own process.  Programs it "runs" are named in
 * fake_guest.c.  Some behaviour is chosen by the sandbox's host name:
 *	slow	never becomes ready		broken	fails while it boots
 *	mute	answers no request
 */
#ifndef TINE_TESTS_FAKE_VMM_H
#define TINE_TESTS_FAKE_VMM_H

#include <sys/queue.h>

#include "vmm/vmm.h"

struct fake_msg { /* on its way to the daemon */
	STAILQ_ENTRY(fake_msg) link;
	uint16_t type;
	uint32_t id, arg;
	size_t len;
	uint8_t payload[];
};

struct fake_process {
	TAILQ_ENTRY(fake_process) link;
	uint32_t launch; /* 0: made by a fork */
	int32_t pid, ppid;
	char program[16];
	bool merged, afork, sleeping, cat;
	uint64_t to_write; /* bytes that `yes` still has to put out */
	uint32_t credit[2];
	uint8_t *held; /* input of `cat` that waits for credit */
	size_t held_len;
	bool ending;
};

struct sandbox {
	int poll_fd, event_fd, pid_fd;
	pid_t pid;
	bool dead, started, ready, mute, events, torn;
	bool slow; /* host name "slow": is never ready, a clone never after a reset */
	struct tine_template *origin; /* of a clone */
	struct tine_error last;
	STAILQ_HEAD(, fake_msg) out;
	struct fake_msg *received; /* lent to the caller of sandbox_recv() */
	TAILQ_HEAD(, fake_process) processes;
	int32_t next_pid;
	uint64_t event_seq;
	struct tine_stats stats;
	char maxproc[32];
};

struct tine_template { /* what goes on in a clone */
	unsigned refs;
	bool base;
	struct tine_stats stats;
	int32_t next_pid;
	struct fake_process process[64];
	size_t n;
	char note[16384]; /* of a loaded one */
	size_t note_len;
};

/* fake_guest.c */
void guest_clone(struct sandbox *sb, const struct tine_template *tmpl);
/* With all but the word that it is done. */
void guest_reset(struct sandbox *sb);
void guest_freeze(const struct sandbox *sb, struct tine_template *tmpl);
void guest_boot(struct sandbox *sb, const struct sandbox_config *config);
void guest_end_all(struct sandbox *sb);
void guest_receive(struct sandbox *sb, uint16_t type, uint32_t id, uint32_t arg,
		   const uint8_t *data, size_t len);

/* fake_vmm.c: put a message into the queue to the daemon. */
void fake_send(struct sandbox *sb, uint16_t type, uint32_t id, uint32_t arg, const void *data,
	       size_t len);

#endif
