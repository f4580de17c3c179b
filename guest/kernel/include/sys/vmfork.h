/* SPDX-License-Identifier: ISC */
/* vmfork.h: the kernel's side of templates and clones of the whole sandbox (kern_vmfork.c). */
#ifndef SYS_VMFORK_H
#define SYS_VMFORK_H

#include <sys/types.h>

extern int vmfork_limit;       /* kern.vmfork: how often programs may still ask for a clone */
extern uint64_t vm_generation; /* kern.generation: how many clonings lie behind this sandbox */

/* TINE_MSG_FREEZE, for process 1: go through the quiescent point and answer. */
struct tine_freeze;
void vmfork_freeze(uint32_t id, const struct tine_freeze *);
/* This is a clone, with a fresh seed already; for the arch, before anything else runs. */
void vmfork_resumed(uint64_t generation);

/* What programs see of vm_generation (fs/dev_vmgenid.c): it has changed, before anything runs; then
 * those who wait for that may be woken. */
void vmgenid_changed(void);
void vmgenid_wakeup(void);

#endif
