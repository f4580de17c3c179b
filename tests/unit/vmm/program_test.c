/* SPDX-License-Identifier: ISC */
/* program_test.c: programs that are fit for a sandbox and files that are not. */
#include <errno.h>
#include <sys/stat.h>

#include "harness.h"
#include "elf_maker.h"
#include "program.h"
#include "vmm.h"

static struct elf_maker maker;

static int
setup(void **state)
{
	(void)state;
	elf_init(&maker);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (maker.path[0] != '\0')
		unlink(maker.path);
	return 0;
}

static void
expect_path(const char *path, const char *type)
{
	struct tine_error error = {.type = "none"};

	assert_true(program_check(path, &error) < 0);
	if (strcmp(error.type, type) != 0)
		print_error("%s: %s\n", error.type, error.detail);
	assert_string_equal(error.type, type);
	assert_true(error.code > 0 && error.detail[0] != '\0');
}

static void
expect(const char *type)
{
	expect_path(elf_write(&maker), type);
}

static void
expect_good(void)
{
	struct tine_error error;
	int r = program_check(elf_write(&maker), &error);

	if (r != 0)
		print_error("%s: %s\n", error.type, error.detail);
	assert_int_equal(r, 0);
}

static void
test_good(void **state)
{
	(void)state;
	expect_good();
	assert_int_equal(program_check("/bin/sh", NULL), 0);
}

static void
test_not_programs(void **state)
{
	(void)state;
	expect_path("/nowhere/at/all", "not-found");
	expect_path("/etc/passwd/x", "not-found");
	expect_path("/tmp", "is-directory");
	expect_path("/dev/null", "not-regular");
	expect_path("/etc/passwd", "not-elf");
	maker.size = 0;
	expect("empty-file");
	maker.size = 3;
	expect("not-elf");
	maker.size = 4;
	expect("truncated-elf");
	maker.size = 63;
	expect("truncated-elf");
}

static void
test_fifo_does_not_hang(void **state)
{
	(void)state;
	unlink("/tmp/tine-fifo-test");
	assert_int_equal(mkfifo("/tmp/tine-fifo-test", 0600), 0);
	expect_path("/tmp/tine-fifo-test", "not-regular");
	unlink("/tmp/tine-fifo-test");
}

static void
test_identity(void **state)
{
	(void)state;
	maker.eh.e_ident[EI_CLASS] = ELFCLASS32;
	expect("wrong-class");
	elf_init(&maker);
	maker.eh.e_ident[EI_DATA] = ELFDATA2MSB;
	expect("wrong-arch");
	elf_init(&maker);
	maker.eh.e_machine = EM_AARCH64;
	expect("wrong-arch");
	elf_init(&maker);
	maker.eh.e_ident[EI_VERSION] = 9;
	expect("bad-elf");
	elf_init(&maker);
	maker.eh.e_type = ET_REL;
	expect("bad-elf");
	elf_init(&maker);
	maker.eh.e_type = ET_CORE;
	expect("bad-elf");
}

static void
test_program_headers(void **state)
{
	(void)state;
	maker.eh.e_phnum = 0;
	expect("bad-elf");
	elf_init(&maker);
	maker.eh.e_phentsize = 55;
	expect("bad-elf");
	elf_init(&maker);
	maker.eh.e_phoff = 8192;
	expect("truncated-elf");
	elf_init(&maker);
	maker.eh.e_phoff = UINT64_MAX - 8;
	expect("truncated-elf");
	elf_init(&maker);
	maker.eh.e_phnum = 0xfffe;
	expect("truncated-elf");
	elf_init(&maker);
	maker.ph[0].p_type = PT_GNU_STACK;
	expect("bad-elf");
}

static void
test_segments(void **state)
{
	(void)state;
	maker.ph[0].p_filesz = 4097;
	maker.ph[0].p_memsz = 4097;
	expect("truncated-elf");
	elf_init(&maker);
	maker.ph[0].p_offset = UINT64_MAX;
	expect("truncated-elf");
	elf_init(&maker);
	maker.ph[0].p_memsz = 10;
	expect("bad-elf");
	elf_init(&maker);
	maker.ph[0].p_vaddr = UINT64_MAX - 100;
	expect("bad-elf");
	elf_init(&maker);
	maker.eh.e_phnum = 2;
	maker.ph[1] = maker.ph[0];
	expect("overlapping-segments");
	maker.ph[1].p_vaddr += 4096;
	expect_good();
	maker.ph[1].p_vaddr -= 1;
	expect("overlapping-segments");
}

static void
test_interpreter(void **state)
{
	struct tine_error error;
	struct file_list list = {0};

	(void)state;
	maker.eh.e_phnum = 2;
	maker.ph[1] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 5000, .p_filesz = 10};
	memcpy(maker.bytes + 5000, "/no/ld.so", 10);
	expect_good();
	assert_true(program_closure(&list, maker.path, -1, &error) < 0);
	assert_string_equal(error.type, "missing-interpreter");
	file_list_free(&list);
	maker.ph[1].p_filesz = 9; /* without its NUL */
	expect("bad-elf");
	maker.ph[1].p_filesz = 1;
	expect("bad-elf");
	maker.ph[1].p_offset = 8190;
	maker.ph[1].p_filesz = 10;
	expect("truncated-elf");
	maker.ph[1].p_filesz = UINT64_MAX;
	expect("truncated-elf");
}

static void
make_dynamic(uint64_t strtab, uint64_t strsz, uint64_t needed)
{
	Elf64_Dyn dyn[4] = {{.d_tag = DT_STRTAB, .d_un = {strtab}},
			    {.d_tag = DT_STRSZ, .d_un = {strsz}},
			    {.d_tag = DT_NEEDED, .d_un = {needed}},
			    {.d_tag = DT_NULL}};

	elf_init(&maker);
	maker.eh.e_phnum = 2;
	maker.ph[1] = (Elf64_Phdr){.p_type = PT_DYNAMIC,
				   .p_offset = 6000,
				   .p_vaddr = 0x401000 + 6000 - 4096,
				   .p_filesz = sizeof(dyn),
				   .p_memsz = sizeof(dyn)};
	memcpy(maker.bytes + 6000, dyn, sizeof(dyn));
	memcpy(maker.bytes + 7000, "\0libnowhere.so.9\0tail", 21);
}

static void
test_dynamic(void **state)
{
	const uint64_t strings = 0x401000 + 7000 - 4096;
	struct file_list list = {0};
	struct tine_error error;

	(void)state;
	make_dynamic(strings, 17, 1);
	expect_good();
	assert_true(program_closure(&list, maker.path, -1, &error) < 0);
	assert_string_equal(error.type, "missing-library");
	assert_non_null(strstr(error.detail, "libnowhere.so.9"));
	file_list_free(&list);
	make_dynamic(strings, 17, 17);
	expect("bad-elf");
	make_dynamic(strings, 17, UINT64_MAX);
	expect("bad-elf");
	make_dynamic(strings, 21, 17); /* the last name has no end */
	maker.bytes[7020] = 'x';
	expect("bad-elf");
	make_dynamic(0x900000, 17, 1);
	expect("bad-elf");
	make_dynamic(strings, UINT64_MAX, 1);
	expect("bad-elf");
}

static void
test_script(void **state)
{
	struct program program;

	(void)state;
	elf_write(&maker);
	memcpy(maker.bytes, "#! /bin/sh -e\necho hello\n", 25);
	truncate(maker.path, 0);
	{
		int fd = open(maker.path, O_WRONLY);

		assert_int_equal(write(fd, maker.bytes, 25), 25);
		close(fd);
	}
	assert_int_equal(program_inspect(&program, maker.path, NULL), 0);
	assert_true(program.script);
	assert_string_equal(program.interp, "/bin/sh");
	program_free(&program);
	truncate(maker.path, 2);
	expect_path(maker.path, "bad-script");
}

static void
test_closure_of_a_real_program(void **state)
{
	struct file_list list = {0};
	char path[PATH_MAX];
	bool libc = false;
	int fd;

	(void)state;
	assert_int_equal(program_find("ls", "/nowhere:/bin:/usr/bin", path, &fd, NULL), 0);
	assert_int_equal(program_closure(&list, path, fd, NULL), 0);
	for (size_t i = 0; i < list.n; i++)
		libc = libc || strstr(list.file[i].path, "libc.so") != NULL;
	assert_true(libc || list.n == 1);
	file_list_free(&list);
}

static void
test_find(void **state)
{
	struct stat by_fd, by_path;
	struct tine_error error;
	char path[PATH_MAX];
	int fd = -1;

	(void)state;
	assert_int_equal(program_find("no-such-program-here", "/bin", path, &fd, &error), -ENOENT);
	assert_int_equal(program_find("", "/bin", path, &fd, &error), -ENOENT);
	assert_int_equal(program_find("sh", NULL, path, &fd, &error), -ENOENT);
	assert_int_equal(program_find("/etc/passwd", "/bin", path, &fd, &error), -EACCES);
	assert_string_equal(error.type, "not-executable");
	assert_int_equal(fd, -1);
	assert_int_equal(program_find("/bin/../bin/sh", NULL, path, &fd, NULL), 0);
	assert_null(strstr(path, ".."));
	assert_int_equal(fstat(fd, &by_fd), 0);
	assert_int_equal(stat(path, &by_path), 0);
	assert_int_equal(by_fd.st_ino, by_path.st_ino);
	close(fd);
}

static void
test_random_damage(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		make_dynamic(0x401000 + 7000 - 4096, 17, 1);
		for (int n = (int)(test_random(&seed) % 4); n >= 0; n--) {
			uint8_t *at =
			    (uint8_t *)&maker.eh +
			    test_random(&seed) % (sizeof(maker.eh) + 2 * sizeof(Elf64_Phdr));

			*at = (uint8_t)test_random(&seed);
		}
		maker.bytes[6000 + test_random(&seed) % 64] = (uint8_t)test_random(&seed);
		(void)program_check(elf_write(&maker), NULL);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_good),
	    T(test_not_programs),
	    T(test_fifo_does_not_hang),
	    T(test_identity),
	    T(test_program_headers),
	    T(test_segments),
	    T(test_interpreter),
	    T(test_dynamic),
	    T(test_script),
	    T(test_closure_of_a_real_program),
	    T(test_find),
	    T(test_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
