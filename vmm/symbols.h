/* SPDX-License-Identifier: ISC */
/* symbols.h: names of the guest kernel's addresses. */
#ifndef TINE_VMM_SYMBOLS_H
#define TINE_VMM_SYMBOLS_H

#include <libelf.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
	uint64_t addr, size;
	const char *name; /* in the string table that libelf holds */
};

struct symbols {
	pthread_mutex_t lock; /* the vCPU and the I/O thread both report */
	Elf *elf;             /* owned by the kernel image; must outlive this */
	int fd;               /* or the file of the kernel, when elf is NULL; -1: none */
	uint64_t size;        /* and what has to be in it */
	uint32_t crc;
	bool loaded;
	struct symbol *sym; /* sorted by addr */
	size_t n;
};

/* The table is read at the first question: a sandbox that ends well never needs it. */
void symbols_init(struct symbols *symbols, Elf *elf);
/* Of a clone, which has loaded no kernel: from the file fd (borrowed), if its contents are the
 * kernel that the template has booted. */
void symbols_init_file(struct symbols *symbols, int fd, uint64_t size, uint32_t crc);
void symbols_free(struct symbols *symbols);
/* "0xADDR <name+0x12>", or the bare address; buf is returned. */
const char *symbols_format(struct symbols *symbols, uint64_t addr, char *buf, size_t size);

#endif
