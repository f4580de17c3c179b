/* SPDX-License-Identifier: ISC */
/* glue.c: the surroundings of the kernel functions under test; compiled with the kernel's headers.
 */
#include <sys/elf.h>
#include <sys/exec_image.h>
#include <sys/host.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/time.h>
#include "glue.h"

/* The host's C library, whose headers cannot be used here. */
void *realloc(void *, size_t);
void *calloc(size_t, size_t);
void free(void *);
void abort(void) __attribute__((noreturn));

uint64_t glue_now;
int glue_fail_alloc;

/* ---- what the kernel code calls ---- */

void *
krealloc(void *p, size_t size)
{
	if (glue_fail_alloc) {
		glue_fail_alloc = 0;
		return NULL;
	}
	return realloc(p, size);
}

void *
kmalloc(size_t size, int flags)
{
	(void)flags;
	return glue_fail_alloc ? NULL : calloc(1, size);
}

void
kfree(void *p)
{
	free(p);
}

int
copyin(const void *uaddr, void *kaddr, size_t len)
{
	memcpy(kaddr, uaddr, len);
	return 0;
}

int
copyinstr(const void *uaddr, void *kaddr, size_t max, size_t *done)
{
	*done = strnlen(uaddr, max) + 1;
	if (*done > max)
		return ENAMETOOLONG;
	memcpy(kaddr, uaddr, *done);
	return 0;
}

nsec_t
nanouptime(void)
{
	return glue_now;
}

bool
cpu_random64(uint64_t *v)
{
	(void)v;
	return false;
}

void
host_log(int level, const char *line, size_t len)
{
	(void)level;
	(void)line;
	(void)len;
}

void __noreturn
md_panic(const char *message)
{
	(void)message;
	abort();
}

void
clock_reprogram(void)
{
}

/* ---- timeouts ---- */

uint64_t glue_wall_offset;

nsec_t
nanotime(void)
{
	return glue_now + glue_wall_offset;
}

nsec_t
wall_offset(void)
{
	return glue_wall_offset;
}

static struct timeout timeouts[GLUE_TIMEOUTS];
unsigned glue_fired[GLUE_TIMEOUTS * 4], glue_nfired;
uint64_t glue_rearm; /* a fired timeout is armed again at once for this time, 0 = not */

static void
fired(void *arg)
{
	struct timeout *to = arg;

	if (glue_nfired < nitems(glue_fired))
		glue_fired[glue_nfired++] = (unsigned)(to - timeouts);
	if (glue_rearm != 0)
		timeout_add_abs(to, glue_rearm);
}

int
glue_timeout_reserve(unsigned id)
{
	timeout_set(&timeouts[id], fired, &timeouts[id]);
	return timeout_reserve(&timeouts[id]);
}

void
glue_timeout_release(unsigned id)
{
	timeout_release(&timeouts[id]);
}

void
glue_timeout_add(unsigned id, uint64_t deadline, bool wall)
{
	if (timeouts[id].to_wall != wall) {
		timeout_del(&timeouts[id]);
		timeouts[id].to_wall = wall;
	}
	timeout_add_abs(&timeouts[id], deadline);
}

bool
glue_timeout_del(unsigned id)
{
	return timeout_del(&timeouts[id]);
}

bool
glue_timeout_pending(unsigned id)
{
	return timeouts[id].to_index != 0;
}

/* ---- ELF ---- */

int
glue_elf_check(const void *file, size_t size, struct glue_elf *out)
{
	struct elf_layout lo;
	struct elf_ehdr eh;
	struct elf_phdr *ph;
	const char *wrong;

	memset(out, 0, sizeof(*out));
	if (size < sizeof(eh))
		return ENOEXEC;
	memcpy(&eh, file, sizeof(eh));
	if (elf_check_ehdr(&eh, size) != NULL)
		return ENOEXEC;
	/* An exact copy, so that the sanitizer sees any look beyond the last header. */
	ph = kmalloc(eh.e_phnum * sizeof(*ph), 0);
	memcpy(ph, (const char *)file + eh.e_phoff, eh.e_phnum * sizeof(*ph));
	wrong = elf_check_phdrs(&eh, ph, size, &lo);
	kfree(ph);
	*out = (struct glue_elf){lo.low,  lo.high,       lo.end,        lo.align,
				 lo.phdr, lo.interp_off, lo.interp_len, lo.exec_stack};
	return wrong == NULL ? 0 : ENOEXEC;
}

/* ---- scripts and arguments ---- */

int
glue_script(const char *head, size_t len, char *interp, char *argv, size_t size)
{
	struct exec_args args = {0};
	struct exec_image x;
	char *path;
	int error;

	memset(&x, 0, sizeof(x));
	memcpy(x.head, head, len);
	x.headlen = len;
	x.args = &args;
	if (exec_args_add(&args, "argv0", false) != 0 || exec_args_add(&args, "one", false) != 0 ||
	    exec_args_add(&args, "ENV=1", true) != 0)
		return ENOMEM;
	error = exec_script(&x, "/script", &path);
	if (error == 0) {
		strlcpy(interp, path, size);
		kfree(path);
		strlcpy(argv, "", size);
		for (size_t i = 0, n = 0; i < args.len && n < size - 2; i++, n++) {
			argv[n] = args.buf[i] != '\0' ? args.buf[i] : '|';
			argv[n + 1] = '\0';
		}
	}
	exec_args_free(&args);
	return error;
}

int
glue_args_fill(unsigned n, size_t len)
{
	struct exec_args args = {0};
	char *s = kmalloc(len + 1, 0);
	int error = 0;

	memset(s, 'x', len);
	s[len] = '\0';
	for (unsigned i = 0; i < n && error == 0; i++)
		error = exec_args_add(&args, s, i % 2 != 0);
	kfree(s);
	exec_args_free(&args);
	return error;
}
