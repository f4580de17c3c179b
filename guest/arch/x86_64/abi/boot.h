/* SPDX-License-Identifier: ISC */
/*
 * boot.h: the boot block, written by the VMM before entry; the guest copies and wipes it.  A clone
 * gets a new one before it goes on: memory is as in its template, everything else may differ; a
 * root image can be new only in a clone whose template had not mounted one.
 */
#ifndef TINE_ABI_BOOT_H
#define TINE_ABI_BOOT_H

#include <stddef.h>
#include <stdint.h>

#define TINE_BOOT_MAGIC 0x656e6974u /* "tine" */
#define TINE_BOOT_PARAMS_MAX 2048u
#define TINE_HOSTNAME_MAX 64u

#define TINE_BOOT_TRACE 0x1u  /* keep the trace ring (also needs a kernel built with it) */
#define TINE_BOOT_EVENTS 0x2u /* send fork/exec/exit events from the start */
/* A clone's only: this identity is not the one that it is to have.  The guest takes it, as it will
 * the right one, and asks again (TINE_HC_READY) before anything else. */
#define TINE_BOOT_REHEARSAL 0x4u

struct tine_bootblock {
	uint32_t magic;                   /* IN TINE_BOOT_MAGIC */
	uint32_t abi_version;             /* IN TINE_ABI_VERSION */
	uint32_t size;                    /* IN sizeof(struct tine_bootblock), without params */
	uint32_t flags;                   /* IN TINE_BOOT_* */
	uint64_t ram_low;                 /* IN bytes of RAM from GPA 0 */
	uint64_t ram_high;                /* IN bytes of RAM from TINE_GPA_HIGH */
	uint64_t kernel_start;            /* IN first byte of the loaded kernel, page aligned */
	uint64_t kernel_end;              /* IN first byte after it (bss included), page aligned */
	uint64_t rootfs_size;             /* IN bytes of the image at TINE_GPA_ROOTFS, 0 = none */
	uint64_t tsc_khz;                 /* IN TSC frequency; 0 = unknown, use kvmclock's scale */
	uint64_t realtime_ns;             /* IN CLOCK_REALTIME of the host at entry */
	uint64_t kvmclock_ns;             /* IN the VM's kvmclock at that moment; 0 = unknown */
	uint64_t generation;              /* IN counts clones: 0 on a cold boot */
	uint8_t seed[32];                 /* IN fresh random bytes for this sandbox alone: a key */
	uint8_t sandbox_id[16];           /* IN opaque identity */
	char hostname[TINE_HOSTNAME_MAX]; /* IN NUL terminated */
	uint32_t params_len;              /* IN bytes used in params */
	uint32_t pad;
	char params[]; /* IN sysctl settings: "name=value" strings, each NUL
			  terminated; at most TINE_BOOT_PARAMS_MAX */
};

_Static_assert(offsetof(struct tine_bootblock, ram_low) == 16, "layout");
_Static_assert(offsetof(struct tine_bootblock, seed) == 88, "layout");
_Static_assert(offsetof(struct tine_bootblock, params) == 208, "layout");
_Static_assert(sizeof(struct tine_bootblock) == 208, "layout");

#endif
