/* SPDX-License-Identifier: ISC */
/* template_test.c: templates that are damaged, truncated, of another version, or lie. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "crc32c.h"
#include "template.h"

#define RAM (64ull << 20)
#define PAGE ((uint64_t)TINE_PAGE_SIZE)

static struct tine_error error;

/* A sparse file with three pieces of RAM, two of which are close together. */
static int
make(struct template_head *head)
{
	static const uint64_t pages[] = {1, 3, 2000};
	int fd = memfd_create("template", MFD_CLOEXEC);
	uint8_t page[TINE_PAGE_SIZE];

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(TEMPLATE_DATA + RAM)), 0);
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		memset(page, (int)i + 1, sizeof(page));
		assert_int_equal(
		    pwrite(fd, page, sizeof(page), (off_t)(TEMPLATE_DATA + pages[i] * PAGE)),
		    sizeof(page));
	}
	memset(head, 0, sizeof(*head));
	head->ram_low = RAM;
	head->kernel_start = 1u << 20;
	head->kernel_data = head->kernel_end = 2u << 20;
	head->flags = TEMPLATE_BASE;
	assert_int_equal(template_find_extents(fd, head, &error), 0);
	assert_int_equal(template_write_head(fd, head, &error), 0);
	return fd;
}

static struct tine_template *
saved(const char *path)
{
	static struct template_head head;
	struct tine_template *t;
	int fd = make(&head);

	assert_int_equal(template_open(fd, -1, &t, &error), 0);
	assert_int_equal(template_save(t, path, &error), 0);
	template_release(t);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(template_open(fd, -1, &t, &error), 0);
	assert_int_equal(template_verify_data(t, &error), 0);
	return t;
}

static void
crc_is_castagnoli(void **state)
{
	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283u); /* RFC 3720's check value */
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283u);
}

static void
pieces_close_together_are_one(void **state)
{
	static struct template_head head;
	int fd = make(&head);

	(void)state;
	/* Not in a base template: there a page costs more than a piece. */
	assert_int_equal(head.nextents, 3);
	assert_int_equal(head.extent[0].start, PAGE);
	assert_int_equal(head.extent[0].len, PAGE);
	assert_int_equal(head.extent[1].start, 3 * PAGE);
	head.flags = 0;
	assert_int_equal(template_find_extents(fd, &head, &error), 0);
	assert_int_equal(head.nextents, 2);
	assert_int_equal(head.extent[0].start, PAGE);
	assert_int_equal(head.extent[0].len, 3 * PAGE);
	assert_int_equal(head.extent[1].start, 2000 * PAGE);
	close(fd);
}

/* Open a copy of the file with one byte changed: it must be refused, by head or by data. */
static void
refuse_flipped(const uint8_t *bytes, size_t size, size_t at)
{
	int fd = memfd_create("flipped", MFD_CLOEXEC);
	uint8_t changed = bytes[at] ^ 0x40;
	struct tine_template *t;
	int r;

	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(pwrite(fd, &changed, 1, (off_t)at), 1);
	error.code = 0;
	r = template_open(fd, -1, &t, &error);
	if (r == 0) {
		r = template_verify_data(t, &error);
		template_release(t);
	}
	if (r == 0)
		fail_msg("byte %zu changed and not noticed", at);
	assert_int_equal(strncmp(error.type, "template-", 9), 0);
}

static void
every_region_is_checked(void **state)
{
	char path[] = "/tmp/template_test.XXXXXX";
	struct tine_template *t;
	struct stat st;
	uint8_t *bytes;

	(void)state;
	close(mkstemp(path));
	t = saved(path);
	assert_int_equal(fstat(t->fd, &st), 0);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, t->fd, 0);
	assert_true(bytes != MAP_FAILED);
	for (size_t at = 0; at < template_head_len(&t->head); at += 31)
		refuse_flipped(bytes, (size_t)st.st_size, at);
	for (size_t at = TEMPLATE_DATA; at < (size_t)st.st_size; at += 509)
		refuse_flipped(bytes, (size_t)st.st_size, at);
	munmap(bytes, (size_t)st.st_size);
	template_release(t);
	unlink(path);
}

static void
every_truncation_is_refused(void **state)
{
	char path[] = "/tmp/template_test.XXXXXX";
	struct tine_template *t, *cut;
	struct stat st;

	(void)state;
	close(mkstemp(path));
	t = saved(path);
	assert_int_equal(fstat(t->fd, &st), 0);
	assert_int_equal(chmod(path, 0600), 0);
	for (off_t size = st.st_size - 1; size >= 0; size -= 1021) {
		int fd = open(path, O_RDWR | O_CLOEXEC);

		assert_int_equal(ftruncate(fd, size), 0);
		assert_true(template_open(fd, -1, &cut, &error) < 0);
		assert_string_equal(error.type, "template-truncated");
	}
	template_release(t);
	unlink(path);
}

/* How much there is to read of the head, and to check, is found out first. */
static void
launches_are_counted(void **state)
{
	static const uint32_t counts[] = {1, TEMPLATE_LAUNCHES, TEMPLATE_LAUNCHES + 1, UINT32_MAX};
	static struct template_head head;
	struct tine_template *t;

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		int fd = make(&head);

		assert_int_equal(pwrite(fd, &counts[i], sizeof(counts[i]),
					offsetof(struct template_head, nlaunches)),
				 sizeof(counts[i]));
		assert_true(template_open(fd, -1, &t, &error) < 0);
		assert_string_equal(error.type, "template-damaged");
	}
}

static void
launches_are_kept(void **state)
{
	static struct template_head head;
	struct tine_template *t;
	uint32_t ids[2];
	int fd = make(&head);

	(void)state;
	head.nlaunches = 2;
	head.launch[0].id = 7;
	head.launch[1].id = 9;
	assert_int_equal(template_write_head(fd, &head, &error), 0);
	assert_int_equal(template_open(fd, -1, &t, &error), 0);
	assert_int_equal(template_launches(t, ids, 2), 2);
	assert_int_equal(ids[0], 7);
	assert_int_equal(ids[1], 9);
	template_release(t);
}

/* A head whose checksum is right but whose content is a lie. */
static void
refuse_head(void (*change)(struct template_head *), const char *type)
{
	static struct template_head head;
	struct tine_template *t;
	int fd = make(&head);

	change(&head);
	assert_int_equal(template_write_head(fd, &head, &error), 0);
	assert_true(template_open(fd, -1, &t, &error) < 0);
	assert_string_equal(error.type, type);
}

static void
too_many_extents(struct template_head *h)
{
	h->nextents = TEMPLATE_EXTENTS + 1;
}

static void
extent_outside(struct template_head *h)
{
	h->extent[1].start = RAM;
}

static void
extent_overflows(struct template_head *h)
{
	h->extent[1].len = ~0ull & ~(PAGE - 1);
}

static void
extents_overlap(struct template_head *h)
{
	h->extent[1].start = h->extent[0].start;
}

static void
offset_in_head(struct template_head *h)
{
	h->extent[0].offset = 0;
}

static void
memory_too_large(struct template_head *h)
{
	h->ram_high = ~0ull & ~(PAGE - 1);
}

static void
kernel_outside(struct template_head *h)
{
	h->kernel_end = RAM + PAGE;
}

static void
data_outside(struct template_head *h)
{
	h->kernel_data = h->kernel_end + PAGE;
}

static void
foreign_msr(struct template_head *h)
{
	h->cpu.nmsrs = 1;
	h->cpu.msr[0].index = 0xc0000080; /* EFER goes another way */
}

static void
too_many_msrs(struct template_head *h)
{
	h->cpu.nmsrs = VCPU_MSRS + 1;
}

static void
missing_rootfs(struct template_head *h)
{
	h->flags = TEMPLATE_ROOTFS_APART;
	h->rootfs_size = PAGE;
}

static void
lies_are_refused(void **state)
{
	(void)state;
	refuse_head(too_many_extents, "template-damaged");
	refuse_head(extent_outside, "template-damaged");
	refuse_head(extent_overflows, "template-damaged");
	refuse_head(extents_overlap, "template-damaged");
	refuse_head(offset_in_head, "template-truncated");
	refuse_head(memory_too_large, "template-damaged");
	refuse_head(kernel_outside, "template-damaged");
	refuse_head(data_outside, "template-damaged");
	refuse_head(foreign_msr, "template-damaged");
	refuse_head(too_many_msrs, "template-damaged");
	refuse_head(missing_rootfs, "template-damaged");
}

static void
launches_survive(void **state)
{
	struct tine_launch launch = {.argc = 1};
	struct tine_msg hdr = {.type = TINE_MSG_LAUNCH, .id = 5, .len = sizeof(launch)};
	struct proto_launch kept[2], twice[2];
	struct proto a, b;

	(void)state;
	proto_init(&a);
	proto_init(&b);
	assert_int_equal(proto_to_guest(&a, &hdr, (const uint8_t *)&launch, &error), 0);
	assert_int_equal(proto_save(&a, kept, 2), 1);
	assert_int_equal(proto_save(&a, kept, 0), -E2BIG);
	assert_int_equal(proto_restore(&b, kept, 1), 0);
	assert_int_equal(proto_stdin_credit(&b, 5), TINE_STREAM_CREDIT);
	twice[0] = twice[1] = kept[0];
	proto_free(&b);
	assert_true(proto_restore(&b, twice, 2) < 0);
	proto_free(&a);
	proto_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(crc_is_castagnoli),
	    cmocka_unit_test(pieces_close_together_are_one),
	    cmocka_unit_test(every_region_is_checked),
	    cmocka_unit_test(every_truncation_is_refused),
	    cmocka_unit_test(launches_are_counted),
	    cmocka_unit_test(launches_are_kept),
	    cmocka_unit_test(lies_are_refused),
	    cmocka_unit_test(launches_survive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
