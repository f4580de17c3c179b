/* SPDX-License-Identifier: ISC */
/* bootblock.h: what the guest kernel is told at entry. */
#ifndef TINE_VMM_BOOTBLOCK_H
#define TINE_VMM_BOOTBLOCK_H

struct vm;
struct vm_options;
struct tine_error;

/* Check the texts that go into the boot block: hostname and "name=value" parameters. */
int bootblock_check(const char *hostname, const char *const *params, struct tine_error *error);
/* Fill and place the boot block. */
int bootblock_write(const struct vm *vm, const struct vm_options *options,
		    struct tine_error *error);

#endif
