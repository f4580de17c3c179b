/* SPDX-License-Identifier: ISC */
/* glue.c: what the kernel sources under test need of the rest of the kernel. */
#include <sys/atfork.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <machine/stats.h>
#include "glue.h"

void *calloc(size_t, size_t);
void free(void *);
void __noreturn abort(void);
long random(void);

int glue_fail_alloc, glue_blocks, glue_warnings;
bool glue_used[4194304];
static struct tine_stats stats_page;
struct tine_stats *kstats = &stats_page;

void *
kmalloc(size_t size, int flags)
{
	(void)flags;
	if (glue_fail_alloc > 0 && --glue_fail_alloc == 0)
		return NULL;
	glue_blocks++;
	return calloc(1, size);
}

void
kfree(void *p)
{
	glue_blocks -= p != NULL;
	free(p);
}

void
kprintf(enum klevel level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
	glue_warnings++;
}

void
panic(const char *fmt, ...)
{
	(void)fmt;
	abort();
}

uint32_t
arc4random_uniform(uint32_t upper)
{
	return (uint32_t)random() % upper;
}

/* ---- which ids name something ---- */

static char something;

struct process *
zprfind(pid_t pid)
{
	return glue_used[pid] ? (struct process *)(void *)&something : NULL;
}

struct thread *
tfind(pid_t tid)
{
	(void)tid;
	return NULL;
}

struct pgrp *
pgfind(pid_t pgid)
{
	(void)pgid;
	return NULL;
}

struct session *
session_find(pid_t sid)
{
	(void)sid;
	return NULL;
}

/* ---- hooks ---- */

int
glue_at_fork(hook_t f)
{
	return at_fork((forklist_fn)(void *)f);
}

int
glue_rm_at_fork(hook_t f)
{
	return rm_at_fork((forklist_fn)(void *)f);
}

void
glue_atfork_run(void *parent, void *child, uint32_t flags)
{
	atfork_run(parent, child, flags);
}
