/* SPDX-License-Identifier: ISC */
/* subr_prf.c: formatted output: ksnprintf, the kernel log, panic. */
#include <sys/host.h>
#include <sys/md.h>
#include <sys/msgbuf.h>
#include <sys/systm.h>
#include <sys/time.h>

#define LINE_MAX 512

/* Output that goes on counting past its end, as snprintf's return value asks for. */
struct sink {
	char *buf;
	size_t size, len;
};

/* One conversion: %[flags][width][.precision][length]conv */
struct spec {
	bool left, zero, plus, space, alt, upper;
	int width, precision; /* precision -1: none given */
	int length;           /* -2 hh, -1 h, 0 int, 1 long */
	char conv;
};

static void
emit(struct sink *s, char c)
{
	if (s->len + 1 < s->size)
		s->buf[s->len] = c;
	s->len++;
}

static void
emit_pad(struct sink *s, char c, int n)
{
	while (n-- > 0)
		emit(s, c);
}

static void
emit_field(struct sink *s, const struct spec *sp, const char *text, int len)
{
	if (!sp->left)
		emit_pad(s, ' ', sp->width - len);
	for (int i = 0; i < len; i++)
		emit(s, text[i]);
	if (sp->left)
		emit_pad(s, ' ', sp->width - len);
}

/* Digits of v, most significant first, into buf; returns how many. */
static int
digits(char *buf, uint64_t v, unsigned base, bool upper)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char tmp[24];
	int n = 0;

	do
		tmp[n++] = set[v % base];
	while ((v /= base) != 0);
	for (int i = 0; i < n; i++)
		buf[i] = tmp[n - 1 - i];
	return n;
}

static void
emit_number(struct sink *s, const struct spec *sp, uint64_t v, unsigned base, const char *prefix)
{
	char text[24];
	int n = sp->precision == 0 && v == 0 ? 0 : digits(text, v, base, sp->upper);
	int zeroes = MAX(sp->precision - n, 0), plen = (int)strlen(prefix), pad;

	if (sp->zero && !sp->left && sp->precision < 0)
		zeroes = MAX(sp->width - plen - n, 0);
	pad = sp->width - plen - zeroes - n;
	if (!sp->left)
		emit_pad(s, ' ', pad);
	while (*prefix != '\0')
		emit(s, *prefix++);
	emit_pad(s, '0', zeroes);
	for (int i = 0; i < n; i++)
		emit(s, text[i]);
	if (sp->left)
		emit_pad(s, ' ', pad);
}

static int64_t
narrow_signed(int64_t v, int length)
{
	switch (length) {
	case -2:
		return (signed char)v;
	case -1:
		return (short)v;
	default:
		return v;
	}
}

static uint64_t
narrow_unsigned(uint64_t v, int length)
{
	switch (length) {
	case -2:
		return (unsigned char)v;
	case -1:
		return (unsigned short)v;
	default:
		return v;
	}
}

static void
emit_signed(struct sink *s, const struct spec *sp, int64_t v)
{
	const char *sign = v < 0 ? "-" : sp->plus ? "+" : sp->space ? " " : "";

	emit_number(s, sp, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, sign);
}

static void
emit_string(struct sink *s, const struct spec *sp, const char *text)
{
	if (text == NULL)
		text = "(null)";
	emit_field(s, sp, text,
		   (int)(sp->precision >= 0 ? strnlen(text, (size_t)sp->precision) : strlen(text)));
}

static const char *
parse_flags(const char *f, struct spec *sp)
{
	for (;; f++) {
		if (*f == '-')
			sp->left = true;
		else if (*f == '0')
			sp->zero = true;
		else if (*f == '+')
			sp->plus = true;
		else if (*f == ' ')
			sp->space = true;
		else if (*f == '#')
			sp->alt = true;
		else
			return f;
	}
}

static const char *
parse_length(const char *f, struct spec *sp)
{
	for (;; f++) {
		if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't')
			sp->length = 1;
		else if (*f == 'h')
			sp->length--;
		else
			return f;
	}
}

static const char *
parse_decimal(const char *f, int *n)
{
	for (*n = 0; *f >= '0' && *f <= '9'; f++)
		*n = *n < 100000 ? *n * 10 + (*f - '0') : *n;
	return f;
}

static void
emit_conversion(struct sink *s, struct spec *sp, va_list *ap)
{
	uint64_t v;
	char c;

	switch (sp->conv) {
	case 'd':
	case 'i':
		emit_signed(s, sp,
			    narrow_signed(sp->length > 0 ? va_arg(*ap, long) : va_arg(*ap, int),
					  sp->length));
		break;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		v = sp->length > 0 ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned);
		v = narrow_unsigned(v, sp->length);
		sp->upper = sp->conv == 'X';
		if (sp->conv == 'u' || sp->conv == 'o')
			emit_number(s, sp, v, sp->conv == 'u' ? 10 : 8, "");
		else
			emit_number(s, sp, v, 16,
				    !sp->alt || v == 0 ? ""
				    : sp->upper        ? "0X"
						       : "0x");
		break;
	case 'p':
		emit_number(s, sp, (uint64_t)va_arg(*ap, void *), 16, "0x");
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		emit_field(s, sp, &c, 1);
		break;
	case 's':
		emit_string(s, sp, va_arg(*ap, const char *));
		break;
	default: /* "%%", or an unknown one shown as it is */
		if (sp->conv != '%')
			emit(s, '%');
		if (sp->conv != '\0')
			emit(s, sp->conv);
	}
}

static const char *
parse_spec(const char *f, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){.precision = -1};
	f = parse_flags(f, sp);
	if (*f == '*') {
		sp->width = va_arg(*ap, int);
		if (sp->width < 0) {
			sp->left = true;
			sp->width = -sp->width;
		}
		f++;
	} else {
		f = parse_decimal(f, &sp->width);
	}
	if (*f == '.') {
		if (*++f == '*') {
			sp->precision = va_arg(*ap, int);
			f++;
		} else {
			f = parse_decimal(f, &sp->precision);
		}
	}
	f = parse_length(f, sp);
	sp->conv = *f;
	return *f == '\0' ? f : f + 1;
}

/* As C's vsnprintf: always terminated (size > 0), returns the length the whole text would have. */
int
kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct sink s = {.buf = buf, .size = size};
	va_list args;

	va_copy(args, ap);
	while (*fmt != '\0') {
		struct spec sp;

		if (*fmt != '%') {
			emit(&s, *fmt++);
			continue;
		}
		fmt = parse_spec(fmt + 1, &sp, &args);
		emit_conversion(&s, &sp, &args);
	}
	va_end(args);
	if (size > 0)
		buf[MIN(s.len, size - 1)] = '\0';
	return (int)s.len;
}

int
ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

static size_t
format_line(char *line, const char *fmt, va_list ap)
{
	size_t len = MIN((size_t)kvsnprintf(line, LINE_MAX, fmt, ap), (size_t)LINE_MAX - 1);

	while (len > 0 && line[len - 1] == '\n')
		line[--len] = '\0';
	return len;
}

void
kprintf(enum klevel level, const char *fmt, ...)
{
	char line[LINE_MAX];
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	len = format_line(line, fmt, ap);
	va_end(ap);
	msgbuf_append((int)level, nanouptime(), line, len);
	host_log((int)level, line, len);
}

/* The text is kept static: the stack may be what is broken.  A panic while panicking says so. */
void __noreturn
panic(const char *fmt, ...)
{
	static char message[LINE_MAX] __large_bss;
	static bool panicking;
	va_list ap;

	if (panicking)
		md_panic("panic while panicking");
	panicking = true;
	va_start(ap, fmt);
	format_line(message, fmt, ap);
	va_end(ap);
	md_panic(message);
}

bool
ratecheck(struct ratecheck *rc, nsec_t interval, uint64_t *suppressed)
{
	nsec_t now = nanouptime();

	if (rc->last != 0 && now - rc->last < interval) {
		rc->suppressed++;
		return false;
	}
	if (suppressed != NULL)
		*suppressed = rc->suppressed;
	rc->last = now != 0 ? now : 1;
	rc->suppressed = 0;
	return true;
}
