/* SPDX-License-Identifier: ISC */
/* subr_string.c: strings and numbers in text (memcpy and its kin are the architecture's). */
#include <sys/systm.h>

size_t
strlen(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0')
		n++;
	return n;
}

size_t
strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != '\0')
		n++;
	return n;
}

int
strcmp(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b)
		a++, b++;
	return (unsigned char)*a - (unsigned char)*b;
}

int
strncmp(const char *a, const char *b, size_t n)
{
	for (; n > 0; a++, b++, n--)
		if (*a != *b || *a == '\0')
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

/* The results point into the argument: as in C, constness is the caller's affair. */
static inline char *
unconst(const char *p)
{
	return (char *)(uintptr_t)p;
}

char *
strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return unconst(s);
		if (*s == '\0')
			return NULL;
	}
}

char *
strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (*s == '\0')
			return unconst(last);
	}
}

void *
memchr(const void *s, int c, size_t n)
{
	const unsigned char *p = s;

	for (; n > 0; p++, n--)
		if (*p == (unsigned char)c)
			return (void *)(uintptr_t)p;
	return NULL;
}

/* Returns strlen(src): a result >= size means that it did not fit. */
size_t
strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src), n;

	if (size > 0) {
		n = MIN(len, size - 1);
		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return 99;
}

bool
strtoi64(const char *s, int base, int64_t *out)
{
	bool negative = *s == '-';
	uint64_t v = 0, max;

	if (*s == '-' || *s == '+')
		s++;
	if ((base == 0 || base == 16) && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		s += 2;
		base = 16;
	} else if (base == 0) {
		base = 10;
	}
	if (*s == '\0')
		return false;
	max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
	for (; *s != '\0'; s++) {
		uint64_t d = (uint64_t)digit_value(*s);

		if (d >= (uint64_t)base || v > (max - d) / (uint64_t)base)
			return false;
		v = v * (uint64_t)base + d;
	}
	*out = (int64_t)(negative ? 0 - v : v);
	return true;
}
