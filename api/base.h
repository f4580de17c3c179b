/* SPDX-License-Identifier: ISC */
/*
 * base.h: booted kernels that new sandboxes are cloned from, and idle VMM processes for the clones.
 *
 * Making a base template boots a kernel, which takes too long for the event loop: a thread does
 * it, once for each memory size, when the first sandbox of that size has been booted.
 */
#ifndef TINE_API_BASE_H
#define TINE_API_BASE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "vmm/vmm.h"

#define BASE_SLOTS 8u /* memory sizes that get a template */

enum base_state { BASE_NONE, BASE_MAKING, BASE_READY, BASE_FAILED };

struct base_slot {
	enum base_state state;
	uint64_t memory_mib;
	struct tine_template *tmpl;
	/* of the thread, until it has written to the pipe */
	int pipe_fd, rc;
	struct tine_template *made;
	struct tine_error error;
};

struct base {
	struct loop *loop;
	struct base_slot slots[BASE_SLOTS];
	struct sandbox_pool *pool; /* NULL = none */
	/* only to be compared: the template cloned last, and what the pool is prepared for */
	const struct tine_template *last, *preferred;
	struct loop_task refill;
	struct loop_source done; /* a thread has written the number of its slot */
	int pipe_fd;
	bool enabled;
};

/* pool: how many idle processes; zygote: they are forked, not executed.  0 or -errno. */
int base_init(struct base *base, struct loop *loop, bool enabled, unsigned pool, bool zygote);
/* False if a thread still uses *base. */
bool base_fini(struct base *base);

/* The template for this memory size, borrowed; NULL if there is none (yet). */
struct tine_template *base_get(struct base *base, uint64_t memory_mib);
/* Have it made, if that has not been tried.  To be called when nobody waits for a boot of that
 * size, which it would compete with. */
void base_want(struct base *base, uint64_t memory_mib);
/* A clone of this template was asked for; whose clones come one after the other the pool gets ready
 * for. */
void base_cloned(struct base *base, struct tine_template *tmpl);
/* The template has been removed: nothing here holds it any longer. */
void base_forget(struct base *base, const struct tine_template *tmpl);
/* A process was taken from the pool, perhaps. */
void base_spawned(struct base *base);

#endif
