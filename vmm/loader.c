/* SPDX-License-Identifier: ISC */
/* loader.c: validate the guest kernel's ELF image and place it in guest memory. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader.h"
#include "programs.h"
#include "vmm.h"

#ifndef TINE_KERNEL_DIR
#define TINE_KERNEL_DIR "/usr/local/lib/tine"
#endif

static uint64_t
page_down(uint64_t v)
{
	return v & ~(uint64_t)(TINE_PAGE_SIZE - 1);
}

/* The ABI version in the notes of one segment: 1 when found. */
static int
find_note(const struct elf_file *file, const GElf_Phdr *ph, uint32_t *version)
{
	Elf_Data *data = elf_getdata_rawchunk(file->elf, (int64_t)ph->p_offset, ph->p_filesz,
					      ph->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	size_t off = 0, name, desc;
	GElf_Nhdr nh;

	while (data != NULL && (off = gelf_getnote(data, off, &nh, &name, &desc)) > 0) {
		const char *bytes = data->d_buf;

		if (nh.n_type == TINE_NOTE_ABI && nh.n_descsz == sizeof(*version) &&
		    nh.n_namesz == sizeof(TINE_NOTE_NAME) &&
		    memcmp(bytes + name, TINE_NOTE_NAME, sizeof(TINE_NOTE_NAME)) == 0) {
			memcpy(version, bytes + desc, sizeof(*version));
			return 1;
		}
	}
	return 0;
}

static int
check_abi(const struct elf_file *file, struct tine_error *error)
{
	uint32_t version = 0;
	int found = 0;

	for (size_t i = 0; !found && i < file->nphdr; i++) {
		const GElf_Phdr *ph = &file->phdr[i];

		if (ph->p_type == PT_NOTE && ph->p_offset <= file->size &&
		    ph->p_filesz <= file->size - ph->p_offset)
			found = find_note(file, ph, &version);
	}
	if (!found)
		return tine_error_set(
		    error, ENOEXEC, "bad-kernel",
		    "%s is not a tine kernel (it has no note \"" TINE_NOTE_NAME "\")", file->path);
	if (version != TINE_ABI_VERSION)
		return tine_error_set(
		    error, ENOEXEC, "kernel-abi",
		    "%s speaks version %u of the kernel interface, this tine speaks version %u",
		    file->path, version, TINE_ABI_VERSION);
	return 0;
}

static bool
physical_overlap(const GElf_Phdr *a, const GElf_Phdr *b)
{
	return a->p_paddr < b->p_paddr + b->p_memsz && b->p_paddr < a->p_paddr + a->p_memsz;
}

/* elf_file_check_segments() has excluded overflow in every sum of this file. */
static int
check_placement(const struct elf_file *file, size_t i, const struct guest_mem *mem,
		struct tine_error *error)
{
	const GElf_Phdr *ph = &file->phdr[i];

	if (ph->p_paddr < TINE_GPA_KERNEL_MIN ||
	    ph->p_paddr + ph->p_memsz > mem->region[MEM_LOW].size)
		return tine_error_set(
		    error, ENOEXEC, "bad-kernel",
		    "%s: segment %zu wants physical memory %#llx..%#llx, which is not within "
		    "%#llx..%#llx",
		    file->path, i, (unsigned long long)ph->p_paddr,
		    (unsigned long long)ph->p_paddr + ph->p_memsz, TINE_GPA_KERNEL_MIN,
		    (unsigned long long)mem->region[MEM_LOW].size);
	for (size_t j = 0; j < i; j++)
		if (file->phdr[j].p_type == PT_LOAD && physical_overlap(ph, &file->phdr[j]))
			return tine_error_set(error, ENOEXEC, "overlapping-segments",
					      "%s: segments %zu and %zu overlap in physical memory",
					      file->path, j, i);
	return 0;
}

static int
load_segment(struct kernel_image *kernel, const GElf_Phdr *ph, const struct guest_mem *mem,
	     struct tine_error *error)
{
	gpa_t end = page_down(ph->p_paddr + ph->p_memsz + TINE_PAGE_SIZE - 1);
	void *at;

	if (kernel->end == 0 || page_down(ph->p_paddr) < kernel->start)
		kernel->start = page_down(ph->p_paddr);
	if (end > kernel->end)
		kernel->end = end;
	if ((ph->p_flags & PF_W) != 0 && page_down(ph->p_paddr) < kernel->data)
		kernel->data = page_down(ph->p_paddr);
	if (ph->p_filesz == 0)
		return 0;
	at = mem_at(mem, ph->p_paddr, ph->p_filesz);
	if (at == NULL) /* excluded by check_placement() */
		return tine_error_set(error, EFAULT, "bad-kernel", "%s: segment outside memory",
				      kernel->file.path);
	return elf_file_read(&kernel->file, ph->p_offset, at, ph->p_filesz, error);
}

static int
check_entry(const struct elf_file *file, struct tine_error *error)
{
	uint64_t entry = file->ehdr.e_entry;

	for (size_t i = 0; i < file->nphdr; i++) {
		const GElf_Phdr *ph = &file->phdr[i];

		/* The boot page tables map the kernel base to physical 0. */
		if (ph->p_type == PT_LOAD && (ph->p_flags & PF_X) != 0 && entry >= TINE_VA_KERNEL &&
		    entry - TINE_VA_KERNEL >= ph->p_paddr &&
		    entry - TINE_VA_KERNEL < ph->p_paddr + ph->p_filesz)
			return 0;
	}
	return tine_error_set(
	    error, ENOEXEC, "bad-kernel",
	    "%s: entry point %#llx is not within an executable segment loaded at %#llx", file->path,
	    (unsigned long long)entry, TINE_VA_KERNEL);
}

static int
load_all(struct kernel_image *kernel, const struct guest_mem *mem, struct tine_error *error)
{
	const struct elf_file *file = &kernel->file;
	int r;

	if (file->ehdr.e_type != ET_EXEC)
		return tine_error_set(error, ENOEXEC, "bad-kernel",
				      "%s is not a statically placed executable", file->path);
	r = check_abi(file, error);
	if (r == 0)
		r = elf_file_check_segments(file, error);
	if (r == 0)
		r = check_entry(file, error);
	for (size_t i = 0; r == 0 && i < file->nphdr; i++) {
		if (file->phdr[i].p_type != PT_LOAD)
			continue;
		r = check_placement(file, i, mem, error);
		if (r == 0)
			r = load_segment(kernel, &file->phdr[i], mem, error);
	}
	return r;
}

int
kernel_load(struct kernel_image *kernel, const char *path, const struct guest_mem *mem,
	    struct tine_error *error)
{
	int r;

	memset(kernel, 0, sizeof(*kernel));
	kernel->data = UINT64_MAX;
	r = elf_file_open(&kernel->file, path, error);
	if (r != 0)
		return r;
	r = load_all(kernel, mem, error);
	if (r != 0) {
		elf_file_close(&kernel->file);
		return r;
	}
	kernel->entry = kernel->file.ehdr.e_entry;
	if (kernel->data > kernel->end)
		kernel->data = kernel->end;
	symbols_init(&kernel->symbols, kernel->file.elf);
	return 0;
}

void
kernel_unload(struct kernel_image *kernel)
{
	symbols_free(&kernel->symbols);
	elf_file_close(&kernel->file);
}

/* O_NONBLOCK: a fifo must not make us wait. */
static int
open_image(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

int
kernel_find_open(char *path, size_t size, struct tine_error *error)
{
	static const char *const beside[] = {"tine-kernel", "../tine-kernel",
					     "../lib/tine/tine-kernel"};
	const char *named = getenv("TINE_KERNEL");
	const char *self;
	int fd;

	if (named != NULL && named[0] != '\0') {
		fd = open_image(named);
		if (fd < 0)
			return tine_error_set(error, errno, "no-kernel",
					      "guest kernel %s (TINE_KERNEL): %s", named,
					      strerror(errno));
		snprintf(path, size, "%s", named);
		return fd;
	}
	self = program_folder();
	for (size_t i = 0; self != NULL && i < sizeof(beside) / sizeof(beside[0]); i++) {
		if ((size_t)snprintf(path, size, "%s/%s", self, beside[i]) < size &&
		    (fd = open_image(path)) >= 0)
			return fd;
	}
	if (self == NULL)
		self = "?"; /* no /proc */
	snprintf(path, size, "%s/tine-kernel", TINE_KERNEL_DIR);
	fd = open_image(path);
	if (fd >= 0)
		return fd;
	return tine_error_set(error, ENOENT, "no-kernel",
			      "no guest kernel found: looked for $TINE_KERNEL, %s/tine-kernel, "
			      "%s/../tine-kernel, %s/../lib/tine/tine-kernel and %s",
			      self, self, self, path);
}

int
kernel_find(char *path, size_t size, struct tine_error *error)
{
	int fd = kernel_find_open(path, size, error);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int
kernel_open(void)
{
	char path[PATH_MAX];
	int fd = kernel_find_open(path, sizeof(path), NULL);

	return fd < 0 ? -1 : fd;
}
