/* SPDX-License-Identifier: ISC */
/* exec.h: replacing a process image (kern_exec.c, exec_elf.c, exec_script.c). */
#ifndef SYS_EXEC_H
#define SYS_EXEC_H

#include <sys/types.h>

#define ARG_MAX (2UL << 20) /* bytes of argv and env strings and pointers together */
#define ARG_STRING_MAX (128UL << 10)

struct thread;
struct vnode;
/* Strings collected from user or kernel memory before the old image goes. */
struct exec_args {
	char *buf; /* strings back to back, argv first */
	size_t len, size;
	uint32_t argc, envc;
	char *why; /* NULL, or where a refusal says what it is about; EXEC_WHY bytes */
};
#define EXEC_WHY 192
int exec_args_add_user(struct exec_args *, vaddr_t argv, vaddr_t envp); /* E2BIG, EFAULT, ENOMEM */
int exec_args_add(struct exec_args *, const char *s, bool env);
void exec_args_free(struct exec_args *);
void exec_why(struct exec_args *, const char *fmt, ...) __printflike(2, 3);
/*
 * Replace the image of td's process.  Consumes args.  Errors leave the process as it was; past the
 * point of no return a failure kills it.  On success the trap frame is set up: EJUSTRETURN-like,
 * the caller returns to user mode.
 */
int kern_execve(struct thread *, struct vnode *, const char *path, struct exec_args *);

#endif
