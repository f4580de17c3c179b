/* SPDX-License-Identifier: ISC */
/* subr_msgbuf.c: ring of the latest log lines, read by syslog(2). */
#include <sys/msgbuf.h>
#include <sys/systm.h>
#include <sys/time.h>

static char msgbuf[MSGBUF_SIZE] __large_bss;
static uint64_t msgbuf_end;   /* bytes ever written */
static uint64_t msgbuf_start; /* oldest byte still there and not cleared */

static void
msgbuf_put(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		msgbuf[msgbuf_end++ % MSGBUF_SIZE] = s[i];
	if (msgbuf_end - msgbuf_start > MSGBUF_SIZE)
		msgbuf_start = msgbuf_end - MSGBUF_SIZE;
}

void
msgbuf_append(int level, nsec_t when, const char *line, size_t len)
{
	char head[40];
	int n = ksnprintf(head, sizeof(head), "<%d>[%5llu.%06llu] ", level, when / NSEC_PER_SEC,
			  when % NSEC_PER_SEC / 1000);

	msgbuf_put(head, MIN((size_t)n, sizeof(head) - 1));
	msgbuf_put(line, len);
	msgbuf_put("\n", 1);
}

size_t
msgbuf_used(void)
{
	return msgbuf_end - msgbuf_start;
}

size_t
msgbuf_read(char *buf, size_t len, size_t skip)
{
	size_t used = msgbuf_used(), n;

	if (skip >= used)
		return 0;
	n = MIN(len, used - skip);
	for (size_t i = 0; i < n; i++)
		buf[i] = msgbuf[(msgbuf_start + skip + i) % MSGBUF_SIZE];
	return n;
}

void
msgbuf_clear(void)
{
	msgbuf_start = msgbuf_end;
}
