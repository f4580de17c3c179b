/* SPDX-License-Identifier: ISC */
/* subr_sbuf.c: text that grows as it is written. */
#include <sys/sbuf.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#define SBUF_FIRST 512

void
sbuf_init(struct sbuf *sb)
{
	*sb = (struct sbuf){0};
}

void
sbuf_free(struct sbuf *sb)
{
	kfree(sb->sb_buf);
	sbuf_init(sb);
}

char *
sbuf_reserve(struct sbuf *sb, size_t n)
{
	size_t size = sb->sb_size;
	char *buf;

	if (sb->sb_error == 0 && n <= size - sb->sb_len)
		return sb->sb_buf + sb->sb_len;
	if (n > SBUF_MAX - sb->sb_len)
		sb->sb_error = ENOMEM;
	if (sb->sb_error != 0)
		return NULL;
	for (size = MAX(size, (size_t)SBUF_FIRST); size - sb->sb_len < n;)
		size *= 2;
	buf = krealloc(sb->sb_buf, size);
	if (buf == NULL) {
		sb->sb_error = ENOMEM;
		return NULL;
	}
	sb->sb_buf = buf;
	sb->sb_size = size;
	return buf + sb->sb_len;
}

void
sbuf_write(struct sbuf *sb, const void *data, size_t n)
{
	char *to = sbuf_reserve(sb, n);

	if (to == NULL)
		return;
	memcpy(to, data, n);
	sb->sb_len += n;
}

void
sbuf_puts(struct sbuf *sb, const char *s)
{
	sbuf_write(sb, s, strlen(s));
}

void
sbuf_printf(struct sbuf *sb, const char *fmt, ...)
{
	size_t room = sb->sb_size - sb->sb_len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(room > 0 ? sb->sb_buf + sb->sb_len : NULL, room, fmt, ap);
	va_end(ap);
	if ((size_t)n >= room) { /* once more, with enough room */
		char *to = sbuf_reserve(sb, (size_t)n + 1);

		if (to == NULL)
			return;
		va_start(ap, fmt);
		kvsnprintf(to, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	if (sb->sb_error == 0)
		sb->sb_len += (size_t)n;
}
