/* SPDX-License-Identifier: ISC */
/* elf_file.c: open an ELF file and check all that its headers claim, before anyone believes them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_file.h"
#include "vmm.h"

int
program_file_open(const char *path, struct stat *st, struct tine_error *error)
{
	int fd = open(path, PROGRAM_FILE_OPEN);

	if (fd < 0)
		return tine_error_set(error, errno,
				      errno == ENOENT || errno == ENOTDIR ? "not-found"
									  : "not-readable",
				      "%s: %s", path, strerror(errno));
	return program_file_check(fd, path, st, error);
}

int
program_file_check(int fd, const char *path, struct stat *st, struct tine_error *error)
{
	int r = 0;

	if (fstat(fd, st) < 0)
		r = tine_error_set(error, errno, "not-readable", "%s: %s", path, strerror(errno));
	else if (S_ISDIR(st->st_mode))
		r = tine_error_set(error, EISDIR, "is-directory", "%s is a directory", path);
	else if (!S_ISREG(st->st_mode))
		r = tine_error_set(error, EACCES, "not-regular", "%s is not a regular file", path);
	else if (st->st_size == 0)
		r = tine_error_set(error, ENOEXEC, "empty-file", "%s is empty", path);
	if (r != 0) {
		close(fd);
		return r;
	}
	return fd;
}

static int
check_ident(const struct elf_file *file, struct tine_error *error)
{
	unsigned char id[EI_NIDENT];
	ssize_t n = pread(file->fd, id, sizeof(id), 0);

	if (n < SELFMAG || memcmp(id, ELFMAG, SELFMAG) != 0)
		return tine_error_set(error, ENOEXEC, "not-elf", "%s is not an ELF file",
				      file->path);
	if (n < EI_NIDENT || file->size < sizeof(Elf64_Ehdr))
		return tine_error_set(error, ENOEXEC, "truncated-elf",
				      "%s ends within the ELF header (%llu bytes)", file->path,
				      (unsigned long long)file->size);
	if (id[EI_CLASS] != ELFCLASS64)
		return tine_error_set(error, ENOEXEC, "wrong-class",
				      "%s is not a 64-bit ELF file (class %u)", file->path,
				      id[EI_CLASS]);
	if (id[EI_DATA] != ELFDATA2LSB)
		return tine_error_set(error, ENOEXEC, "wrong-arch", "%s is not little-endian",
				      file->path);
	if (id[EI_VERSION] != EV_CURRENT)
		return tine_error_set(error, ENOEXEC, "bad-elf", "%s has ELF version %u",
				      file->path, id[EI_VERSION]);
	return 0;
}

static int
check_ehdr(const struct elf_file *file, struct tine_error *error)
{
	const GElf_Ehdr *eh = &file->ehdr;

	if (eh->e_machine != EM_X86_64)
		return tine_error_set(error, ENOEXEC, "wrong-arch",
				      "%s is for ELF machine %u, not x86-64 (62)", file->path,
				      eh->e_machine);
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return tine_error_set(error, ENOEXEC, "bad-elf",
				      "%s is not an executable (ELF type %u)", file->path,
				      eh->e_type);
	if (eh->e_phnum == 0)
		return tine_error_set(error, ENOEXEC, "bad-elf", "%s has no program headers",
				      file->path);
	if (eh->e_phentsize != sizeof(Elf64_Phdr))
		return tine_error_set(error, ENOEXEC, "bad-elf",
				      "%s has program headers of %u bytes, not %zu", file->path,
				      eh->e_phentsize, sizeof(Elf64_Phdr));
	if (eh->e_phoff > file->size || eh->e_phnum * sizeof(Elf64_Phdr) > file->size - eh->e_phoff)
		return tine_error_set(
		    error, ENOEXEC, "truncated-elf",
		    "%s ends before its program headers (offset %llu, %u of them)", file->path,
		    (unsigned long long)eh->e_phoff, eh->e_phnum);
	return 0;
}

static int
read_phdrs(struct elf_file *file, struct tine_error *error)
{
	file->nphdr = file->ehdr.e_phnum;
	file->phdr = calloc(file->nphdr, sizeof(*file->phdr));
	if (file->phdr == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	for (size_t i = 0; i < file->nphdr; i++)
		if (gelf_getphdr(file->elf, (int)i, &file->phdr[i]) == NULL)
			return tine_error_set(error, ENOEXEC, "bad-elf",
					      "%s: program header %zu: %s", file->path, i,
					      elf_errmsg(-1));
	return 0;
}

int
elf_file_open(struct elf_file *file, const char *path, struct tine_error *error)
{
	struct stat st = {0};
	int fd = program_file_open(path, &st, error);

	return fd < 0 ? fd : elf_file_begin(file, path, fd, (uint64_t)st.st_size, error);
}

static int
begin_libelf(struct elf_file *file, struct tine_error *error)
{
	elf_version(EV_CURRENT);
	/* ELF_C_READ, not ..._MMAP: a file that somebody truncates must not end in SIGBUS. */
	file->elf = elf_begin(file->fd, ELF_C_READ, NULL);
	if (file->elf == NULL || elf_kind(file->elf) != ELF_K_ELF ||
	    gelf_getehdr(file->elf, &file->ehdr) == NULL)
		return tine_error_set(error, ENOEXEC, "bad-elf", "%s: %s", file->path,
				      elf_errmsg(-1));
	return 0;
}

int
elf_file_begin(struct elf_file *file, const char *path, int fd, uint64_t size,
	       struct tine_error *error)
{
	int r;

	memset(file, 0, sizeof(*file));
	file->path = path;
	file->fd = fd;
	file->size = size;
	r = check_ident(file, error);
	if (r == 0)
		r = begin_libelf(file, error);
	if (r == 0)
		r = check_ehdr(file, error);
	if (r == 0)
		r = read_phdrs(file, error);
	if (r != 0)
		elf_file_close(file);
	return r;
}

void
elf_file_close(struct elf_file *file)
{
	free(file->phdr);
	file->phdr = NULL;
	if (file->elf != NULL)
		elf_end(file->elf);
	file->elf = NULL;
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

static int
check_segment(const struct elf_file *file, size_t i, struct tine_error *error)
{
	const GElf_Phdr *ph = &file->phdr[i];
	uint64_t end;

	if (ph->p_filesz > ph->p_memsz)
		return tine_error_set(error, ENOEXEC, "bad-elf",
				      "%s: segment %zu has more bytes in the file than in memory",
				      file->path, i);
	if (ph->p_offset > file->size || ph->p_filesz > file->size - ph->p_offset)
		return tine_error_set(
		    error, ENOEXEC, "truncated-elf",
		    "%s: segment %zu (offset %llu, %llu bytes) goes beyond the end of the file "
		    "(%llu bytes)",
		    file->path, i, (unsigned long long)ph->p_offset,
		    (unsigned long long)ph->p_filesz, (unsigned long long)file->size);
	if (__builtin_add_overflow(ph->p_vaddr, ph->p_memsz, &end) ||
	    __builtin_add_overflow(ph->p_paddr, ph->p_memsz, &end))
		return tine_error_set(error, ENOEXEC, "bad-elf",
				      "%s: segment %zu wraps around the address space", file->path,
				      i);
	return 0;
}

static bool
overlap(const GElf_Phdr *a, const GElf_Phdr *b)
{
	return a->p_vaddr < b->p_vaddr + b->p_memsz && b->p_vaddr < a->p_vaddr + a->p_memsz;
}

int
elf_file_check_segments(const struct elf_file *file, struct tine_error *error)
{
	const GElf_Phdr *ph = file->phdr;
	size_t loads = 0;

	for (size_t i = 0; i < file->nphdr; i++) {
		int r;

		if (ph[i].p_type != PT_LOAD)
			continue;
		loads++;
		r = check_segment(file, i, error);
		if (r != 0)
			return r;
		for (size_t j = 0; j < i; j++)
			if (ph[j].p_type == PT_LOAD && overlap(&ph[i], &ph[j]))
				return tine_error_set(error, ENOEXEC, "overlapping-segments",
						      "%s: segments %zu and %zu overlap",
						      file->path, j, i);
	}
	if (loads == 0)
		return tine_error_set(error, ENOEXEC, "bad-elf", "%s has no loadable segment",
				      file->path);
	return 0;
}

int
elf_file_read(const struct elf_file *file, uint64_t off, void *buf, size_t len,
	      struct tine_error *error)
{
	uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = pread(file->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return tine_error_set(error, errno, "not-readable", "%s: %s", file->path,
					      strerror(errno));
		if (n == 0)
			return tine_error_set(error, ENOEXEC, "truncated-elf",
					      "%s ends at %llu, within its data", file->path,
					      (unsigned long long)off);
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}
