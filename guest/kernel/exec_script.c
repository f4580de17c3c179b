/* SPDX-License-Identifier: ISC */
/* exec_script.c: "#! interpreter [argument]" at the start of a file. */
#include <sys/exec_image.h>
#include <sys/kmem.h>
#include <sys/systm.h>

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * Copies of the two words of the line, in buf of EXEC_HEAD bytes; *arg = NULL if there is no
 * second.  The argument is the rest of the line, blanks inside included.
 */
static int
parse_line(const uint8_t *head, size_t len, char *buf, char **interp, char **arg)
{
	const uint8_t *nl = memchr(head, '\n', len);
	size_t n = nl != NULL ? (size_t)(nl - head) : len;
	char *p;

	if (nl == NULL && len == EXEC_HEAD)
		return ENOEXEC; /* cut off: could be another program's name */
	memcpy(buf, head, n);
	while (n > 2 && is_blank(buf[n - 1]))
		n--;
	buf[n] = '\0';
	for (p = buf + 2; is_blank(*p);)
		p++;
	if (*p == '\0')
		return ENOEXEC;
	*interp = p;
	while (*p != '\0' && !is_blank(*p))
		p++;
	for (*arg = NULL; is_blank(*p); p++)
		*p = '\0';
	if (*p != '\0')
		*arg = p;
	return 0;
}

int
exec_script(struct exec_image *x, const char *script, char **interp)
{
	const char *strings[3];
	char *buf, *name, *arg;
	unsigned n = 0;
	int error;

	if (x->headlen < 3 || x->head[0] != '#' || x->head[1] != '!')
		return ENOEXEC;
	if ((buf = kmalloc(EXEC_HEAD + 1, 0)) == NULL)
		return ENOMEM;
	if ((error = parse_line(x->head, x->headlen, buf, &name, &arg)) == 0) {
		strings[n++] = name;
		if (arg != NULL)
			strings[n++] = arg;
		strings[n++] = script;
		error = exec_args_replace0(x->args, strings, n);
	}
	if (error != 0) {
		kfree(buf);
		return error;
	}
	memmove(buf, name, strlen(name) + 1);
	*interp = buf;
	return 0;
}
