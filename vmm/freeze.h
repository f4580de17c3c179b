/* SPDX-License-Identifier: ISC */
/* freeze.h: make a template of a VM whose vCPU stands still at the quiescent point. */
#ifndef TINE_VMM_FREEZE_H
#define TINE_VMM_FREEZE_H

#include "template.h"
#include "vm.h"

/* Size of the file for so much RAM. */
static inline uint64_t
freeze_file_size(uint64_t ram_bytes)
{
	return TEMPLATE_DATA + ram_bytes;
}

/* While the guest still runs: what a clone has in common with its template (NULL: none) goes to fd.
 */
int freeze_copy_template(const struct tine_template *tmpl, int fd, struct tine_error *error);
/* While the guest still runs, and its writes are logged: the pages that are its own, found through
 * pagemap_fd (/proc/self/pagemap). */
int freeze_copy_ram(const struct vm *vm, int pagemap_fd, int fd, struct tine_error *error);
/* The guest stands still: what it has written to since the log began. */
int freeze_copy_written(const struct vm *vm, int fd, struct tine_error *error);
/* The guest stands still: registers and statistics. */
int freeze_state(const struct vm *vm, struct template_head *head, struct tine_error *error);

#endif
