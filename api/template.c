/* SPDX-License-Identifier: ISC */
/* template.c: templates, their table, and what they remember of launches. */
#include "template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "server.h"
#include "text.h"

/* ---- making and freeing -------------------------------------------------------------------- */

static void
template_free(struct api_template *t)
{
	for (size_t i = 0; i < t->nlaunches; i++)
		launch_record_fini(&t->launches[i]);
	free(t->launches);
	if (t->tmpl != NULL)
		template_release(t->tmpl);
	free(t);
}

struct api_template *
template_ref(struct api_template *t)
{
	t->refs++;
	return t;
}

void
template_unref(struct api_template *t)
{
	if (--t->refs == 0)
		template_free(t);
}

/* Note the launches that go on in each clone, as far as we know them. */
static int
record_launches(struct api_template *t, struct api_sandbox *sb)
{
	uint32_t n = template_launches(t->tmpl, NULL, 0), *ids = calloc(n + 1, sizeof(*ids));

	t->launches = calloc(n + 1, sizeof(*t->launches));
	if (ids == NULL || t->launches == NULL) {
		free(ids);
		return -ENOMEM;
	}
	template_launches(t->tmpl, ids, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct api_process *p = process_by_launch(sb, ids[i]);

		if (p != NULL)
			launch_record(p, &t->launches[t->nlaunches++]);
	}
	free(ids);
	return 0;
}

struct api_template *
template_alloc(struct server *server, struct tine_template *tmpl, struct tine_error *error)
{
	struct api_template *t = calloc(1, sizeof(*t));
	uint8_t id[SANDBOX_ID_LEN / 2];

	if (t == NULL || getrandom(id, sizeof(id), 0) != sizeof(id)) {
		free(t);
		template_release(tmpl);
		tine_error_set(error, ENOMEM, "out-of-memory", "no memory for a template");
		return NULL;
	}
	t->server = server;
	t->refs = 1;
	t->tmpl = tmpl;
	for (size_t i = 0; i < sizeof(id); i++)
		sprintf(t->id + 2 * i, "%02x", id[i]);
	template_info(tmpl, &t->info);
	return t;
}

struct api_template *
template_new(struct api_sandbox *sb, uint64_t pause_ns, struct tine_error *error)
{
	struct tine_template *tmpl = sandbox_take_template(sb->vm, error);
	struct api_template *t = tmpl != NULL ? template_alloc(sb->server, tmpl, error) : NULL;
	bool torn;

	if (t == NULL)
		return NULL;
	if (record_launches(t, sb) < 0) {
		tine_error_set(error, ENOMEM, "out-of-memory", "no memory for a template");
		template_free(t);
		return NULL;
	}
	t->created_ns = realtime_ns();
	t->pause_ns = pause_ns;
	forkstat_read(sb, &t->stats, &torn);
	memcpy(t->source, sb->id, sizeof(t->source));
	return t;
}

int
template_restore(const struct api_template *t, struct api_sandbox *sb)
{
	for (size_t i = 0; i < t->nlaunches; i++)
		if (process_restore(sb, &t->launches[i]) < 0)
			return -ENOMEM;
	return 0;
}

/* ---- the table ----------------------------------------------------------------------------- */

void
template_list_add(struct api_template *t, const char *name)
{
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->seq = ++t->server->next_seq;
	t->listed = true;
	template_ref(t);
	TAILQ_INSERT_TAIL(&t->server->templates, t, link);
	t->server->ntemplates++;
}

void
template_list_remove(struct api_template *t)
{
	if (!t->listed)
		return;
	t->listed = false;
	TAILQ_REMOVE(&t->server->templates, t, link);
	t->server->ntemplates--;
	base_forget(&t->server->base, t->tmpl);
	template_unref(t);
}

struct api_template *
template_find(struct server *server, const char *id_or_name)
{
	struct api_template *t;

	TAILQ_FOREACH (t, &server->templates, link)
		if (strcmp(t->id, id_or_name) == 0 || strcmp(t->name, id_or_name) == 0)
			return t;
	return NULL;
}

json_t *
template_json(const struct api_template *t)
{
	char when[RFC3339_LEN];
	json_t *doc =
	    json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "id", t->id, "source", t->source, "created",
		      rfc3339(t->created_ns, when), "clones", (json_int_t)t->clones, "launches",
		      (json_int_t)t->info.nlaunches, "generation", (json_int_t)t->info.generation);

	if (t->name[0] != '\0')
		json_object_set_new(doc, "name", json_string(t->name));
	json_object_set_new(doc, "memory_bytes", u64_json(t->info.memory_bytes));
	json_object_set_new(doc, "data_bytes", u64_json(t->info.data_bytes));
	json_object_set_new(doc, "rootfs_bytes", u64_json(t->info.rootfs_bytes));
	json_object_set_new(doc, "pause_ns", u64_json(t->pause_ns));
	return doc;
}
