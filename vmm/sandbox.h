/* SPDX-License-Identifier: ISC */
/* sandbox.h: a VMM process as its parent sees it. */
#ifndef TINE_VMM_SANDBOX_H
#define TINE_VMM_SANDBOX_H

#include "joiner.h"
#include "outq.h"
#include "proto.h"
#include "rings.h"
#include "vmm.h"

struct kvm_stats_file { /* a binary statistics descriptor of KVM; see hoststats.c */
	int fd;
	uint32_t data_offset;
	bool parsed;
	struct {
		uint32_t offset; /* within the data block */
		bool present;
	} item[5];
};

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
	struct proto proto;
	struct joiner joiner;
	struct outq queue;
	struct record rec;
	const uint8_t *shared; /* read-only mapping of the shared region */
	struct kvm_stats_file vm_stats, vcpu_stats;
	int smaps_fd;
	struct sandbox_hoststats last;
};

/* spawn.c: collect the exit status if the process has ended; wait for at most timeout_ms. */
void sandbox_reap(struct sandbox *sb, int timeout_ms);

/* hoststats.c: take over the descriptors of STARTED. */
void hoststats_attach(struct sandbox *sb, int vm_fd, int vcpu_fd, int smaps_fd);
void hoststats_detach(struct sandbox *sb);

/* vmm_args.c: command line of `tine vmm`. */
struct vmm_args {
	struct sandbox_config config;
	uint64_t spawned_ns; /* CLOCK_MONOTONIC of sandbox_spawn() */
	int control_fd;
	bool die_with_parent; /* the spawning thread lives as long as its process */
	struct rootfs_file *files;
	const char **params;
};
/* Make the argument vector for *args; freed with vmm_argv_free(). */
char **vmm_argv_make(const struct vmm_args *args);
void vmm_argv_free(char **argv);
/* The reverse; strings are borrowed from argv. */
int vmm_args_parse(struct vmm_args *args, int argc, char **argv, struct tine_error *error);
void vmm_args_free(struct vmm_args *args);

#endif
