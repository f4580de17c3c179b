/* SPDX-License-Identifier: ISC */
/* control.h: state of `tine vmm`, shared by its parts. */
#ifndef TINE_VMM_CONTROL_H
#define TINE_VMM_CONTROL_H

#include "channel.h"
#include "gdb.h"
#include "sandbox.h"
#include "template.h"
#include "vm.h"
#include "wire.h"

/* Requests of the daemon to the VMM process itself, with descriptors. */
enum control_request {
	/* template and perhaps root image; payload: arguments of the command line (each with its
	 * NUL), or nothing if the process has been given them */
	CONTROL_CLONE = 96,
	/* file to write to, the process's /proc/PID/pagemap; payload tine_freeze */
	CONTROL_FREEZE = 97,
	CONTROL_RESET = 98,
	/* to an idle process: template and perhaps root image; CONTROL_CLONE then comes without
	 * descriptors; payload: the template's working set (workset.h), or nothing */
	CONTROL_PREPARE = 99,
	CONTROL_WORKSET = 100, /* with /proc/PID/pagemap; answered by VMM_MSG_WORKSET */
};

struct freezing {
	bool busy;
	bool held; /* nothing goes to the guest until it stands still */
	uint32_t id;
	int fd;
	struct tine_error error; /* code 0: it has worked so far */
	struct vmm_frozen report;
};

/* What is used often comes first, large buffers last: pages that are never touched take no memory.
 */
struct control {
	struct vmm_args args;
	struct vm vm;
	struct evloop loop;
	struct source socket, stopped, parked;
	struct outq queue; /* towards the daemon; at most one record and the last message */
	bool ended;        /* the vCPU has ended */
	bool last_queued;
	bool in_jail;                   /* jail_process() has been called */
	bool prepared;                  /* CONTROL_PREPARE has come: CONTROL_CLONE is awaited */
	struct tine_template *template; /* this is a clone of it, or may become one */
	struct guest_mem mapped;        /* its memory: mapped by a zygote, used by its child */
	void *clone_args;               /* what args points into, for a process of the pool */
	int kvm_fd, symbols_fd;         /* of a zygote and its children: opened before the jail */
	int report_fds[WIRE_FDS];       /* for STARTED */
	bool started_due;               /* which has yet to be sent */
	bool reset_done; /* the guest goes on; its first word takes the report along */
	uint32_t reset_id;
	struct vm_options reset_options;
	struct freezing freezing;
	struct channel channel;
	struct record rec;       /* of the daemon */
	struct tine_error error; /* why it ends */
	struct gdb gdb;
	struct console console;
};

/* control.c: queue a record for the daemon; look at the sockets again. */
void control_queue(struct control *c, const struct tine_msg *hdr, const void *payload);
void control_watch(struct control *c);

/* control_fork.c: the template's memory if it is mapped already, else NULL. */
struct guest_mem *control_mapped(struct control *c);
/* control_fork.c: wait for CONTROL_CLONE or CONTROL_PREPARE and make the VM that it asks for. */
int control_become_clone(struct control *c, struct tine_error *error);
/* control_fork.c: the prepared VM has been started: wait for CONTROL_CLONE and for the end of the
 * rehearsal, and give it the identity that has come.  It stands still until vcpu_resume(). */
int control_identify(struct control *c, struct tine_error *error);
/* Get ready for the other requests. */
int control_fork_open(struct control *c, struct tine_error *error);
/* One of them; takes over fds.  -EPROTO ends the sandbox. */
int control_request(struct control *c, const struct record *rec, const int *fds, int nfds,
		    struct tine_error *error);
/* The guest has said something (NULL: it still has not): a reset that waits for that is reported.
 * True if the report takes the record along. */
bool control_reset_done(struct control *c, const struct tine_msg *hdr);
/* Is this record the guest's answer to a freeze of ours?  Then the daemon is told what it needs. */
bool control_freeze_reply(struct control *c, const struct tine_msg *hdr);

#endif
