/* SPDX-License-Identifier: ISC */
/* console.h: the guest kernel's log and the VMM's own reports about it. */
#ifndef TINE_VMM_CONSOLE_H
#define TINE_VMM_CONSOLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define CONSOLE_KEPT 32768u

struct console {
	char kept[CONSOLE_KEPT]; /* first: the rest lies in one page with what comes behind */
	pthread_mutex_t lock;
	int fd;         /* where text goes; -1 = nowhere */
	bool verbose;   /* show the kernel log as it comes */
	bool raw;       /* the terminal is in raw mode: lines end in CR LF */
	bool shown;     /* the kept log has been shown */
	size_t written; /* bytes ever put into kept */
};

void console_init(struct console *console, int fd, bool verbose);
/* The terminal that fd may be has changed its mode. */
void console_set_raw(struct console *console, bool raw);
/* Text of the guest kernel's log: kept, and shown if verbose.  It is the guest's, hence hostile:
 * control characters never reach the terminal. */
void console_log(struct console *console, const char *text, size_t len);
/* A complete line of the log. */
void console_log_line(struct console *console, const char *text, size_t len);
/* The VMM's own words; always shown. */
void console_printf(struct console *console, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Show what has been kept, unless it has been seen already. */
void console_show_kept(struct console *console);
/* Copy the last kept line that is not empty. */
void console_last_line(struct console *console, char *buf, size_t size);

#endif
