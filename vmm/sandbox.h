/* SPDX-License-Identifier: ISC */
/* sandbox.h: a VMM process as its parent sees it. */
#ifndef TINE_VMM_SANDBOX_H
#define TINE_VMM_SANDBOX_H

#include "joiner.h"
#include "outq.h"
#include "proto.h"
#include "rings.h"
#include "vmm.h"

#define KVM_ITEMS 6 /* figures of a descriptor that are read */

struct kvm_stats_file { /* a binary statistics descriptor of KVM; see hoststats.c */
	int fd;
	uint32_t data_offset;
	bool parsed;
	struct {
		uint32_t offset; /* within the data block */
		bool present;
	} item[KVM_ITEMS];
};

struct vmm_args;
struct zygote;

struct sandbox {
	pid_t pid;
	int pidfd;
	int fd;       /* control socket */
	bool started; /* STARTED has come */
	bool gone;    /* the socket has ended */
	bool reaped;
	bool last_message; /* FAILED or HALTED has come */
	int wait_status;
	struct vmm_started info;
	uint64_t made_ns;      /* CLOCK_MONOTONIC: the process was asked for */
	uint64_t requested_ns; /* the sandbox was */
	struct proto proto;
	struct joiner joiner;
	struct outq queue;
	const uint8_t *shared; /* read-only mapping of the shared region; NULL until it is needed */
	int shared_fd;         /* as long as that is so */
	struct kvm_stats_file vm_stats, vcpu_stats;
	int smaps_fd; /* -1 until it is needed */
	struct sandbox_hoststats last;
	struct tine_template *template; /* this is a clone of it */
	struct tine_template *prepared; /* this will be one, if any; owned */
	struct tine_template *held;     /* the process has it without having been sent it; owned */
	bool answered;         /* the clone has said something, or a program has ended in it */
	bool asked_workset;    /* CONTROL_WORKSET is under way */
	struct tine_msg along; /* came with STARTED or RESET, without payload; type 0: none */
	bool freezing;
	int rootfs_fd;                /* its root image */
	int frozen_fd;                /* what the VMM process writes a template to */
	struct tine_template *frozen; /* it is complete */
	struct tine_error frozen_error;
	struct record rec; /* last: most of it is never touched, and then takes no memory */
};

/* A message beside those of vmm.h, which sandbox_recv() keeps to itself: struct workset. */
#define VMM_MSG_WORKSET 72u

/* spawn.c: a process of args that waits on its socket or runs. */
int sandbox_start(const struct vmm_args *args, struct sandbox **out, struct tine_error *error);
/* spawn.c: one that is idle: forked from the zygote (NULL: there is none), else executed. */
int sandbox_start_idle(unsigned jail, struct zygote *zygote, struct sandbox **out,
		       struct tine_error *error);
/* spawn.c: execute `tine vmm' with this control socket, in a process group of its own. */
int vmm_exec(const struct vmm_args *args, int control, pid_t *pid);
/* spawn.c: args with what every sandbox_spawn() adds. */
void sandbox_args(struct vmm_args *args, const struct sandbox_config *config);

/* sandbox_fork.c: tell a waiting process to become a clone of config->template; with args, which
 * then have not been on its command line.  -E2BIG if they are too long for that. */
int sandbox_send_clone(struct sandbox *sb, struct tine_template *tmpl, const struct vmm_args *args,
		       struct tine_error *error);
/* sandbox_fork.c: tell an idle process which template it is going to be a clone of. */
int sandbox_send_prepare(struct sandbox *sb, struct tine_template *tmpl, struct tine_error *error);
/* sandbox_fork.c: VMM_MSG_FROZEN and VMM_MSG_RESET. */
int sandbox_on_frozen(struct sandbox *sb, struct tine_error *error);
int sandbox_on_reset(struct sandbox *sb, struct tine_error *error);
/* sandbox_fork.c: the clone has given its first answer; VMM_MSG_WORKSET; it will never come. */
void sandbox_ask_workset(struct sandbox *sb);
int sandbox_on_workset(struct sandbox *sb, struct tine_error *error);
void sandbox_lose_workset(struct sandbox *sb);

/* pool.c: an idle process that can become a clone of the template: one that was idle (*waited), or
 * a new one. */
int sandbox_pool_take(struct sandbox_pool *pool, const struct tine_template *tmpl,
		      struct sandbox **out, bool *waited, struct tine_error *error);

/* sandbox.c: a record of len bytes has come: the guest's first word, if that has come along behind
 * them, is what sandbox_recv() finds next.  False: neither of both. */
bool sandbox_take_along(struct sandbox *sb, size_t len);

/* spawn.c: collect the exit status if the process has ended; wait for at most timeout_ms. */
void sandbox_reap(struct sandbox *sb, int timeout_ms);

/* hoststats.c: take over the descriptors of STARTED. */
void hoststats_attach(struct sandbox *sb, int vm_fd, int vcpu_fd);
void hoststats_detach(struct sandbox *sb);

/* vmm_args.c: command line of `tine vmm`. */
struct vmm_args {
	struct sandbox_config config;
	uint64_t spawned_ns; /* CLOCK_MONOTONIC of the request: requested_ns or sandbox_spawn() */
	int control_fd;
	bool die_with_parent; /* the spawning thread lives as long as its process */
	bool idle;            /* of the pool: leaves files and privileges before it waits */
	bool zygote;          /* forks processes that are like this one but for this */
	bool clone;           /* a template, and perhaps other arguments, come over the socket */
	struct rootfs_file *files;
	const char **params;
};
/* Make the argument vector for *args; freed with vmm_argv_free(). */
char **vmm_argv_make(const struct vmm_args *args);
void vmm_argv_free(char **argv);
/* The same as payload of a record: strings back to back.  -ENOMEM, -E2BIG. */
int vmm_args_pack(const struct vmm_args *args, struct record *rec);
/* The reverse; strings are borrowed from argv. */
int vmm_args_parse(struct vmm_args *args, int argc, char **argv, struct tine_error *error);
void vmm_args_free(struct vmm_args *args);

#endif
