/* SPDX-License-Identifier: ISC */
/* expect.h: a command on a terminal of its own: type at it, wait for what it writes, see it end. */
#ifndef TINE_TEST_EXPECT_H
#define TINE_TEST_EXPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

#define TERM_ROWS 31
#define TERM_COLS 97

struct term {
	int master;
	int slave; /* kept open: the settings can be read after the command's end */
	int pidfd;
	pid_t pid;
	struct termios before;
	size_t used, seen; /* of out; what lies before seen has been waited for */
	char out[1 << 16];
};

/* A failure says what was expected and ends the program with 1.  Nothing here has a time limit:
 * what never comes is ended by the caller's, and the last line says what was waited for. */

/* Run argv on a new terminal of TERM_ROWS times TERM_COLS. */
void term_start(struct term *t, char *const argv[]);
/* Wait until text is written after what was waited for last. */
void term_expect(struct term *t, const char *text);
void term_type(struct term *t, const char *keys);
void term_resize(struct term *t, unsigned short rows, unsigned short cols);
/* The line is cut: only term_end() may follow. */
void term_hangup(struct term *t);
/* Wait until the command has stopped, as by job control. */
void term_wait_stopped(struct term *t);
/* Wait for the end of the command and of all that it left behind; a shell's idea of its status. */
int term_end(struct term *t);

/* Are the settings those that the command has found? */
bool term_is_restored(const struct term *t);
/* Does the terminal pass every key on as it is, without echo? */
bool term_is_raw(const struct term *t);

void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
