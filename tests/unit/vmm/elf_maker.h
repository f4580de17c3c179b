/* SPDX-License-Identifier: ISC */
/* elf_maker.h: ELF files made field by field, for tests that then break one of them. */
#ifndef TINE_TEST_ELF_MAKER_H
#define TINE_TEST_ELF_MAKER_H

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ELF_BYTES 16384u
#define ELF_MAX_PHDR 8

struct elf_maker {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[ELF_MAX_PHDR];
	uint8_t bytes[ELF_BYTES]; /* what follows the headers keeps its file offset */
	size_t size;              /* of the file */
	char path[64];
};

/*
 * A static executable with one segment of 4096 bytes at file offset 4096. The file of the one
 * before is removed; `m' is zero at first.
 */
static inline void
elf_init(struct elf_maker *m)
{
	if (m->path[0] != '\0')
		unlink(m->path);
	memset(m, 0, sizeof(*m));
	memcpy(m->eh.e_ident, ELFMAG, SELFMAG);
	m->eh.e_ident[EI_CLASS] = ELFCLASS64;
	m->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	m->eh.e_ident[EI_VERSION] = EV_CURRENT;
	m->eh.e_type = ET_EXEC;
	m->eh.e_machine = EM_X86_64;
	m->eh.e_version = EV_CURRENT;
	m->eh.e_entry = 0x401000;
	m->eh.e_phoff = sizeof(m->eh);
	m->eh.e_ehsize = sizeof(m->eh);
	m->eh.e_phentsize = sizeof(Elf64_Phdr);
	m->eh.e_phnum = 1;
	m->eh.e_shentsize = sizeof(Elf64_Shdr);
	m->ph[0] = (Elf64_Phdr){.p_type = PT_LOAD,
				.p_flags = PF_R | PF_X,
				.p_offset = 4096,
				.p_vaddr = 0x401000,
				.p_paddr = 0x401000,
				.p_filesz = 4096,
				.p_memsz = 4096,
				.p_align = 4096};
	memset(m->bytes + 4096, 0x90, 4096);
	m->size = 8192;
}

/* Write it to a file of its own; the path is returned. */
static inline const char *
elf_write(struct elf_maker *m)
{
	int fd;

	memcpy(m->bytes, &m->eh, sizeof(m->eh));
	memcpy(m->bytes + sizeof(m->eh), m->ph, sizeof(m->ph));
	if (m->path[0] != '\0')
		unlink(m->path);
	strcpy(m->path, "/tmp/tine-elf-XXXXXX");
	fd = mkstemp(m->path);
	if (fd < 0 || write(fd, m->bytes, m->size) != (ssize_t)m->size)
		abort();
	close(fd);
	return m->path;
}

#endif
