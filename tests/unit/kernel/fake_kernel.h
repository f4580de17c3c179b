/* SPDX-License-Identifier: ISC */
/* fake_kernel.h: what the tests written against kernel headers share. */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/mman.h>
#include <sys/pmap.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>
#include <machine/stats.h>
#include "hosted.h"

/* Memory beyond RAM, as the root image is: no frame table covers it. */
#define IMAGE_PA 0xe0000000UL
#define IMAGE_PAGES 64

/* A process that owns an address space, seen by whoever walks all processes. */
struct process *fake_process(struct vmspace *);
void fake_process_free(struct process *); /* releases the address space */

/* What the counters say before and after must be the same. */
struct usage {
	uint64_t frames, objects;
};
struct usage usage_now(void);
void usage_check(struct usage before);

/* Let the time come of the timeout that is armed; false if none is. */
bool fake_timeout(void);
extern uint64_t fake_discarded; /* frames that the host has been given */
extern int fake_discard_error;  /* what it says to the next ones, 0: takes them */

/*
 * mmu.c: an access of a program, through simulated caches of translations and of page tables, with
 * page faults served by vm_fault().  0 or the error of the fault; *word is read or written at
 * offset off of the page.
 */
int mmu_access(struct vmspace *, vaddr_t va, int access, uint64_t *word);

#endif
