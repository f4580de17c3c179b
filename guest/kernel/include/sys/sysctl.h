/* SPDX-License-Identifier: ISC */
/* sysctl.h: named variables of the kernel (kern_sysctl.c). */
#ifndef SYS_SYSCTL_H
#define SYS_SYSCTL_H

#include <sys/types.h>

struct thread;

#define SYSCTL_VALUE_MAX 128 /* a value as text, with its NUL */

extern const char ostype[], osrelease[], osversion[];

/* The value as text, terminated.  ENOENT: no such name; ERANGE: buf is too small. */
int sysctl_get(const char *name, char *buf, size_t size);
/* Set it from text.  td is who asks (EPERM unless root), NULL the host.  ENOENT, EPERM also for
 * read-only names, EINVAL for values that are malformed or out of range. */
int sysctl_set(struct thread *td, const char *name, const char *value);
/* The n-th name, or NULL after the last. */
const char *sysctl_name(size_t n);

#endif
