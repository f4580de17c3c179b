/* SPDX-License-Identifier: ISC */
/* pagemap.h: /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst). */
#ifndef TINE_VMM_PAGEMAP_H
#define TINE_VMM_PAGEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include "abi/abi.h"

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_SWAPPED (1ull << 62)
#define PAGEMAP_FILE (1ull << 61)
#define PAGEMAP_EXCLUSIVE (1ull << 56)

#define PAGEMAP_FRAME ((1ull << 55) - 1)

/* That of a process, or -errno.  Whoever gets the descriptor does not learn the host's page frames
 * (PAGEMAP_FRAME is 0), which help to attack memory that is not the process's: what the kernel
 * shows depends on who has opened the file, so it is opened without CAP_SYS_ADMIN. */
int pagemap_open(pid_t pid);

/* The entries of n pages from at. */
static inline bool
pagemap_read(int fd, const uint8_t *at, uint64_t *pm, size_t n)
{
	uint64_t where = (uintptr_t)at / TINE_PAGE_SIZE * sizeof(pm[0]);

	return pread(fd, pm, n * sizeof(pm[0]), (off_t)where) == (ssize_t)(n * sizeof(pm[0]));
}

/* Written by this process: not the file's page any more, nor nothing at all. */
static inline bool
pagemap_is_own(uint64_t pm)
{
	return (pm & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) != 0 && (pm & PAGEMAP_FILE) == 0;
}

/* The same, but for what is swapped out and for the page of zeroes that a read of nothing maps. */
static inline bool
pagemap_is_written(uint64_t pm)
{
	return (pm & (PAGEMAP_PRESENT | PAGEMAP_FILE | PAGEMAP_EXCLUSIVE)) ==
	       (PAGEMAP_PRESENT | PAGEMAP_EXCLUSIVE);
}

#endif
