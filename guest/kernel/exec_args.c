/* SPDX-License-Identifier: ISC */
/* exec_args.c: argument and environment strings on their way from the old image to the new. */
#include <sys/exec_image.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#define BUF_MIN PAGE_SIZE

/* Room for need more bytes, and for one more pointer in the new image. */
static int
args_reserve(struct exec_args *ea, size_t need)
{
	size_t pointers = ((size_t)ea->argc + ea->envc + 1) * sizeof(vaddr_t), size;
	char *buf;

	if (need > ARG_MAX || ea->len + need + pointers > ARG_MAX)
		return E2BIG;
	if (ea->len + need <= ea->size)
		return 0;
	for (size = MAX(ea->size, BUF_MIN); size < ea->len + need;)
		size *= 2;
	if ((buf = krealloc(ea->buf, size)) == NULL)
		return ENOMEM;
	ea->buf = buf;
	ea->size = size;
	return 0;
}

static void
args_count(struct exec_args *ea, size_t len, bool env)
{
	ea->len += len;
	if (env)
		ea->envc++;
	else
		ea->argc++;
}

int
exec_args_add(struct exec_args *ea, const char *s, bool env)
{
	size_t len = strlen(s) + 1;
	int error;

	if (len > ARG_STRING_MAX)
		return E2BIG;
	if ((error = args_reserve(ea, len)) != 0)
		return error;
	memcpy(ea->buf + ea->len, s, len);
	args_count(ea, len, env);
	return 0;
}

/* Into what room there is first; while that is too little, more room. */
static int
args_add_userstr(struct exec_args *ea, vaddr_t uaddr, bool env)
{
	size_t room, done, want = 1;
	int error;

	for (;;) {
		if ((error = args_reserve(ea, want)) != 0)
			return error;
		room = MIN(ea->size - ea->len, ARG_STRING_MAX);
		error = copyinstr((const void *)uaddr, ea->buf + ea->len, room, &done);
		if (error == 0)
			break;
		if (error != ENAMETOOLONG)
			return error;
		if (room == ARG_STRING_MAX)
			return E2BIG;
		want = room + 1;
	}
	if ((error = args_reserve(ea, done)) != 0) /* it fits; but within the limit? */
		return error;
	args_count(ea, done, env);
	return 0;
}

/* No array at all is an empty one, as on Linux. */
static int
args_add_array(struct exec_args *ea, vaddr_t array, bool env)
{
	vaddr_t str;
	int error;

	if (array == 0)
		return 0;
	for (;; array += sizeof(str)) {
		if ((error = copyin((const void *)array, &str, sizeof(str))) != 0)
			return error;
		if (str == 0)
			return 0;
		if ((error = args_add_userstr(ea, str, env)) != 0)
			return error;
	}
}

/* A program always gets an argv[0], though it be empty: too many look at it unasked. */
int
exec_args_add_user(struct exec_args *ea, vaddr_t argv, vaddr_t envp)
{
	int error = args_add_array(ea, argv, false);

	if (error == 0 && ea->argc == 0)
		error = exec_args_add(ea, "", false);
	return error != 0 ? error : args_add_array(ea, envp, true);
}

int
exec_args_replace0(struct exec_args *ea, const char *const *strings, unsigned n)
{
	size_t old = ea->argc > 0 ? strlen(ea->buf) + 1 : 0, new = 0, at = 0;
	int error;

	for (unsigned i = 0; i < n; i++)
		new += strlen(strings[i]) + 1;
	if ((error = args_reserve(ea, new + n * sizeof(vaddr_t))) != 0)
		return error;
	memmove(ea->buf + new, ea->buf + old, ea->len - old);
	for (unsigned i = 0; i < n; i++) {
		size_t len = strlen(strings[i]) + 1;

		memcpy(ea->buf + at, strings[i], len);
		at += len;
	}
	ea->len += new - old;
	ea->argc += n - (ea->argc > 0 ? 1 : 0);
	return 0;
}

size_t
exec_args_argvlen(const struct exec_args *ea)
{
	size_t len = 0;

	for (uint32_t i = 0; i < ea->argc; i++)
		len += strlen(ea->buf + len) + 1;
	return len;
}

/* What an errno cannot tell; the program that calls execve() gets that alone. */
void
exec_why(struct exec_args *ea, const char *fmt, ...)
{
	va_list ap;

	if (ea->why == NULL)
		return;
	va_start(ap, fmt);
	kvsnprintf(ea->why, EXEC_WHY, fmt, ap);
	va_end(ap);
}

void
exec_args_free(struct exec_args *ea)
{
	kfree(ea->buf);
	*ea = (struct exec_args){0};
}
