/* SPDX-License-Identifier: ISC */
/* identity.h: what must differ between a sandbox and its clones besides random numbers. */
#ifndef SYS_IDENTITY_H
#define SYS_IDENTITY_H

/* After a clone, before any program runs: /proc/sys/kernel/random/boot_id is made anew. */
void identity_changed(void);

#endif
