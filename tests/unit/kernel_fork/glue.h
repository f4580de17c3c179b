/* SPDX-License-Identifier: ISC */
/* glue.h: the kernel functions under test, in types that host and kernel headers agree on. */
#ifndef KERNEL_FORK_GLUE_H
#define KERNEL_FORK_GLUE_H

#include <stdbool.h>
#include <stdint.h>

/* ---- what the kernel would supply ---- */
extern int glue_fail_alloc;     /* the next allocation fails */
extern int glue_blocks;         /* allocated now */
extern int glue_warnings;       /* lines logged */
extern bool glue_used[4194304]; /* ids that name something */

/* ---- kern_atfork.c ---- */
typedef void (*hook_t)(void *parent, void *child, uint32_t flags);
int glue_at_fork(hook_t);
int glue_rm_at_fork(hook_t);
void glue_atfork_run(void *parent, void *child, uint32_t flags);

/* ---- kern_pid.c ---- */
extern int pid_max, lastpid, randompid, pidpolicy;
void pid_init(void);
int pid_set_max(int max);
int pid_clamp_randompid(int);
int pid_alloc(bool system, int32_t *idp);
int pid_alloc_high(int32_t *idp);
int tid_alloc(int32_t *idp);
int pid_alloc_wanted(int32_t id);
void pid_release(int32_t id);
void pid_unalloc(int32_t id);
int32_t pid_next(int32_t after);

#endif
