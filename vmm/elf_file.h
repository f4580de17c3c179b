/* SPDX-License-Identifier: ISC */
/* elf_file.h: an ELF file, opened and checked. */
#ifndef TINE_VMM_ELF_FILE_H
#define TINE_VMM_ELF_FILE_H

#include <fcntl.h>
#include <gelf.h>
#include <stddef.h>
#include <stdint.h>

struct stat;
struct tine_error;

struct elf_file {
	const char *path; /* borrowed; for messages */
	int fd;
	uint64_t size;
	Elf *elf;
	GElf_Ehdr ehdr;
	GElf_Phdr *phdr;
	size_t nphdr;
};

/* Open path and check that it is a little-endian x86-64 ELF64 whose program headers lie within the
 * file.  Errors are named: not-found, is-directory, not-regular, empty-file, not-elf, wrong-class,
 * wrong-arch, truncated-elf, bad-elf. */
int elf_file_open(struct elf_file *file, const char *path, struct tine_error *error);
/* The same for what program_file_open() has opened; takes fd over, also on failure. */
int elf_file_begin(struct elf_file *file, const char *path, int fd, uint64_t size,
		   struct tine_error *error);
void elf_file_close(struct elf_file *file);

/* Check the PT_LOAD headers: within the file (truncated-elf), no wrap-around (bad-elf), at least
 * one, and no two that overlap in virtual memory (overlapping-segments). */
int elf_file_check_segments(const struct elf_file *file, struct tine_error *error);

/* Read exactly len bytes at off; 0 or truncated-elf. */
int elf_file_read(const struct elf_file *file, uint64_t off, void *buf, size_t len,
		  struct tine_error *error);

/* Open a path for elf_file or script inspection: a regular, non-empty file; *st is about it. */
int program_file_open(const char *path, struct stat *st, struct tine_error *error);
/* The same for what has been opened so: fd, which is closed on failure.  O_NONBLOCK: opening a fifo
 * must fail this check, not hang. */
#define PROGRAM_FILE_OPEN (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
int program_file_check(int fd, const char *path, struct stat *st, struct tine_error *error);

#endif
