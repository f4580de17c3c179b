/* SPDX-License-Identifier: ISC */
/*
 * vm_radix.c: the tree of an object's frames: 64 slots a node, as high as the highest index needs.
 *
 * A node is freed when its last slot is, so the memory it takes is bounded by the frames held.
 */
#include <sys/kmem.h>
#include <sys/systm.h>
#include "vm_radix.h"

#define RADIX_BITS 6
#define RADIX_SLOTS (1U << RADIX_BITS)
#define SHIFT_MAX 60 /* of a root whose slots cover all of a 64-bit index */

struct radix_node {
	uint32_t n_shift; /* index bits below this node's; 0: slots are frames */
	uint32_t n_used;
	void *n_slot[RADIX_SLOTS];
};
static struct pool node_pool = POOL_INITIALIZER("vm_radix", struct radix_node);

static unsigned
slot_of(const struct radix_node *n, uint64_t idx)
{
	return idx >> n->n_shift & (RADIX_SLOTS - 1);
}

/* Is idx within what a node at the root can reach? */
static bool
covers(const struct radix_node *n, uint64_t idx)
{
	return n->n_shift >= SHIFT_MAX || idx >> (n->n_shift + RADIX_BITS) == 0;
}

struct page *
radix_lookup(const void *root, uint64_t idx)
{
	const struct radix_node *n = root;

	if (n == NULL || !covers(n, idx))
		return NULL;
	for (; n->n_shift > 0; n = n->n_slot[slot_of(n, idx)])
		if (n->n_slot[slot_of(n, idx)] == NULL)
			return NULL;
	return n->n_slot[slot_of(n, idx)];
}

static struct radix_node *
node_new(uint32_t shift)
{
	struct radix_node *n = pool_get(&node_pool, M_ZERO);

	if (n != NULL)
		n->n_shift = shift;
	return n;
}

/* Frames of [first, last) below n, whose slot 0 is index base. */
static uint64_t
node_remove(struct radix_node *n, uint64_t base, uint64_t first, uint64_t last)
{
	uint64_t count = 0, start;

	for (unsigned i = 0; i < RADIX_SLOTS; i++) {
		start = base + ((uint64_t)i << n->n_shift);
		if (n->n_slot[i] == NULL || start >= last ||
		    start + ((1UL << n->n_shift) - 1) < first)
			continue;
		if (n->n_shift == 0) {
			vm_page_release(n->n_slot[i]);
			count++;
		} else {
			struct radix_node *child = n->n_slot[i];

			count += node_remove(child, start, first, last);
			if (child->n_used > 0)
				continue;
			pool_put(&node_pool, child);
		}
		n->n_slot[i] = NULL;
		n->n_used--;
	}
	return count;
}

uint64_t
radix_remove(void **root, uint64_t first, uint64_t last)
{
	struct radix_node *n = *root;
	uint64_t count = 0;

	if (n == NULL)
		return 0;
	if (first < last)
		count = node_remove(n, 0, first, last);
	if (n->n_used == 0) {
		pool_put(&node_pool, n);
		*root = NULL;
	}
	return count;
}

/* Put nodes above the root until idx is covered. */
static int
grow(void **root, uint64_t idx)
{
	struct radix_node *n = *root, *top;

	if (n == NULL && (*root = n = node_new(0)) == NULL)
		return ENOMEM;
	while (!covers(n, idx)) {
		if ((top = node_new(n->n_shift + RADIX_BITS)) == NULL)
			return ENOMEM;
		if (n->n_used > 0) {
			top->n_slot[0] = n;
			top->n_used = 1;
		} else
			pool_put(&node_pool, n);
		*root = n = top;
	}
	return 0;
}

/* Take the nodes away again that an insertion which failed has left empty or superfluous. */
static void
prune(void **root, uint64_t idx)
{
	struct radix_node *n;

	(void)radix_remove(root, idx, idx + 1); /* holds no frame: frees empty nodes on the way */
	while ((n = *root) != NULL && n->n_shift > 0 && n->n_used == 1 && n->n_slot[0] != NULL) {
		*root = n->n_slot[0];
		pool_put(&node_pool, n);
	}
}

int
radix_insert(void **root, uint64_t idx, struct page *pg)
{
	struct radix_node *n;
	unsigned i;

	if (grow(root, idx) != 0)
		goto fail;
	for (n = *root; n->n_shift > 0; n = n->n_slot[i]) {
		i = slot_of(n, idx);
		if (n->n_slot[i] != NULL)
			continue;
		if ((n->n_slot[i] = node_new(n->n_shift - RADIX_BITS)) == NULL)
			goto fail;
		n->n_used++;
	}
	n->n_slot[slot_of(n, idx)] = pg;
	n->n_used++;
	return 0;
fail:
	prune(root, idx);
	return ENOMEM;
}
