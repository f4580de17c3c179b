/* SPDX-License-Identifier: ISC */
/* workset_test.c: working sets: their bounds, what is refused, whose pages they become. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"
#include "pagemap.h"
#include "vmm.h"
#include "workset.h"

#define PAGE ((uint64_t)TINE_PAGE_SIZE)
#define RAM_PAGES 64u

static struct tine_error error;
static struct workset ws, got;

static void
clear(void)
{
	memset(&ws, 0xff, sizeof(ws));
	ws.nranges = ws.npages = 0;
}

static void
neighbours_are_one_range(void **state)
{
	(void)state;
	clear();
	assert_true(workset_add(&ws, 3));
	assert_true(workset_add(&ws, 4));
	assert_true(workset_add(&ws, 6));
	assert_int_equal(ws.nranges, 2);
	assert_int_equal(ws.npages, 3);
	assert_int_equal(ws.range[0].page, 3);
	assert_int_equal(ws.range[0].count, 2);
	assert_int_equal(ws.range[1].page, 6);
	assert_int_equal(ws.range[1].count, 1);
	assert_int_equal(workset_size(&ws), 8 + 2 * 8);
}

static void
pages_are_bounded(void **state)
{
	uint32_t n = 0;

	(void)state;
	clear();
	while (workset_add(&ws, n))
		n++;
	assert_int_equal(n, WORKSET_PAGES);
	assert_int_equal(ws.npages, WORKSET_PAGES);
	assert_int_equal(ws.nranges, 1);
}

static void
ranges_are_bounded(void **state)
{
	uint32_t n = 0;

	(void)state;
	clear();
	while (workset_add(&ws, 2 * n))
		n++;
	assert_int_equal(n, WORKSET_RANGES);
	assert_int_equal(ws.nranges, WORKSET_RANGES);
	assert_int_equal(workset_size(&ws), sizeof(ws));
}

static int
decode(size_t len)
{
	return workset_decode(&got, &ws, len, RAM_PAGES * PAGE, &error);
}

static void
make(uint32_t page, uint32_t count, uint32_t page2, uint32_t count2)
{
	clear();
	ws.nranges = 2;
	ws.npages = count + count2;
	ws.range[0] = (struct workset_range){page, count};
	ws.range[1] = (struct workset_range){page2, count2};
}

static void
sound_ones_are_taken(void **state)
{
	(void)state;
	clear();
	assert_int_equal(decode(workset_size(&ws)), 0);
	assert_int_equal(got.nranges, 0);
	make(0, 2, 3, RAM_PAGES - 3); /* up to the last page */
	assert_int_equal(decode(workset_size(&ws)), 0);
	assert_memory_equal(&got, &ws, workset_size(&ws));
}

static void
refuse(size_t len)
{
	memset(&error, 0, sizeof(error));
	assert_int_equal(decode(len), -EPROTO);
	assert_string_equal(error.type, "control-protocol");
	assert_int_equal(got.nranges, 0);
}

static void
hostile_ones_are_refused(void **state)
{
	(void)state;
	make(1, 1, 3, 1);
	for (size_t len = 0; len <= sizeof(ws) + 8; len++) /* any but the right length */
		if (len != workset_size(&ws))
			refuse(len);
	ws.npages++;
	refuse(workset_size(&ws));
	ws.nranges = WORKSET_RANGES + 1;
	refuse(sizeof(ws));
	ws.nranges = 0x20000000; /* 8 times this is 0 in 32 bits */
	refuse(8);
	make(1, 0, 3, 1);
	refuse(workset_size(&ws));
	make(3, 1, 1, 1); /* descending */
	refuse(workset_size(&ws));
	make(1, 3, 3, 1); /* overlapping */
	refuse(workset_size(&ws));
	make(1, 2, 3, 1); /* adjacent */
	refuse(workset_size(&ws));
	make(1, 1, RAM_PAGES, 1); /* behind the end of RAM */
	refuse(workset_size(&ws));
	make(1, 1, RAM_PAGES - 1, 2);
	refuse(workset_size(&ws));
	make(1, 1, 3, UINT32_MAX); /* sums that overflow */
	refuse(workset_size(&ws));
	make(1, UINT32_MAX, 3, 1);
	refuse(workset_size(&ws));
	make(0, WORKSET_PAGES, WORKSET_PAGES + 1, 1); /* too many */
	assert_int_equal(
	    workset_decode(&got, &ws, workset_size(&ws), 2 * WORKSET_PAGES * PAGE, &error),
	    -EPROTO);
}

/* RAM of two regions of eight pages, the content of a file; as that of a clone is. */
static void
map(struct guest_mem *mem, int fd)
{
	static const enum mem_slot slots[] = {MEM_LOW, MEM_HIGH};

	memset(mem, 0, sizeof(*mem));
	for (int i = 0; i < 2; i++) {
		struct mem_region *m = &mem->region[slots[i]];

		m->size = 8 * PAGE;
		m->hva = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
			      (off_t)(i * 8 * PAGE));
		assert_ptr_not_equal(m->hva, MAP_FAILED);
	}
}

static void
unmap(struct guest_mem *mem)
{
	munmap(mem->region[MEM_LOW].hva, 8 * PAGE);
	munmap(mem->region[MEM_HIGH].hva, 8 * PAGE);
}

/* What one process has written another makes its own, across the hole, with the file's content. */
static void
found_and_populated(void **state)
{
	int fd = memfd_create("ram", MFD_CLOEXEC), pagemap = pagemap_open(getpid());
	static const uint32_t wanted[][2] = {{2, 1}, {6, 4}, {15, 1}};
	struct guest_mem first, second;
	uint8_t page[TINE_PAGE_SIZE];

	(void)state;
	assert_true(fd >= 0 && pagemap >= 0);
	for (unsigned i = 0; i < 16; i++) {
		memset(page, (int)i + 1, sizeof(page));
		assert_int_equal(write(fd, page, sizeof(page)), sizeof(page));
	}
	map(&first, fd);
	map(&second, fd);
	workset_collect(&ws, &first, pagemap);
	assert_int_equal(ws.nranges, 0);
	assert_int_equal(*(volatile uint8_t *)first.region[MEM_LOW].hva, 1); /* only read */
	first.region[MEM_LOW].hva[2 * PAGE] = 99;
	first.region[MEM_LOW].hva[6 * PAGE] = 99;
	first.region[MEM_LOW].hva[7 * PAGE] = 99;
	first.region[MEM_HIGH].hva[0 * PAGE] = 99;
	first.region[MEM_HIGH].hva[1 * PAGE] = 99;
	first.region[MEM_HIGH].hva[7 * PAGE] = 99;
	workset_collect(&ws, &first, pagemap);
	assert_int_equal(ws.nranges, 3);
	assert_int_equal(ws.npages, 6);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(ws.range[i].page, wanted[i][0]);
		assert_int_equal(ws.range[i].count, wanted[i][1]);
	}
	assert_int_equal(workset_decode(&got, &ws, workset_size(&ws), 16 * PAGE, &error), 0);
	workset_populate(&got, &second);
	clear();
	workset_collect(&ws, &second, pagemap);
	assert_memory_equal(&ws, &got, workset_size(&got));
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(second.region[MEM_LOW].hva[i * PAGE], i + 1);
		assert_int_equal(second.region[MEM_HIGH].hva[i * PAGE], i + 9);
	}
	unmap(&first);
	unmap(&second);
	close(pagemap);
	close(fd);
}

static void
capabilities(struct __user_cap_data_struct caps[2])
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	assert_int_equal(syscall(SYS_capget, &head, caps), 0);
}

/* Where this process could read them: root in the emulated machine. */
static void
frames_are_not_shown(void **state)
{
	static const uint8_t page[TINE_PAGE_SIZE] __attribute__((aligned(TINE_PAGE_SIZE))) = {1};
	int plain = open("/proc/self/pagemap", O_RDONLY), fd;
	struct __user_cap_data_struct before[2], after[2];
	uint64_t shown, entry;

	(void)state;
	capabilities(before);
	fd = pagemap_open(getpid());
	capabilities(after);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(*(volatile const uint8_t *)page, 1); /* it is there from now on */
	assert_true(pagemap_read(plain, page, &shown, 1));
	assert_true(pagemap_read(fd, page, &entry, 1));
	close(fd);
	close(plain);
	assert_true((entry & PAGEMAP_PRESENT) != 0);
	assert_int_equal(entry & PAGEMAP_FRAME, 0);
	if ((shown & PAGEMAP_FRAME) == 0)
		skip();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(neighbours_are_one_range), cmocka_unit_test(pages_are_bounded),
	    cmocka_unit_test(ranges_are_bounded),       cmocka_unit_test(sound_ones_are_taken),
	    cmocka_unit_test(hostile_ones_are_refused), cmocka_unit_test(found_and_populated),
	    cmocka_unit_test(frames_are_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
