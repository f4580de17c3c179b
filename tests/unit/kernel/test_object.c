/* SPDX-License-Identifier: ISC */
/* test_object.c: pages of objects: sparse indexes, holes, running out of memory. */
#include "fake_kernel.h"

static const uint64_t sparse[] = {0, 1, 63, 64, 4095, 4096, 1UL << 20, (1UL << 35) + 5, 1UL << 50};

void
test_object(void **state)
{
	struct usage before = usage_now();
	struct vm_object *ob = vm_object_create(1UL << 63);
	char buf[100], text[] = "across a page border";
	paddr_t pa, again;

	(void)state;
	for (unsigned i = 0; i < nitems(sparse); i++) {
		CHECK(!vm_object_resident(ob, sparse[i], false, &pa));
		CHECK_EQ(vm_object_page(ob, sparse[i], false, &pa), 0);
		CHECK_EQ(pa, vm_zero_pa);
		CHECK_EQ(vm_object_page(ob, sparse[i], true, &pa), 0);
		*(uint64_t *)PHYS_TO_DM(pa) = sparse[i];
		pa_release(pa);
	}
	CHECK_EQ(ob->ob_npages, nitems(sparse));
	for (unsigned i = 0; i < nitems(sparse); i++) {
		CHECK_EQ(vm_object_page(ob, sparse[i], false, &again), 0);
		CHECK_EQ(*(uint64_t *)PHYS_TO_DM(again), sparse[i]);
		pa_release(again);
	}
	CHECK_EQ(vm_object_punch(ob, ptoa(64), ptoa(1UL << 35)), 0);
	CHECK_EQ(ob->ob_npages, nitems(sparse) - 4);
	CHECK_EQ(vm_object_rw(ob, ptoa(10) - 5, text, sizeof(text), true, true), 0);
	CHECK_EQ(vm_object_rw(ob, ptoa(10) - 5, buf, sizeof(text), false, true), 0);
	CHECK(memcmp(buf, text, sizeof(text)) == 0);
	CHECK_EQ(vm_object_truncate(ob, 100), 0);
	CHECK_EQ(ob->ob_npages, 1);
	CHECK_EQ(vm_object_page(ob, 1, false, &pa), EFAULT);
	CHECK_EQ(vm_object_rw(ob, 90, buf, 20, false, false), EFAULT);
	CHECK_EQ(vm_object_rw(ob, UINT64_MAX - 3, buf, 20, true, false), EFBIG);
	vm_object_release(ob);
	usage_check(before);
}

/* Nodes made for a page that does not come must not stay. */
void
test_radix_failures(void **state)
{
	struct vm_object *ob = vm_object_create(1UL << 63);
	struct usage before;
	paddr_t pa;
	int error;

	(void)state;
	for (unsigned i = 0; i < nitems(sparse); i++) {
		before = usage_now();
		for (uint64_t k = 1;; k++) {
			kmem_fail_at = k;
			error =
			    vm_object_page(ob, sparse[nitems(sparse) - 1 - i * 5 % 9], true, &pa);
			if (error == 0)
				break;
			CHECK_EQ(error, ENOMEM);
			usage_check(before);
		}
		kmem_fail_at = 0;
		pa_release(pa);
	}
	CHECK_EQ(ob->ob_npages, nitems(sparse));
	CHECK_EQ(vm_object_truncate(ob, 0), 0);
	CHECK(ob->ob_tree == NULL);
	vm_object_release(ob);
}
