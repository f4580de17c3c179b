/* agent.h: what the parts of the agent, the init process of the emulated machines, share. */
/* SPDX-License-Identifier: ISC */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <time.h>

#include "../wire/frame.h"

/* The decoded FRAME_JOB; all strings are inside text. */
struct job {
	char *text;
	char **argv; /* both end with NULL */
	char **env;
	size_t argc, nenv;
	const char *directory;
	const char *checkout; /* mount the second disk there; NULL: not shared */
	const char **shares;  /* mount directory i of the third disk at shares[i] */
	size_t nshares;
	bool tty[3];        /* which of stdin, stdout, stderr is a terminal */
	bool buffered;      /* all of stdin arrives before the command starts */
	bool write_back;    /* return what the command changed in the checkout */
	bool deterministic; /* -icount: no host event may arrive while the command runs */
	struct winsize window;
	struct timespec realtime;
	const char *seed;
};

/* A started command. A descriptor that is closed or was never there is -1. */
struct command {
	pid_t pid;    /* leader of its session and process group */
	int input;    /* write end of stdin, or the terminal */
	int output;   /* read end of stdout */
	int errors;   /* read end of stderr */
	int terminal; /* master of the command's terminal */
};

/*
 * boot.c: from the bare initramfs to a machine that can run commands. Failures end the machine with
 * a reason.
 */
void boot_machine(void);
int boot_channel(void);
/* The machine's disk: 0 the tools, 1 the checkout, 2 what else is shared; a static string. */
const char *boot_disk(int number);

/* mount.c */
void mount_or_die(const char *source, const char *target, const char *type, unsigned long flags,
		  const char *options);
void mount_system(void);
void mount_image(const char *device, const char *name);
void mount_overlay(const char *name, const char *target);
void mount_bind(const char *source, const char *target);
void make_directories(const char *path);
void read_ahead(const char *name);
int archive_changes(const char *name, pid_t *pid);

/* job.c: decode a FRAME_JOB and prepare the machine for it. */
bool job_decode(struct job *job, const struct frame *f);
void job_prepare(const struct job *job);

/* command.c */
void command_start(struct command *c, const struct job *job, int input_file);

/*
 * relay.c: move bytes, signals and the exit status between the channel and the command until it has
 * ended.
 */
noreturn void relay_run(int channel);

/* main.c: say why the machine cannot go on, to the launcher when the channel is open, and stop. */
noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
noreturn void machine_stop(void);
void die_through(int channel);

#endif
