/* SPDX-License-Identifier: ISC */
/*
 * breakelf.c: copy an ELF file with one thing in it wrong.
 *
 * usage: breakelf FROM TO WHAT, where WHAT is a name in the table at the end
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (64u << 20)

static uint8_t *data;
static size_t size;

static Elf64_Ehdr *
header(void)
{
	return (Elf64_Ehdr *)data;
}

/* The program header number n of a type; there must be one. */
static Elf64_Phdr *
segment(uint32_t type, unsigned n)
{
	Elf64_Phdr *ph = (Elf64_Phdr *)(data + header()->e_phoff);

	for (unsigned i = 0; i < header()->e_phnum; i++)
		if (ph[i].p_type == type && n-- == 0)
			return &ph[i];
	fprintf(stderr, "breakelf: no such segment\n");
	exit(1);
}

/* The kernel's note of its interface: name "tine", a description of four bytes. */
static uint32_t *
abi_version(void)
{
	Elf64_Phdr *ph = segment(PT_NOTE, 0);

	for (size_t off = ph->p_offset; off < ph->p_offset + ph->p_filesz;) {
		Elf64_Nhdr *nh = (Elf64_Nhdr *)(data + off);
		size_t name = off + sizeof(*nh), desc = name + ((nh->n_namesz + 3) & ~3u);

		if (strcmp((char *)data + name, "tine") == 0 && nh->n_descsz == sizeof(uint32_t))
			return (uint32_t *)(data + desc);
		off = desc + ((nh->n_descsz + 3) & ~3u);
	}
	fprintf(stderr, "breakelf: no note\n");
	exit(1);
}

static void
not_elf(void)
{
	data[1] = 'e';
}

static void
class_32(void)
{
	data[EI_CLASS] = ELFCLASS32;
}

static void
machine(void)
{
	header()->e_machine = EM_AARCH64;
}

static void
object(void)
{
	header()->e_type = ET_REL;
}

static void
short_header(void)
{
	size = sizeof(Elf64_Ehdr) / 2;
}

static void
short_phdrs(void)
{
	size = header()->e_phoff + sizeof(Elf64_Phdr);
}

static void
short_segment(void)
{
	size = segment(PT_LOAD, 0)->p_offset + segment(PT_LOAD, 0)->p_filesz;
}

static void
overlap(void)
{
	segment(PT_LOAD, 1)->p_vaddr = segment(PT_LOAD, 0)->p_vaddr;
	segment(PT_LOAD, 1)->p_paddr = segment(PT_LOAD, 0)->p_paddr;
	segment(PT_LOAD, 1)->p_memsz = segment(PT_LOAD, 0)->p_memsz;
	segment(PT_LOAD, 1)->p_filesz = 0;
}

static void
no_segments(void)
{
	for (unsigned i = 0; i < header()->e_phnum; i++)
		((Elf64_Phdr *)(data + header()->e_phoff))[i].p_type = PT_NULL;
}

/* A name of the same length that no root has. */
static void
interpreter(void)
{
	data[segment(PT_INTERP, 0)->p_offset + 1] = 'X';
}

static void
entry(void)
{
	header()->e_entry = 0x1234;
}

/* Loads well, and cannot run: the first instructions are undefined. */
static void
code(void)
{
	Elf64_Phdr *ph = segment(PT_LOAD, 0);

	for (unsigned n = 0; header()->e_entry - ph->p_vaddr >= ph->p_filesz;)
		ph = segment(PT_LOAD, ++n);
	memset(data + ph->p_offset + (header()->e_entry - ph->p_vaddr), 0x06, 16);
}

static void
placement(void)
{
	segment(PT_LOAD, 1)->p_paddr = 1ull << 40;
}

static void
note(void)
{
	*abi_version() += 1;
}

static void
no_note(void)
{
	segment(PT_NOTE, 0)->p_type = PT_NULL;
}

static const struct {
	const char *name;
	void (*apply)(void);
} kinds[] = {
    {"not-elf", not_elf},
    {"class-32", class_32},
    {"machine", machine},
    {"object", object},
    {"short-header", short_header},
    {"short-phdrs", short_phdrs},
    {"short-segment", short_segment},
    {"overlap", overlap},
    {"no-segments", no_segments},
    {"interpreter", interpreter},
    /* of a guest kernel */
    {"entry", entry},
    {"code", code},
    {"placement", placement},
    {"abi", note},
    {"no-note", no_note},
};

static void
read_file(const char *path)
{
	FILE *f = fopen(path, "rb");

	data = malloc(FILE_MAX);
	if (f == NULL || data == NULL ||
	    (size = fread(data, 1, FILE_MAX, f)) < sizeof(Elf64_Ehdr) ||
	    memcmp(data, ELFMAG, SELFMAG) != 0) {
		fprintf(stderr, "breakelf: cannot read %s\n", path);
		exit(1);
	}
	fclose(f);
}

static void
write_file(const char *path)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL || fwrite(data, 1, size, f) != size || fclose(f) != 0) {
		fprintf(stderr, "breakelf: cannot write %s\n", path);
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	for (size_t i = 0; argc == 4 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(argv[3], kinds[i].name) == 0) {
			read_file(argv[1]);
			kinds[i].apply();
			write_file(argv[2]);
			return 0;
		}
	fprintf(stderr, "usage: breakelf FROM TO WHAT\n");
	return 2;
}
