/* SPDX-License-Identifier: ISC */
/*
 * vm_return.c: memory that a process has freed goes back to the host, and can be used again.
 */
#include "guest.h"
#include <tine.h>

#define SIZE (64UL << 20)

static uint64_t
frames_returned(void)
{
	char buf[32];
	size_t len = sizeof(buf);

	CHECK_EQ(tine_sysctl("vm.frames_returned", buf, &len, NULL), 0);
	return strtoul(buf, NULL, 10);
}

/* Every page must be zero before it is written to. */
static void
use_memory(void)
{
	char *m = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(m != MAP_FAILED);
	for (size_t i = 0; i < SIZE; i += PAGE) {
		uint64_t *page = (uint64_t *)(void *)(m + i);

		CHECK(page[0] == 0 && page[PAGE / 16] == 0 && page[PAGE / 8 - 1] == 0);
		memset(page, 0x5a, PAGE);
	}
	CHECK_EQ(munmap(m, SIZE), 0);
}

int
main(void)
{
	uint64_t before = frames_returned();

	use_memory();
	alarm(60); /* the test has failed if it takes so long */
	while (frames_returned() - before < SIZE / PAGE * 3 / 4)
		CHECK_EQ(poll(NULL, 0, 10), 0);
	use_memory();
	return ok();
}
