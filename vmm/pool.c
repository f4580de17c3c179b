/* SPDX-License-Identifier: ISC */
/*
 * pool.c: idle VMM processes with VM and vCPU made, waiting for a template, or waiting to be the
 * next clone of one: then they have gone the way to a clone's first instruction once already, and
 * only lack an identity.
 *
 * They have left the host's files already, so they cannot clone a base template, whose root image
 * is yet to be made of them.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>

#include "sandbox.h"
#include "template.h"
#include "zygote.h"

struct sandbox_pool {
	unsigned size, idle, jail;
	struct zygote *zygote;           /* owned; NULL: none */
	struct tine_template *preferred; /* owned; NULL: none */
	struct sandbox *process[];       /* [0, idle) */
};

int
sandbox_pool_create(unsigned size, unsigned jail, bool zygote, struct sandbox_pool **out,
		    struct tine_error *error)
{
	struct sandbox_pool *pool = calloc(1, sizeof(*pool) + size * sizeof(pool->process[0]));
	int r;

	if (pool == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	pool->size = size;
	pool->jail = jail;
	r = zygote ? zygote_create(jail, &pool->zygote, error) : 0;
	if (r != 0) {
		free(pool);
		return r;
	}
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

static struct sandbox *
take_nth(struct sandbox_pool *pool, unsigned n)
{
	struct sandbox *sb = pool->process[n];

	pool->idle--;
	for (unsigned i = n; i < pool->idle; i++)
		pool->process[i] = pool->process[i + 1];
	return sb;
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

void
sandbox_pool_prefer(struct sandbox_pool *pool, struct tine_template *tmpl)
{
	if (tmpl == pool->preferred)
		return;
	template_release(pool->preferred);
	pool->preferred = tmpl != NULL ? template_hold(tmpl) : NULL;
	if (tmpl != NULL)
		template_want_workset(tmpl);
	if (pool->zygote != NULL)
		zygote_prefer(pool->zygote, tmpl);
	/* What holds another template is of no use, and may hold the last reference to it. */
	for (unsigned i = pool->idle; i-- > 0;)
		if (pool->process[i]->prepared != NULL || pool->process[i]->held != NULL)
			sandbox_destroy(take_nth(pool, i));
}

static int
start_one(struct sandbox_pool *pool, struct tine_error *error)
{
	int r = sandbox_start_idle(pool->jail, pool->zygote, &pool->process[pool->idle], error);

	if (r != 0)
		return r;
	pool->idle++;
	return 1;
}

int
sandbox_pool_refill(struct sandbox_pool *pool, struct tine_error *error)
{
	bury_dead(pool);
	if (pool->idle < pool->size)
		return start_one(pool, error);
	for (unsigned i = 0; pool->preferred != NULL && i < pool->idle; i++)
		if (pool->process[i]->prepared == NULL) {
			int r = sandbox_send_prepare(pool->process[i], pool->preferred, error);

			if (r != 0)
				sandbox_destroy(take_nth(pool, i));
			return r != 0 ? r : 1;
		}
	return 0;
}

unsigned
sandbox_pool_idle(const struct sandbox_pool *pool)
{
	return pool->idle;
}

/* One that is prepared; else the oldest: the youngest may still be busy with its VM. */
static struct sandbox *
take_idle(struct sandbox_pool *pool, const struct tine_template *tmpl)
{
	unsigned any = UINT_MAX;

	bury_dead(pool);
	for (unsigned i = 0; i < pool->idle; i++) {
		if (pool->process[i]->prepared == tmpl)
			return take_nth(pool, i);
		if (pool->process[i]->prepared == NULL && any == UINT_MAX)
			any = i;
	}
	return any != UINT_MAX ? take_nth(pool, any) : NULL;
}

int
sandbox_pool_take(struct sandbox_pool *pool, const struct tine_template *tmpl, struct sandbox **out,
		  bool *waited, struct tine_error *error)
{
	*out = take_idle(pool, tmpl);
	*waited = *out != NULL;
	return *waited ? 0 : sandbox_start_idle(pool->jail, pool->zygote, out, error);
}

void
sandbox_pool_destroy(struct sandbox_pool *pool)
{
	if (pool == NULL)
		return;
	for (unsigned i = 0; i < pool->idle; i++)
		sandbox_destroy(pool->process[i]);
	template_release(pool->preferred);
	zygote_destroy(pool->zygote);
	free(pool);
}
