/* main.c: write the memory image and option ROM with which Bochs enters a Linux kernel. */
/* SPDX-License-Identifier: ISC */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Bochs hands out memory in such blocks; the BIOS has touched some before the option ROM runs (see
 * rom.S).
 */
#define BLOCK 0x20000u
#define BLOCKS_OF_BIOS 6u
#define PAGE 0x1000u
#define DISK_ALIGNMENT 0x200000u /* of memory that the kernel maps with page structures */
#define ROM_SIZE 2048u
#define DISKS_MAX 4

/* Xen's start-of-day structures, public/arch-x86/hvm/start_info.h. */
#define START_MAGIC 0x336ec578u
#define PVH_ENTRY_NOTE 18u
enum { MEMORY_RAM = 1, MEMORY_RESERVED = 2, MEMORY_ACPI = 3, MEMORY_PERSISTENT = 12 };
struct start_info {
	uint32_t magic, version, flags, modules;
	uint64_t module_list, command_line, rsdp, memory_map;
	uint32_t memory_map_entries, reserved;
};
struct module {
	uint64_t address, size, command_line, reserved;
};
struct memory_range {
	uint64_t address, size;
	uint32_t type, reserved;
};

/* One page right behind the kernel. */
struct boot_page {
	struct start_info info;
	struct module initramfs;
	struct memory_range map[8 + 2 * DISKS_MAX];
	char command_line[2048];
};
_Static_assert(sizeof(struct boot_page) <= PAGE, "boot page");

struct rom_parameters {
	uint32_t first, last, info, entry;
};
extern const unsigned char rom_begin[], rom_parameters[], rom_end[];

struct file {
	const unsigned char *data;
	uint64_t size;
};

struct image {
	int fd;
	uint64_t base; /* physical address of the file's byte BLOCKS_OF_BIOS * BLOCK */
};

static _Noreturn void
fail(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("pvh: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static uint64_t
align(uint64_t value, uint64_t to)
{
	return (value + to - 1) & ~(to - 1);
}

static struct file
open_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0)
		fail("%s: %s", path, strerror(errno));
	const void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		fail("%s: %s", path, strerror(errno));
	close(fd);
	return (struct file){data, (uint64_t)st.st_size};
}

/*
 * A disk image is a large file with a hole at its end: as much as its file system (EROFS, if any)
 * uses is what counts.
 */
static struct file
open_disk(const char *path)
{
	struct file disk = open_file(path);
	uint32_t magic = 0, blocks;

	if (disk.size >= 2 * PAGE)
		memcpy(&magic, disk.data + 1024, sizeof(magic));
	if (magic != 0xe0f5e1e2) {
		disk.size = PAGE;
		return disk;
	}
	memcpy(&blocks, disk.data + 1024 + 36, sizeof(blocks));
	uint64_t size = (uint64_t)blocks << disk.data[1024 + 12];
	if (size < disk.size)
		disk.size = size;
	return disk;
}

static void
put(const struct image *image, uint64_t address, const void *data, uint64_t size)
{
	const char *from = data;

	while (size > 0) {
		ssize_t n = pwrite(image->fd, from, size,
				   (off_t)(BLOCKS_OF_BIOS * BLOCK + address - image->base));
		if (n <= 0)
			fail("write the image: %s", strerror(errno));
		from += n;
		address += (uint64_t)n;
		size -= (uint64_t)n;
	}
}

static uint32_t
pvh_entry(const struct file *kernel, const Elf64_Phdr *notes)
{
	uint64_t at = notes->p_offset, end = at + notes->p_filesz;

	while (at + sizeof(Elf64_Nhdr) <= end && end <= kernel->size) {
		const Elf64_Nhdr *n = (const void *)(kernel->data + at);
		const unsigned char *name = kernel->data + at + sizeof(*n);
		if (n->n_type == PVH_ENTRY_NOTE && n->n_namesz == 4 && memcmp(name, "Xen", 4) == 0)
			return *(const uint32_t *)(const void *)(name + 4);
		at += sizeof(*n) + align(n->n_namesz, 4) + align(n->n_descsz, 4);
	}
	fail("the kernel has no PVH entry");
}

/* Places the kernel; returns its entry and sets *end to the first address behind its memory. */
static uint32_t
load_kernel(struct image *image, const struct file *kernel, uint64_t *end)
{
	const Elf64_Ehdr *e = (const void *)kernel->data;
	const Elf64_Phdr *p = (const void *)(kernel->data + e->e_phoff);
	uint32_t entry = 0;

	image->base = UINT64_MAX;
	for (int i = 0; i < e->e_phnum; i++)
		if (p[i].p_type == PT_LOAD && p[i].p_paddr < image->base)
			image->base = p[i].p_paddr;
	for (int i = 0; i < e->e_phnum; i++) {
		if (p[i].p_type == PT_NOTE)
			entry = pvh_entry(kernel, &p[i]);
		if (p[i].p_type != PT_LOAD)
			continue;
		put(image, p[i].p_paddr, kernel->data + p[i].p_offset, p[i].p_filesz);
		if (p[i].p_paddr + p[i].p_memsz > *end)
			*end = p[i].p_paddr + p[i].p_memsz;
	}
	return entry;
}

static void
add_range(struct boot_page *page, uint64_t begin, uint64_t end, uint32_t type)
{
	page->map[page->info.memory_map_entries++] =
	    (struct memory_range){begin, end - begin, type, 0};
}

static void
write_rom(const char *path, const struct rom_parameters *parameters)
{
	unsigned char rom[ROM_SIZE] = {0}, sum = 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	memcpy(rom, rom_begin, (size_t)(rom_end - rom_begin));
	memcpy(rom + (rom_parameters - rom_begin), parameters, sizeof(*parameters));
	for (size_t i = 0; i < ROM_SIZE; i++)
		sum = (unsigned char)(sum + rom[i]);
	rom[ROM_SIZE - 1] = (unsigned char)-sum;
	if (fd < 0 || write(fd, rom, ROM_SIZE) != ROM_SIZE || close(fd) != 0)
		fail("%s: %s", path, strerror(errno));
}

int
main(int argc, char **argv)
{
	static struct boot_page page;
	struct image image;
	uint64_t end = 0;

	if (argc < 7 || argc > 7 + DISKS_MAX)
		fail("usage: pvh IMAGE ROM MEMORY_MB KERNEL INITRAMFS COMMAND_LINE [DISK...]");
	uint64_t memory = strtoull(argv[3], NULL, 10) << 20;
	struct file kernel = open_file(argv[4]), initramfs = open_file(argv[5]);
	image.fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (image.fd < 0)
		fail("%s: %s", argv[1], strerror(errno));
	uint32_t entry = load_kernel(&image, &kernel, &end);
	uint64_t info = align(end, PAGE);
	uint64_t at = info + PAGE;

	page.initramfs = (struct module){at, initramfs.size, 0, 0};
	put(&image, at, initramfs.data, initramfs.size);
	at = align(at + initramfs.size, PAGE);
	add_range(&page, 0, 0x9f000, MEMORY_RAM);
	add_range(&page, 0x9f000, 0xa0000, MEMORY_RESERVED);
	add_range(&page, 0xe8000, 0x100000, MEMORY_RESERVED);
	uint64_t ram = 0x100000;
	for (int i = 7; i < argc; i++) {
		struct file disk = open_disk(argv[i]);
		/*
		 * Ranges of one kind that touch would become one disk: some memory stays between
		 * them.
		 */
		uint64_t begin = align(at + PAGE, DISK_ALIGNMENT);
		at = align(begin + disk.size, DISK_ALIGNMENT);
		put(&image, begin, disk.data, disk.size);
		add_range(&page, ram, begin, MEMORY_RAM);
		add_range(&page, begin, at, MEMORY_PERSISTENT);
		ram = at;
	}
	if (at + (64u << 20) > memory)
		fail("%llu MiB of memory are not enough", (unsigned long long)(memory >> 20));
	add_range(&page, ram, memory - 0x10000, MEMORY_RAM);
	/* Bochs's BIOS keeps its tables there. */
	add_range(&page, memory - 0x10000, memory, MEMORY_ACPI);
	add_range(&page, 0xfffc0000, 0x100000000, MEMORY_RESERVED);

	if (snprintf(page.command_line, sizeof(page.command_line), "%s", argv[6]) >=
	    (int)sizeof(page.command_line))
		fail("the command line is too long");
	page.info.magic = START_MAGIC;
	page.info.version = 1;
	page.info.modules = 1;
	page.info.module_list = info + offsetof(struct boot_page, initramfs);
	page.info.command_line = info + offsetof(struct boot_page, command_line);
	page.info.memory_map = info + offsetof(struct boot_page, map);
	put(&image, info, &page, sizeof(page));
	at = align(at, BLOCK);
	if (ftruncate(image.fd, (off_t)(BLOCKS_OF_BIOS * BLOCK + at - image.base)) != 0)
		fail("%s: %s", argv[1], strerror(errno));
	write_rom(argv[2], &(struct rom_parameters){(uint32_t)image.base, (uint32_t)at,
						    (uint32_t)info, entry});
	return 0;
}
