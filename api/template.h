/* SPDX-License-Identifier: ISC */
/*
 * template.h: frozen sandboxes that others are cloned from.
 *
 * With a template goes what the daemon knew of the launches that go on in each clone: a clone's
 * processes can be waited for, fed and read like those of the original.  Their output begins empty.
 */
#ifndef TINE_API_TEMPLATE_H
#define TINE_API_TEMPLATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "process.h"
#include "sandbox.h"
#include "vmm/vmm.h"

struct server;

#define TEMPLATES_MAX 256u

struct api_template {
	TAILQ_ENTRY(api_template) link;
	struct server *server;
	unsigned refs;
	bool listed;
	uint64_t seq; /* order of creation */
	char id[SANDBOX_ID_LEN + 1], name[SANDBOX_NAME_MAX + 1];
	char source[SANDBOX_ID_LEN + 1]; /* the sandbox it was made from */
	uint64_t created_ns, pause_ns, clones;
	struct tine_template *tmpl;
	struct template_info info;
	struct tine_stats stats; /* where the counters of clones begin */
	struct launch_record *launches;
	size_t nlaunches;
};

TAILQ_HEAD(template_list, api_template);

/* A reference to what sb has been frozen to (after VMM_MSG_FROZEN); NULL with *error. */
struct api_template *template_new(struct api_sandbox *sb, uint64_t pause_ns,
				  struct tine_error *error);
/* One with an id, no launches and nothing else yet; tmpl is taken over, also on failure. */
struct api_template *template_alloc(struct server *server, struct tine_template *tmpl,
				    struct tine_error *error);
struct api_template *template_ref(struct api_template *t);
void template_unref(struct api_template *t);

/* The server's table; listing takes a reference, under this name ("" = none). */
void template_list_add(struct api_template *t, const char *name);
void template_list_remove(struct api_template *t);
struct api_template *template_find(struct server *server, const char *id_or_name);

/* Give a new clone the processes that go on in it: 0 or -ENOMEM. */
int template_restore(const struct api_template *t, struct api_sandbox *sb);

json_t *template_json(const struct api_template *t);

#endif
