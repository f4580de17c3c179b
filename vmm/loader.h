/* SPDX-License-Identifier: ISC */
/* loader.h: the guest kernel's image. */
#ifndef TINE_VMM_LOADER_H
#define TINE_VMM_LOADER_H

#include <stdint.h>

#include "elf_file.h"
#include "memory.h"
#include "symbols.h"

struct kernel_image {
	struct elf_file file; /* stays open for its symbols */
	uint64_t entry;       /* virtual address */
	gpa_t start, end;     /* page-aligned extent of what was loaded, bss included */
	gpa_t data;           /* the guest never writes to [start, data) */
	struct symbols symbols;
};

/* Check the kernel at path and place it in RAM.  kernel-abi when it was built for another version
 * of the contract; bad-kernel, or an error of elf_file.h, when the image cannot be loaded. */
int kernel_load(struct kernel_image *kernel, const char *path, const struct guest_mem *mem,
		struct tine_error *error);
void kernel_unload(struct kernel_image *kernel);

/* Find the kernel to use when none is named: $TINE_KERNEL, beside the program, in the build tree it
 * runs from, or installed.  -ENOENT with the places looked at. */
int kernel_find(char *path, size_t size, struct tine_error *error);
/* The same, and the file opened. */
int kernel_find_open(char *path, size_t size, struct tine_error *error);
/* The file of that kernel, for a clone's reports; -1 if there is none. */
int kernel_open(void);

#endif
