/* SPDX-License-Identifier: ISC */
/* test_kmem.c: pools and sized kernel memory. */
#include "fake_kernel.h"

static void
pool_of(size_t size)
{
	static struct pool pools[8];
	static unsigned npools;
	struct pool *pl = &pools[npools++];
	struct usage before = usage_now();
	char *obj[100];

	pool_setup(pl, "test", size);
	for (int round = 0; round < 3; round++) {
		for (unsigned i = 0; i < nitems(obj); i++) {
			CHECK((obj[i] = pool_get(pl, i % 2 ? M_ZERO : 0)) != NULL);
			CHECK_EQ((uintptr_t)obj[i] % 16, 0);
			CHECK(size % 64 != 0 || (uintptr_t)obj[i] % 64 == 0);
			CHECK(i % 2 == 0 || (obj[i][0] == 0 && obj[i][size - 1] == 0));
			memset(obj[i], (int)i, size);
		}
		CHECK_EQ(pl->pl_nout, nitems(obj));
		for (unsigned i = 0; i < nitems(obj); i++)
			CHECK(obj[i][0] == (char)i && obj[i][size - 1] == (char)i);
		for (unsigned i = 0; i < nitems(obj); i++)
			pool_put(pl, obj[i * 37 % nitems(obj)]);
		CHECK_EQ(pl->pl_npages, 0);
		usage_check(before);
	}
}

struct put {
	struct pool *pl;
	void *obj;
};

static void
put(void *arg)
{
	struct put *p = arg;

	pool_put(p->pl, p->obj);
}

/* Small objects of several kinds share slabs, unless one kind would lose its alignment there. */
static void
pools_share(void)
{
	static struct pool first, second, aligned;
	struct usage before = usage_now();
	void *a, *b, *c;

	pool_setup(&first, "first", 160);
	pool_setup(&second, "second", 176);
	pool_setup(&aligned, "aligned", 832); /* its class, 1008, is not divisible by 64 */
	CHECK((a = pool_get(&first, 0)) != NULL && (b = pool_get(&second, 0)) != NULL);
	CHECK((c = pool_get(&aligned, 0)) != NULL);
	CHECK_EQ((uintptr_t)a & ~PAGE_MASK, (uintptr_t)b & ~PAGE_MASK);
	CHECK_EQ(first.pl_nout, 1);
	CHECK_EQ(second.pl_nout, 1);
	CHECK(first.pl_slabs == kmem_class(160) && first.pl_slabs == second.pl_slabs);
	CHECK(aligned.pl_slabs == &aligned && aligned.pl_npages == 1);
	CHECK_EQ((uintptr_t)c % 64, 0);
	CHECK(hosted_panics(put, &(struct put){&first, b}));
	CHECK(!hosted_panics(put, &(struct put){&second, b}));
	pool_put(&first, a);
	CHECK(hosted_panics(put, &(struct put){&first, a}));
	pool_put(&second, b);
	pool_put(&aligned, c);
	usage_check(before);
}

void
test_pool(void **state)
{
	(void)state;
	pool_of(16);
	pool_of(48);
	pool_of(192);
	pool_of(1000);
	pool_of(2048);
	pool_of(2696);
	pool_of(9000);
	pools_share();
}

void
test_kmalloc(void **state)
{
	struct usage before = usage_now();
	char *p, *q;

	(void)state;
	kfree(NULL);
	for (size_t size = 0; size < 20000; size += size < 2100 ? 1 : 509) {
		CHECK((p = kmalloc(size, M_ZERO)) != NULL);
		CHECK_EQ((uintptr_t)p % (size >= PAGE_SIZE ? PAGE_SIZE : 16), 0);
		for (size_t i = 0; i < size; i++)
			CHECK(p[i] == 0);
		memset(p, 0x77, size);
		CHECK_EQ(kmem_objects_out(), before.objects + 1);
		kfree(p);
	}
	CHECK((p = kmalloc(10, 0)) != NULL);
	memcpy(p, "0123456789", 10);
	for (size_t size = 20; size < 100000; size *= 3) {
		CHECK((p = krealloc(p, size)) != NULL);
		CHECK(memcmp(p, "0123456789", 10) == 0);
	}
	kmem_fail_at = 1;
	CHECK((q = krealloc(p, 1 << 20)) == NULL && memcmp(p, "0123456789", 10) == 0);
	kfree(p);
	CHECK(kmalloc(64UL << 20, 0) == NULL && kmalloc(SIZE_MAX, 0) == NULL);
	usage_check(before);
}

void
test_kmalloc_random(void **state)
{
	static struct {
		char *p;
		size_t size;
	} slot[500];
	struct usage before = usage_now();
	uint64_t rnd = 7;
	unsigned i;

	(void)state;
	for (hosted_step = 0; hosted_step < 200000; hosted_step++) {
		i = (unsigned)(rnd_next(&rnd) % nitems(slot));
		if (slot[i].p == NULL) {
			slot[i].size = 1 + rnd_next(&rnd) % (hosted_step % 16 ? 1500 : 9000);
			CHECK((slot[i].p = kmalloc(slot[i].size, 0)) != NULL);
			slot[i].p[0] = slot[i].p[slot[i].size - 1] = (char)i;
		} else {
			CHECK(slot[i].p[0] == (char)i && slot[i].p[slot[i].size - 1] == (char)i);
			kfree(slot[i].p);
			slot[i].p = NULL;
		}
	}
	for (i = 0; i < nitems(slot); i++)
		kfree(slot[i].p);
	usage_check(before);
}
