/* SPDX-License-Identifier: ISC */
/* vm_radix.h: the tree of an object's frames, by page index (vm_radix.c). */
#ifndef VM_RADIX_H
#define VM_RADIX_H

#include <sys/vm.h>

struct radix_node;

struct page *radix_lookup(const void *root, uint64_t idx);
int radix_insert(void **root, uint64_t idx, struct page *); /* not there before; ENOMEM */
/* Release the frames of pages [first, last); returns how many there were. */
uint64_t radix_remove(void **root, uint64_t first, uint64_t last);

#endif
