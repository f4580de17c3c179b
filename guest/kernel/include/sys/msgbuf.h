/* SPDX-License-Identifier: ISC */
/* msgbuf.h: the kernel's own copy of its latest log lines, for syslog(2) (subr_msgbuf.c). */
#ifndef SYS_MSGBUF_H
#define SYS_MSGBUF_H

#include <sys/types.h>

#define MSGBUF_SIZE 16384

void msgbuf_append(int level, nsec_t when, const char *line, size_t len);
size_t msgbuf_used(void);
/* Copy up to len bytes, starting skip bytes after the oldest one kept. */
size_t msgbuf_read(char *buf, size_t len, size_t skip);
void msgbuf_clear(void);

#endif
