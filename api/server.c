/* SPDX-License-Identifier: ISC */
/* server.c: the table of sandboxes. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FILES_KEPT 32u    /* for connections, and files that are opened and closed */
#define FILES_OF_START 7u /* of a sandbox, most of which come when it has been started */

void
server_init(struct server *server)
{
	TAILQ_INIT(&server->sandboxes);
	TAILQ_INIT(&server->templates);
	for (size_t i = 0; i < SERVER_BUCKETS; i++) {
		LIST_INIT(&server->by_id[i]);
		LIST_INIT(&server->by_name[i]);
	}
	events_init(&server->events);
	server->started_ns = loop_now_ns();
}

void
server_fini(struct server *server)
{
	struct api_template *t;
	struct api_sandbox *sb;

	/* All are killed before the first is waited for, so that their ends overlap. */
	TAILQ_FOREACH (sb, &server->sandboxes, link)
		sandbox_kill(sb->vm);
	while ((sb = TAILQ_FIRST(&server->sandboxes)) != NULL)
		api_sandbox_kill_now(sb);
	while ((t = TAILQ_FIRST(&server->templates)) != NULL)
		template_list_remove(t);
	events_fini(&server->events);
}

/* FNV-1a; names come from clients, but they are few and a client only slows itself. */
static size_t
hash(const char *text)
{
	uint32_t h = 2166136261u;

	for (; *text != '\0'; text++)
		h = (h ^ (uint8_t)*text) * 16777619u;
	return h % SERVER_BUCKETS;
}

void
server_insert(struct server *server, struct api_sandbox *sb)
{
	sb->seq = ++server->next_seq;
	sb->listed = true;
	TAILQ_INSERT_TAIL(&server->sandboxes, sb, link);
	LIST_INSERT_HEAD(&server->by_id[hash(sb->id)], sb, by_id);
	if (sb->name[0] != '\0')
		LIST_INSERT_HEAD(&server->by_name[hash(sb->name)], sb, by_name);
	server->nsandboxes++;
	server->nstate[sb->state]++;
}

void
server_remove(struct server *server, struct api_sandbox *sb)
{
	if (!sb->listed)
		return;
	sb->listed = false;
	TAILQ_REMOVE(&server->sandboxes, sb, link);
	LIST_REMOVE(sb, by_id);
	if (sb->name[0] != '\0')
		LIST_REMOVE(sb, by_name);
	server->nsandboxes--;
	server->nstate[sb->state]--;
	server->nlooked -= sb->hoststats.valid;
}

/* Descriptors are given out lowest first: nearly all that are taken are below one that is not. */
bool
server_has_files(const struct server *server, struct problem *problem)
{
	struct tine_error error = {.code = EMFILE, .type = "no-files"};
	size_t coming = FILES_OF_START * (1 + server->nstate[API_STARTING]) + server->nsandboxes -
			server->nlooked;
	int lowest = fcntl(server->loop.epfd, F_DUPFD_CLOEXEC, 0);
	struct rlimit limit;

	if (lowest >= 0)
		close(lowest);
	if (lowest >= 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		rlim_t kept = limit.rlim_cur / 4 < FILES_KEPT ? limit.rlim_cur / 4 : FILES_KEPT;

		if ((rlim_t)lowest + coming + kept <= limit.rlim_cur)
			return true;
		tine_error_set(&error, EMFILE, "no-files",
			       "%d descriptors of at most %llu are in use, and %zu more will be",
			       lowest, (unsigned long long)limit.rlim_cur, coming);
	}
	problem_from_error(problem, &error);
	return false;
}

struct api_sandbox *
server_find_name(struct server *server, const char *name)
{
	struct api_sandbox *sb;

	LIST_FOREACH (sb, &server->by_name[hash(name)], by_name)
		if (strcmp(sb->name, name) == 0)
			return sb;
	return NULL;
}

struct api_sandbox *
server_find(struct server *server, const char *id_or_name)
{
	struct api_sandbox *sb;

	LIST_FOREACH (sb, &server->by_id[hash(id_or_name)], by_id)
		if (strcmp(sb->id, id_or_name) == 0)
			return sb;
	return server_find_name(server, id_or_name);
}

bool
server_body_account(struct server *server, size_t bytes)
{
	if (bytes > SERVER_BODY_BYTES - server->body_bytes)
		return false;
	server->body_bytes += bytes;
	return true;
}

void
server_body_unaccount(struct server *server, size_t bytes)
{
	server->body_bytes -= bytes;
}
