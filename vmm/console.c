/* SPDX-License-Identifier: ISC */
/* console.c: keep the guest kernel's log, show it when asked for or when the kernel dies. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "console.h"

#define CHUNK 512u

void
console_init(struct console *console, int fd, bool verbose)
{
	pthread_mutex_init(&console->lock, NULL);
	console->fd = fd;
	console->verbose = verbose;
	console->raw = console->shown = false;
	console->written = 0; /* what is kept may never be touched */
}

void
console_set_raw(struct console *console, bool raw)
{
	pthread_mutex_lock(&console->lock);
	console->raw = raw;
	pthread_mutex_unlock(&console->lock);
}

static void
write_all(int fd, const char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nobody to tell */
		buf += n;
		len -= (size_t)n;
	}
}

/* Show text; lock held. */
static void
emit(struct console *console, const char *text, size_t len)
{
	char out[CHUNK];
	size_t n = 0;

	if (console->fd < 0)
		return;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (n > sizeof(out) - 4) {
			write_all(console->fd, out, n);
			n = 0;
		}
		if (c == '\n' && console->raw)
			out[n++] = '\r';
		if (c == '\n' || c == '\t' || (c >= 0x20 && c < 0x7f))
			out[n++] = (char)c;
		else if (c != '\r')
			out[n++] = '?';
	}
	write_all(console->fd, out, n);
}

static void
keep(struct console *console, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		console->kept[console->written++ % CONSOLE_KEPT] = text[i];
}

void
console_log(struct console *console, const char *text, size_t len)
{
	pthread_mutex_lock(&console->lock);
	keep(console, text, len);
	if (console->verbose)
		emit(console, text, len);
	pthread_mutex_unlock(&console->lock);
}

void
console_log_line(struct console *console, const char *text, size_t len)
{
	while (len > 0 && text[len - 1] == '\n')
		len--;
	pthread_mutex_lock(&console->lock);
	keep(console, text, len);
	keep(console, "\n", 1);
	if (console->verbose) {
		emit(console, text, len);
		emit(console, "\n", 1);
	}
	pthread_mutex_unlock(&console->lock);
}

void
console_printf(struct console *console, const char *fmt, ...)
{
	char buf[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n <= 0)
		return;
	pthread_mutex_lock(&console->lock);
	emit(console, buf, (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1);
	pthread_mutex_unlock(&console->lock);
}

void
console_show_kept(struct console *console)
{
	size_t split;

	pthread_mutex_lock(&console->lock);
	split = console->written % CONSOLE_KEPT;
	if (!console->verbose && !console->shown) {
		if (console->written > CONSOLE_KEPT)
			emit(console, console->kept + split, CONSOLE_KEPT - split);
		emit(console, console->kept, split);
	}
	console->shown = true;
	pthread_mutex_unlock(&console->lock);
}

void
console_last_line(struct console *console, char *buf, size_t size)
{
	size_t end, start, n = 0;

	pthread_mutex_lock(&console->lock);
	end = console->written;
	while (end > 0 && console->written - end < CONSOLE_KEPT - 1 &&
	       console->kept[(end - 1) % CONSOLE_KEPT] == '\n')
		end--;
	start = end;
	while (start > 0 && console->written - start < CONSOLE_KEPT - 1 &&
	       console->kept[(start - 1) % CONSOLE_KEPT] != '\n')
		start--;
	for (; start < end && n + 1 < size; start++) {
		char c = console->kept[start % CONSOLE_KEPT];

		buf[n++] = c >= 0x20 && c < 0x7f ? c : '?';
	}
	buf[n] = '\0';
	pthread_mutex_unlock(&console->lock);
}
