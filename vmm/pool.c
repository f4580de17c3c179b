/* SPDX-License-Identifier: ISC */
/*
 * pool.c: idle VMM processes with VM and vCPU made, waiting for a template.
 *
 * They have left the host's files already, so they cannot clone a base template, whose root image
 * is yet to be made of them.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "sandbox.h"

struct sandbox_pool {
	unsigned size, idle, jail;
	struct sandbox *process[]; /* [0, idle) */
};

int
sandbox_pool_create(unsigned size, unsigned jail, struct sandbox_pool **out,
		    struct tine_error *error)
{
	struct sandbox_pool *pool = calloc(1, sizeof(*pool) + size * sizeof(pool->process[0]));

	if (pool == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	pool->size = size;
	pool->jail = jail;
	*out = pool;
	return 0;
}

/* Nothing ever comes from an idle process but its end. */
static bool
is_alive(const struct sandbox *sb)
{
	struct pollfd p = {.fd = sandbox_fd(sb), .events = POLLIN};

	return poll(&p, 1, 0) == 0;
}

static void
bury_dead(struct sandbox_pool *pool)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < pool->idle; i++)
		if (is_alive(pool->process[i]))
			pool->process[kept++] = pool->process[i];
		else
			sandbox_destroy(pool->process[i]);
	pool->idle = kept;
}

int
sandbox_pool_refill(struct sandbox_pool *pool, struct tine_error *error)
{
	const struct sandbox_config config = {.jail = pool->jail};
	struct vmm_args args;
	int r;

	bury_dead(pool);
	if (pool->idle == pool->size)
		return 0;
	sandbox_args(&args, &config);
	args.clone = args.idle = true;
	r = sandbox_start(&args, &pool->process[pool->idle], error);
	if (r != 0)
		return r;
	pool->idle++;
	return 1;
}

unsigned
sandbox_pool_idle(const struct sandbox_pool *pool)
{
	return pool->idle;
}

/* The oldest: the youngest may still be busy with its VM. */
struct sandbox *
sandbox_pool_take(struct sandbox_pool *pool)
{
	struct sandbox *sb;

	bury_dead(pool);
	if (pool->idle == 0)
		return NULL;
	sb = pool->process[0];
	pool->idle--;
	for (unsigned i = 0; i < pool->idle; i++)
		pool->process[i] = pool->process[i + 1];
	return sb;
}

void
sandbox_pool_destroy(struct sandbox_pool *pool)
{
	if (pool == NULL)
		return;
	for (unsigned i = 0; i < pool->idle; i++)
		sandbox_destroy(pool->process[i]);
	free(pool);
}
