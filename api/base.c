/* SPDX-License-Identifier: ISC */
/* base.c: make base templates in the background, keep the pool of idle processes filled. */
#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "server.h"

/* ---- the thread ---------------------------------------------------------------------------- */

static void *
make(void *arg)
{
	struct base_slot *slot = arg;
	ssize_t n;

	slot->rc = template_base(slot->memory_mib, NULL, &slot->made, &slot->error);
	/* From here on the slot is the loop's again.  The pipe holds all slots' answers. */
	n = write(slot->pipe_fd, &slot, sizeof(slot));
	(void)n;
	return NULL;
}

static bool
start(struct base_slot *slot)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&thread, &attr, make, slot);
	pthread_attr_destroy(&attr);
	return rc == 0;
}

static void
on_done(struct loop_source *src, uint32_t events)
{
	struct base *base = (struct base *)(void *)((char *)src - offsetof(struct base, done));
	struct base_slot *slot;

	(void)events;
	if (read(src->fd, &slot, sizeof(slot)) != sizeof(slot))
		return;
	slot->tmpl = slot->made;
	slot->state = slot->rc == 0 ? BASE_READY : BASE_FAILED;
	if (slot->rc == 0)
		log_debug("base template of %llu MiB is there",
			  (unsigned long long)slot->memory_mib);
	else
		log_info("no base template, sandboxes are booted: %s", slot->error.detail);
	base_spawned(base);
}

/* ---- the pool ------------------------------------------------------------------------------ */

/* One process a turn: whoever waits for the loop does not wait for all of them. */
static void
on_refill(struct loop_task *task)
{
	struct base *base = (struct base *)(void *)((char *)task - offsetof(struct base, refill));
	struct server *server =
	    (struct server *)(void *)((char *)base - offsetof(struct server, base));
	struct problem problem;

	if (!server_has_files(server, &problem))
		return;
	if (sandbox_pool_refill(base->pool, NULL) > 0)
		loop_task_queue(base->loop, &base->refill);
}

void
base_spawned(struct base *base)
{
	bool any = false;

	for (size_t i = 0; i < BASE_SLOTS; i++)
		any |= base->slots[i].state == BASE_READY;
	if (any && base->pool != NULL)
		loop_task_queue(base->loop, &base->refill);
}

void
base_cloned(struct base *base, struct tine_template *tmpl)
{
	if (base->pool != NULL && base->last == tmpl) {
		sandbox_pool_prefer(base->pool, tmpl);
		base->preferred = tmpl;
	}
	base->last = tmpl;
}

void
base_forget(struct base *base, const struct tine_template *tmpl)
{
	if (base->last == tmpl)
		base->last = NULL;
	if (base->preferred == tmpl && base->pool != NULL) {
		sandbox_pool_prefer(base->pool, NULL);
		base->preferred = NULL;
		base_spawned(base); /* processes that held it are gone */
	}
}

/* ---- use ----------------------------------------------------------------------------------- */

static struct base_slot *
find(struct base *base, uint64_t memory_mib)
{
	struct base_slot *slot, *end = base->slots + BASE_SLOTS;

	for (slot = base->slots; slot < end && slot->state != BASE_NONE; slot++)
		if (slot->memory_mib == memory_mib)
			break;
	return slot < end ? slot : NULL;
}

struct tine_template *
base_get(struct base *base, uint64_t memory_mib)
{
	struct base_slot *slot = find(base, memory_mib);

	return slot != NULL ? slot->tmpl : NULL;
}

void
base_want(struct base *base, uint64_t memory_mib)
{
	struct base_slot *slot = find(base, memory_mib);

	if (!base->enabled || slot == NULL || slot->state != BASE_NONE)
		return;
	*slot = (struct base_slot){
	    .state = BASE_MAKING, .memory_mib = memory_mib, .pipe_fd = base->pipe_fd};
	if (!start(slot))
		slot->state = BASE_FAILED;
}

int
base_init(struct base *base, struct loop *loop, bool enabled, unsigned pool, bool zygote)
{
	int fds[2];

	*base = (struct base){.loop = loop, .enabled = enabled};
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	base->pipe_fd = fds[1];
	base->done = (struct loop_source){.fd = fds[0], .ready = on_done};
	base->refill.run = on_refill;
	if (enabled && sandbox_pool_create(pool, 0, zygote, &base->pool, NULL) < 0)
		base->pool = NULL;
	return loop_add(loop, &base->done, EPOLLIN);
}

bool
base_fini(struct base *base)
{
	bool busy = false;

	loop_task_cancel(base->loop, &base->refill);
	if (base->pool != NULL)
		sandbox_pool_destroy(base->pool);
	for (size_t i = 0; i < BASE_SLOTS; i++) {
		busy |= base->slots[i].state == BASE_MAKING;
		if (base->slots[i].tmpl != NULL)
			template_release(base->slots[i].tmpl);
	}
	loop_del(base->loop, &base->done);
	close(base->done.fd);
	if (!busy)
		close(base->pipe_fd);
	return !busy;
}
