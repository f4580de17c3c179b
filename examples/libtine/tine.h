/* SPDX-License-Identifier: ISC */
/*
 * tine.h: the native calls of the tine kernel, for programs inside a sandbox.  Link with libtine.a;
 * see rfork(2), tfork(2), forkwatch(2), vmfork(2), tine_generation_page(2), forkstat(2),
 * tine_sysctl(2), pledge(2), ktrace(2), profil(2), ptrace_event_mask(2).  Elsewhere they fail with
 * ENOSYS.
 */
#ifndef TINE_H
#define TINE_H

#include <stddef.h>
#include <sys/types.h>
#include <tine/native.h>
#include <tine/stats.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The child's pid, 0 in the child and without RFPROC, or -1. */
pid_t rfork(int flags) __attribute__((returns_twice));
/* rfork() for RFMEM: the child calls func(arg) on a stack of its own (given by its end) and exits
 * with what func returns. */
pid_t rfork_thread(int flags, void *stack, int (*func)(void *), void *arg);

/* Thread that calls func(arg) on param->tf_stack (the stack's end), then exits.  Its id, or -1. */
pid_t __tfork_thread(const struct __tfork *param, size_t psize, void (*func)(void *), void *arg);

/* Descriptor from which struct forkwatch_event can be read; flags O_CLOEXEC, O_NONBLOCK. */
int forkwatch_open(pid_t pid, unsigned mask, int flags);

/* Fork the whole sandbox, with everything that runs in it: 0 in the clone; in the original the
 * clone's id as a positive number, or -1.  Only if the sandbox is allowed to. */
long vmfork(void);
/* Keep the sandbox as it is now as a template: 0 in each clone that is made of it; in the original
 * the template's id as a positive number, or -1. */
long tine_freeze(void);
/* The page in which the kernel keeps which clone this sandbox is: it has changed before anything
 * runs in a clone or after a reset.  Mapped at the first call; NULL if that fails. */
const volatile struct tine_generation *tine_generation_page(void);

/* As much of the statistics as fits into size bytes; returns the size of all of them. */
ssize_t forkstat(struct tine_stats *, size_t size);

/* Kernel variable by name, as text: the old value to old (*oldlen bytes, then its length with the
 * NUL), the new one from newval; NULL where there is nothing to get or set. */
int tine_sysctl(const char *name, char *old, size_t *oldlen, const char *newval);

/* Promise to use only these system calls (names, separated by spaces), and only paths in or below
 * these (NULL-terminated; NULL: any). */
int pledge(const char *promises, const char *const paths[]);

/* Write struct ktr_record to the file for what pid (0: the caller; negative: a group) does. */
int ktrace(int fd, int ops, unsigned facs, pid_t pid);

/* PROFIL_START, STOP or READ the profile of pid (0: the caller).  READ fills size bytes and returns
 * how many entries there are.  Not called profil(), which C libraries have. */
ssize_t profil_op(pid_t pid, int op, struct profil_entry *buf, size_t size);

/* OpenBSD's events of a traced process: set the mask (-1: only ask) and return the one before; what
 * the last event was. */
int ptrace_event_mask(pid_t pid, int mask);
int ptrace_process_state(pid_t pid, struct ptrace_report *);

#ifdef __cplusplus
}
#endif

#endif
