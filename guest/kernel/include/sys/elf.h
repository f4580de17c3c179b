/* SPDX-License-Identifier: ISC */
/* elf.h: ELF-64 as exec reads it, and the checker of its headers (exec_elfcheck.c). */
#ifndef SYS_ELF_H
#define SYS_ELF_H

#include <sys/types.h>

struct elf_ehdr {
	uint8_t e_ident[16];
	uint16_t e_type, e_machine;
	uint32_t e_version;
	uint64_t e_entry, e_phoff, e_shoff;
	uint32_t e_flags;
	uint16_t e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};
struct elf_phdr {
	uint32_t p_type, p_flags;
	uint64_t p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};
_Static_assert(sizeof(struct elf_ehdr) == 64 && sizeof(struct elf_phdr) == 56, "ELF-64");

#define ET_EXEC 2
#define ET_DYN 3
#define EM_X86_64 62
#define PT_LOAD 1
#define PT_INTERP 3
#define PT_GNU_STACK 0x6474e551
#define PF_X 1
#define PF_W 2
#define PF_R 4

#define ELF_PHDR_MAX 128
#define ELF_INTERP_MAX 4096

/* What the headers amount to, addresses before any bias. */
struct elf_layout {
	vaddr_t low, high;   /* pages of all segments: [low, high) */
	vaddr_t end;         /* first byte after the last segment */
	uint64_t align;      /* of the load address: power of two, at least a page */
	uint64_t phdr;       /* where the program headers are in memory, 0 = nowhere */
	uint64_t interp_off; /* interpreter's path in the file, ... */
	uint64_t interp_len; /* ... with its NUL; 0 = none */
	bool exec_stack;
};

/* Both return NULL, or what is wrong with the file: "it ...". */
/* The program headers lie within the file afterwards. */
const char *elf_check_ehdr(const struct elf_ehdr *, uint64_t filesize);
/* Afterwards every PT_LOAD is within the file and the user address range, and they ascend without
 * overlapping. */
const char *elf_check_phdrs(const struct elf_ehdr *, const struct elf_phdr *, uint64_t filesize,
			    struct elf_layout *);

#endif
