/* SPDX-License-Identifier: ISC */
/* test_elf.c: the ELF header checker: real programs, one broken field at a time, random damage. */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "glue.h"
#include <cmocka.h>

#define FILE_SIZE 0x3000
#define USER_MAX 0x7ffffffff000UL

struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[5];
	uint8_t rest[FILE_SIZE - sizeof(Elf64_Ehdr) - 5 * sizeof(Elf64_Phdr)];
};
_Static_assert(sizeof(struct image) == FILE_SIZE, "image");

/* Interpreter, text, data with bss, stack note, an unknown one. */
static void
make_image(struct image *im)
{
	memset(im, 0, sizeof(*im));
	memcpy(im->eh.e_ident, ELFMAG, SELFMAG);
	im->eh.e_ident[EI_CLASS] = ELFCLASS64;
	im->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	im->eh.e_ident[EI_VERSION] = EV_CURRENT;
	im->eh.e_type = ET_DYN;
	im->eh.e_machine = EM_X86_64;
	im->eh.e_entry = 0x1000;
	im->eh.e_phoff = sizeof(Elf64_Ehdr);
	im->eh.e_phentsize = sizeof(Elf64_Phdr);
	im->eh.e_phnum = 5;
	im->ph[0] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 0x800, .p_filesz = 20};
	im->ph[1] = (Elf64_Phdr){.p_type = PT_LOAD,
				 .p_flags = PF_R | PF_X,
				 .p_filesz = 0x1800,
				 .p_memsz = 0x1800,
				 .p_align = 0x1000};
	im->ph[2] = (Elf64_Phdr){.p_type = PT_LOAD,
				 .p_flags = PF_R | PF_W,
				 .p_offset = 0x1800,
				 .p_vaddr = 0x2800,
				 .p_filesz = 0x400,
				 .p_memsz = 0x5000,
				 .p_align = 0x1000};
	im->ph[3] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W};
	im->ph[4] = (Elf64_Phdr){.p_type = 0x12345678, .p_filesz = UINT64_MAX};
}

static void
test_good(void **state)
{
	struct glue_elf out;
	struct image im;

	(void)state;
	make_image(&im);
	assert_int_equal(glue_elf_check(&im, sizeof(im), &out), 0);
	assert_true(out.low == 0 && out.end == 0x7800 && out.high == 0x8000);
	assert_true(out.phdr == sizeof(Elf64_Ehdr) && out.align == 0x1000);
	assert_true(out.interp_off == 0x800 && out.interp_len == 20);
	assert_false(out.exec_stack);
	im.ph[3].p_flags = PF_X;
	im.ph[1].p_align = 0x200000;
	assert_int_equal(glue_elf_check(&im, sizeof(im), &out), 0);
	assert_true(out.exec_stack && out.align == 0x200000);
	im.ph[1].p_align = 0x201000; /* no power of two: not a reason to refuse */
	assert_int_equal(glue_elf_check(&im, sizeof(im), &out), 0);
	assert_true(out.align == 0x1000);
}

/* Each damage alone makes the good image unacceptable. */
#define REFUSE(damage)                                                                             \
	do {                                                                                       \
		struct glue_elf out_;                                                              \
		struct image im;                                                                   \
		make_image(&im);                                                                   \
		damage;                                                                            \
		assert_int_equal(glue_elf_check(&im, sizeof(im), &out_), ENOEXEC);                 \
	} while (0)

static void
test_bad_ehdr(void **state)
{
	(void)state;
	for (int i = 0; i < 7; i++)
		REFUSE(im.eh.e_ident[i] ^= 1);
	REFUSE(im.eh.e_type = ET_REL);
	REFUSE(im.eh.e_type = ET_CORE);
	REFUSE(im.eh.e_machine = EM_386);
	REFUSE(im.eh.e_phentsize = 55);
	REFUSE(im.eh.e_phnum = 0);
	REFUSE(im.eh.e_phnum = 129);
	REFUSE(im.eh.e_phnum = 65535);
	REFUSE(im.eh.e_phoff = sizeof(im));
	REFUSE(im.eh.e_phoff = sizeof(im) - 5 * sizeof(Elf64_Phdr) + 1);
	REFUSE(im.eh.e_phoff = UINT64_MAX);
	REFUSE(im.eh.e_phoff = UINT64_MAX - 279);
	REFUSE(im.eh.e_entry = USER_MAX);
	REFUSE(im.eh.e_entry = UINT64_MAX);
}

static void
test_bad_phdr(void **state)
{
	(void)state;
	REFUSE(im.ph[2].p_filesz = 0x5001);
	REFUSE(im.ph[2].p_offset = 0x1801);
	REFUSE(im.ph[2].p_vaddr = 0x2801);
	REFUSE(im.ph[2].p_vaddr = 0x800);                      /* before the one above it */
	REFUSE(im.ph[1].p_memsz = 0x2801);                     /* runs into the next */
	REFUSE(im.ph[2].p_filesz = im.ph[2].p_memsz = 0x2000); /* not in the file */
	REFUSE(im.ph[2].p_offset = UINT64_MAX - 0x7ff);
	REFUSE(im.ph[2].p_memsz = UINT64_MAX);
	REFUSE(im.ph[2].p_memsz = USER_MAX);
	REFUSE(im.ph[2].p_vaddr = UINT64_MAX - 0x7ff);
	REFUSE(im.eh.e_type = ET_EXEC); /* page 0 */
	REFUSE(im.ph[0].p_filesz = 0);
	REFUSE(im.ph[0].p_filesz = 1);
	REFUSE(im.ph[0].p_filesz = 4097);
	REFUSE(im.ph[0].p_offset = FILE_SIZE - 19);
	REFUSE(im.ph[0].p_offset = UINT64_MAX);
	REFUSE(im.ph[1].p_type = im.ph[2].p_type = PT_NULL);
	REFUSE(im.ph[1].p_memsz = im.ph[1].p_filesz = im.ph[2].p_memsz = im.ph[2].p_filesz = 0);
}

/* Every program of the host that is around must pass. */
static void
test_real(void **state)
{
	static const char *const paths[] = {"/proc/self/exe", "/bin/sh",
					    "/lib64/ld-linux-x86-64.so.2"};
	struct glue_elf out;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		FILE *f = fopen(paths[i], "rb");
		char *buf;
		long size;

		if (f == NULL)
			continue;
		assert_int_equal(fseek(f, 0, SEEK_END), 0);
		size = ftell(f);
		rewind(f);
		buf = malloc((size_t)size);
		assert_non_null(buf);
		assert_int_equal(fread(buf, 1, (size_t)size, f), size);
		fclose(f);
		assert_int_equal(glue_elf_check(buf, (size_t)size, &out), 0);
		assert_true(out.high > out.low);
		free(buf);
	}
}

/* Random damage: whatever is accepted obeys what exec relies on. */
static void
test_damage(void **state)
{
	struct glue_elf out;
	struct image im;
	unsigned accepted = 0;

	(void)state;
	srand(2);
	for (int round = 0; round < 200000; round++) {
		uint8_t *bytes = (uint8_t *)&im;
		size_t header = sizeof(Elf64_Ehdr) + 5 * sizeof(Elf64_Phdr);

		make_image(&im);
		for (int n = 1 + rand() % 3; n > 0; n--)
			bytes[(size_t)rand() % header] = (uint8_t)rand();
		if (glue_elf_check(&im, sizeof(im), &out) != 0)
			continue;
		accepted++;
		assert_true(out.low <= out.high && out.high <= USER_MAX);
		assert_true(out.end <= out.high && out.low % 4096 == 0 && out.high % 4096 == 0);
		assert_true((out.align & (out.align - 1)) == 0 && out.align >= 4096);
		assert_true(out.interp_len <= 4096 && out.interp_off + out.interp_len <= FILE_SIZE);
	}
	assert_true(accepted > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),     cmocka_unit_test(test_bad_ehdr),
	    cmocka_unit_test(test_bad_phdr), cmocka_unit_test(test_real),
	    cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests_name("kernel ELF check", tests, NULL, NULL);
}
