/* launcher.h: what the parts of the launcher share. */
/* SPDX-License-Identifier: ISC */
#ifndef LAUNCHER_LAUNCHER_H
#define LAUNCHER_LAUNCHER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#include "../wire/frame.h"

#define EXIT_TIMEOUT 124
#define EXIT_MACHINE 125

/* The emulator inherits these; its command line names them as /dev/fd/N or fd=N. */
#define EMULATOR_FD_CHANNEL 3 /* the agent's frames: a socket, or a terminal */
#define EMULATOR_FD_CONSOLE 4 /* a pipe for the console of the machine */
#define EMULATOR_FD_MONITOR 5 /* QMP: a socket */

struct options {
	const char *save;       /* directory: boot, save the machine there, end */
	const char *resume;     /* directory of a saved machine to go on from */
	const char *after;      /* shell script to run at the end, whatever that is */
	bool terminal;          /* the emulator wants a terminal, and one for the channel */
	bool console;           /* console of the machine on stderr */
	bool verbose;           /* timing on stderr */
	bool buffered;          /* take stdin before the command starts, and only if it is a file */
	const char *write_back; /* directory under which changed files arrive */
	unsigned timeout;       /* seconds; 0: none */
	struct stream job;      /* fields of the job as the caller gave them */
	char **emulator;        /* argv */
};

struct emulator {
	pid_t pid;
	int channel, console, monitor;
	int chatter; /* stdout and stderr of the emulator itself */
};

/* emulator.c */
void emulator_start(struct emulator *e, const struct options *o);
void emulator_kill(struct emulator *e);
void emulator_resume(struct emulator *e, const char *directory);
void emulator_save(struct emulator *e, const char *directory);

/* log.c: the last words of the machine, kept to explain a failure. */
void log_add(const char *data, size_t length);
void log_print(void);
/* Adds what can be read from *fd, and shows it on stderr; false at the end, when *fd is closed. */
bool log_drain(int *fd, bool show);

/* terminal.c */
void terminal_raw(void);
void terminal_restore(void);
void terminal_fields(struct stream *job);
bool terminal_size(void *winsize);

/* files.c: put a part of the archive of changed files below directory; wait until all are there. */
void files_take(const char *directory, const void *data, size_t length);
void files_finish(void);

/* relay.c: run the job; the exit status of the launcher. */
int relay_run(struct emulator *e, const struct options *o);
void relay_wait_ready(struct emulator *e, const struct options *o);

/* main.c */
noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t milliseconds(void);

#endif
