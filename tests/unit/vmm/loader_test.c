/* SPDX-License-Identifier: ISC */
/* loader_test.c: kernels that must load and kernels that must be refused, each by name. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "elf_maker.h"
#include "loader.h"
#include "vmm.h"

#define NOTE_OFFSET 12288u

static struct elf_maker maker;
static struct guest_mem mem;

/* A kernel: one segment where the first may lie, a note with the ABI version. */
static void
make_kernel(uint32_t version)
{
	Elf64_Nhdr nh = {5, 4, TINE_NOTE_ABI};

	elf_init(&maker);
	maker.eh.e_entry = TINE_VA_KERNEL + 0x280010;
	maker.eh.e_phnum = 2;
	maker.ph[0].p_vaddr = TINE_VA_KERNEL + 0x280000;
	maker.ph[0].p_paddr = 0x280000;
	maker.ph[0].p_memsz = 8192 + 100;
	maker.ph[1] = (Elf64_Phdr){.p_type = PT_NOTE,
				   .p_offset = NOTE_OFFSET,
				   .p_filesz = 24,
				   .p_memsz = 24,
				   .p_align = 4};
	memcpy(maker.bytes + NOTE_OFFSET, &nh, sizeof(nh));
	memcpy(maker.bytes + NOTE_OFFSET + 12, "tine\0\0\0", 8);
	memcpy(maker.bytes + NOTE_OFFSET + 20, &version, 4);
	maker.size = NOTE_OFFSET + 24;
}

static int
setup(void **state)
{
	(void)state;
	make_kernel(TINE_ABI_VERSION);
	return mem_create(&mem, 16u << 20, -1, 0, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	if (maker.path[0] != '\0')
		unlink(maker.path);
	mem_destroy(&mem);
	return 0;
}

static void
expect_error(const char *type)
{
	struct kernel_image kernel;
	struct tine_error error = {.type = "none"};

	assert_true(kernel_load(&kernel, elf_write(&maker), &mem, &error) < 0);
	if (strcmp(error.type, type) != 0)
		print_error("%s: %s\n", error.type, error.detail);
	assert_string_equal(error.type, type);
}

static void
test_loads(void **state)
{
	struct kernel_image kernel;
	uint8_t byte = 0;
	char at[64];

	(void)state;
	assert_int_equal(kernel_load(&kernel, elf_write(&maker), &mem, NULL), 0);
	assert_int_equal(kernel.start, 0x280000);
	assert_int_equal(kernel.end, 0x283000); /* bss included, rounded up */
	assert_int_equal(kernel.entry, TINE_VA_KERNEL + 0x280010);
	assert_int_equal(mem_read(&mem, 0x280fff, &byte, 1), 0);
	assert_int_equal(byte, 0x90);
	assert_int_equal(mem_read(&mem, 0x281000, &byte, 1), 0);
	assert_int_equal(byte, 0);
	assert_string_equal(symbols_format(&kernel.symbols, 0x1234, at, sizeof(at)), "0x1234");
	kernel_unload(&kernel);
}

static void
test_versions(void **state)
{
	struct kernel_image kernel;
	struct tine_error error;
	char text[64];

	(void)state;
	make_kernel(TINE_ABI_VERSION + 1);
	assert_true(kernel_load(&kernel, elf_write(&maker), &mem, &error) < 0);
	assert_string_equal(error.type, "kernel-abi");
	snprintf(text, sizeof(text), "version %u of", TINE_ABI_VERSION + 1);
	assert_non_null(strstr(error.detail, text));
	snprintf(text, sizeof(text), "speaks version %u", TINE_ABI_VERSION);
	assert_non_null(strstr(error.detail, text));
}

static void
test_no_note(void **state)
{
	(void)state;
	maker.eh.e_phnum = 1;
	expect_error("bad-kernel");
	setup(state);
	maker.bytes[NOTE_OFFSET + 12] = 'T';
	expect_error("bad-kernel");
	setup(state);
	maker.ph[1].p_filesz = 10; /* cut in the middle */
	expect_error("bad-kernel");
	setup(state);
	maker.ph[1].p_offset = UINT64_MAX - 4;
	expect_error("bad-kernel");
	setup(state);
	memset(maker.bytes + NOTE_OFFSET, 0xff, 8); /* sizes that overflow */
	expect_error("bad-kernel");
}

static void
test_placement(void **state)
{
	(void)state;
	maker.ph[0].p_paddr = 0xff000;
	maker.eh.e_entry = TINE_VA_KERNEL + 0xff010;
	expect_error("bad-kernel");
	make_kernel(TINE_ABI_VERSION);
	maker.ph[0].p_paddr = (16u << 20) - 4096;
	maker.eh.e_entry = TINE_VA_KERNEL + maker.ph[0].p_paddr;
	expect_error("bad-kernel");
	make_kernel(TINE_ABI_VERSION);
	maker.ph[0].p_paddr = UINT64_MAX - 100;
	expect_error("bad-elf");
	make_kernel(TINE_ABI_VERSION);
	maker.ph[0].p_memsz = UINT64_MAX - 0x100000;
	expect_error("bad-elf");
}

static void
test_entry(void **state)
{
	static const uint64_t bad[] = {0, 0x100010, TINE_VA_KERNEL, TINE_VA_KERNEL + 0x101000,
				       UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		maker.eh.e_entry = bad[i];
		expect_error("bad-kernel");
	}
	make_kernel(TINE_ABI_VERSION);
	maker.ph[0].p_flags = PF_R | PF_W;
	expect_error("bad-kernel");
}

static void
test_overlap(void **state)
{
	(void)state;
	maker.eh.e_phnum = 3;
	maker.ph[2] = maker.ph[0];
	maker.ph[2].p_vaddr += 8192;
	maker.ph[2].p_paddr += 8192;
	expect_error("overlapping-segments");
	/* apart in virtual memory, together in physical */
	maker.ph[2].p_vaddr += 0x100000;
	expect_error("overlapping-segments");
}

static void
test_type(void **state)
{
	(void)state;
	maker.eh.e_type = ET_DYN;
	expect_error("bad-kernel");
	make_kernel(TINE_ABI_VERSION);
	maker.size = 6000;
	maker.eh.e_phnum = 1;
	expect_error("bad-kernel"); /* the note is asked for first */
	make_kernel(TINE_ABI_VERSION);
	maker.ph[0].p_offset = NOTE_OFFSET;
	expect_error("truncated-elf");
}

static void
test_memory(void **state)
{
	const gpa_t end = TINE_GPA_SHARED + TINE_SHARED_SIZE;
	uint8_t b;

	(void)state;
	assert_non_null(mem_at(&mem, 0, TINE_GPA_SHARED));
	assert_non_null(mem_at(&mem, end, (16u << 20) - end));
	assert_null(mem_at(&mem, end, (16u << 20) - end + 1));
	assert_null(mem_at(&mem, 16u << 20, 1));
	assert_null(mem_at(&mem, 0, 0));
	assert_null(mem_at(&mem, 1, UINT64_MAX));
	assert_null(mem_at(&mem, UINT64_MAX, 1));
	assert_null(mem_at(&mem, UINT64_MAX - 4, UINT64_MAX));
	assert_null(mem_at(&mem, 0, TINE_GPA_SHARED + 1));
	assert_null(mem_at(&mem, TINE_GPA_SHARED, 1));
	assert_null(mem_at(&mem, end - 1, 2));
	assert_null(mem_at(&mem, 0, 16u << 20));
	assert_ptr_equal(mem_at_any(&mem, TINE_GPA_SHARED, TINE_SHARED_SIZE), mem.shared);
	assert_int_equal(mem_discard(&mem, TINE_GPA_SHARED, 4096), -EINVAL);
	assert_int_equal(mem_write(&mem, 0x5000, "x", 1), 0);
	assert_int_equal(mem_discard(&mem, 0x5000, 4096), 0);
	assert_int_equal(mem_read(&mem, 0x5000, &b, 1), 0);
	assert_int_equal(b, 0);
	assert_int_equal(mem_discard(&mem, 0x5001, 4096), -EINVAL);
	assert_int_equal(mem_discard(&mem, 0x5000, 100), -EINVAL);
	assert_int_equal(mem_discard(&mem, 0x5000, 1ull << 40), -EINVAL);
}

/* A page given back must come back as zeroes: not where a template has content for it. */
static void
test_memory_discard(void **state)
{
	int fd = memfd_create("content", MFD_CLOEXEC);
	struct guest_mem clone, file;
	char b = 'x';

	(void)state;
	assert_int_equal(ftruncate(fd, 16 << 20), 0);
	assert_int_equal(pwrite(fd, "t", 1, 4096), 1);
	assert_int_equal(mem_create(&clone, 4ull << 30, -1, 0, NULL), 0);
	assert_int_equal(mem_overlay(&clone, 4 << 20, 8192, fd, 0, NULL), 0);
	assert_int_equal(mem_overlay(&clone, 3ull << 30, 4096, fd, 0, NULL), 0);
	assert_int_equal(mem_discard(&clone, (4 << 20) - 4096, 8192), -EOPNOTSUPP);
	assert_int_equal(mem_discard(&clone, (4 << 20) + 4096, 4 << 20), -EOPNOTSUPP);
	assert_int_equal(mem_read(&clone, (4 << 20) + 4096, &b, 1), 0);
	assert_int_equal(b, 't');
	assert_int_equal(mem_write(&clone, (4 << 20) + 8192, "x", 1), 0);
	assert_int_equal(mem_discard(&clone, (4 << 20) + 8192, 2 << 20), 0);
	assert_int_equal(mem_read(&clone, (4 << 20) + 8192, &b, 1), 0);
	assert_int_equal(b, 0);
	/* The second piece is the first page behind the hole. */
	assert_int_equal(mem_discard(&clone, TINE_GPA_HIGH, 4096), -EOPNOTSUPP);
	assert_int_equal(mem_discard(&clone, TINE_GPA_HIGH + 4096, 4096), 0);
	mem_destroy(&clone);
	assert_int_equal(mem_create(&file, 16 << 20, fd, 0, NULL), 0);
	assert_int_equal(mem_read(&file, 4096, &b, 1), 0);
	assert_int_equal(b, 't');
	assert_int_equal(lseek(fd, 4096, SEEK_DATA), 4096);
	assert_int_equal(mem_discard(&file, 4096, 4096), 0);
	assert_int_not_equal(lseek(fd, 4096, SEEK_DATA), 4096);
	assert_int_equal(mem_read(&file, 4096, &b, 1), 0);
	assert_int_equal(b, 0);
	mem_destroy(&file);
	close(fd);
}

/* Pages that this process has written to are noted once each, across their boundary too, until
 * there are too many; only while a reset needs to know. */
static void
test_memory_noted(void **state)
{
	struct guest_mem ram;

	(void)state;
	assert_int_equal(mem_create(&ram, 16 << 20, -1, 0, NULL), 0);
	mem_note_write(&ram, 0x5008, 48);
	assert_int_equal(ram.nwritten, 0);
	atomic_store(&ram.log, MEM_LOG_RESET);
	mem_note_write(&ram, 0x5008, 48);
	mem_note_write(&ram, 0x5ff8, 8);
	assert_int_equal(ram.nwritten, 1);
	assert_int_equal(ram.written[0], 0x5000);
	mem_note_write(&ram, 0x5ff8, 48);
	assert_int_equal(ram.nwritten, 2);
	assert_int_equal(ram.written[1], 0x6000);
	for (gpa_t gpa = 0; gpa < 64 * 4096; gpa += 4096)
		mem_note_write(&ram, gpa, 48);
	assert_true(ram.nwritten > MEM_WRITTEN);
	atomic_store(&ram.log, MEM_LOG_FREEZE);
	assert_int_equal(mem_discard(&ram, 0x5000, 4096), -EOPNOTSUPP);
	atomic_store(&ram.log, MEM_LOG_OFF);
	assert_int_equal(mem_discard(&ram, 0x5000, 4096), 0);
	mem_destroy(&ram);
}

static void
test_memory_split(void **state)
{
	struct guest_mem big;

	(void)state;
	assert_int_equal(mem_create(&big, 5ull << 30, -1, 0, NULL), 0);
	assert_int_equal(big.region[MEM_LOW].size, TINE_GPA_LOW_MAX);
	assert_int_equal(big.region[MEM_HIGH].size, 2ull << 30);
	assert_null(mem_at(&big, TINE_GPA_LOW_MAX - 4, 8));
	assert_null(mem_at(&big, TINE_GPA_HIGH - 1, 1));
	assert_non_null(mem_at(&big, TINE_GPA_HIGH, 2ull << 30));
	assert_null(mem_at(&big, TINE_GPA_HIGH, (2ull << 30) + 1));
	mem_destroy(&big);
}

/* Any byte of the headers may be anything. */
static void
test_random_damage(void **state)
{
	uint64_t seed = 7;
	struct kernel_image kernel;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		make_kernel(TINE_ABI_VERSION);
		memcpy(maker.bytes, &maker.eh, sizeof(maker.eh));
		for (int n = (int)(test_random(&seed) % 4); n >= 0; n--) {
			uint8_t *at =
			    (uint8_t *)&maker.eh +
			    test_random(&seed) % (sizeof(maker.eh) + 3 * sizeof(Elf64_Phdr));

			*at = (uint8_t)test_random(&seed);
		}
		if (kernel_load(&kernel, elf_write(&maker), &mem, NULL) == 0)
			kernel_unload(&kernel);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_loads),          T(test_versions),     T(test_no_note),
	    T(test_placement),      T(test_entry),        T(test_overlap),
	    T(test_type),           T(test_memory),       T(test_memory_split),
	    T(test_memory_discard), T(test_memory_noted), T(test_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
