/* SPDX-License-Identifier: ISC */
/* sbuf.h: text that grows as it is written (subr_sbuf.c). */
#ifndef SYS_SBUF_H
#define SYS_SBUF_H

#include <sys/types.h>

#define SBUF_MAX (4UL << 20) /* more text than this is an error */

/* Appending never fails visibly: the first failure is kept and looked at in the end. */
struct sbuf {
	char *sb_buf;
	size_t sb_len, sb_size;
	int sb_error; /* ENOMEM */
};
void sbuf_init(struct sbuf *);
void sbuf_free(struct sbuf *); /* empty again */
void sbuf_write(struct sbuf *, const void *, size_t);
void sbuf_puts(struct sbuf *, const char *);
void sbuf_printf(struct sbuf *, const char *fmt, ...) __printflike(2, 3);
/* Room for n bytes at the end, to be filled by the caller, or NULL; then add to sb_len. */
char *sbuf_reserve(struct sbuf *, size_t n);

#endif
