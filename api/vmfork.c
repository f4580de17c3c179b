/* SPDX-License-Identifier: ISC */
/*
 * vmfork.c: a program asks for a clone or a template of its own sandbox, with vmfork() or
 * tine_freeze().
 *
 * The kernel's count of what is allowed (kern.vmfork) is for well-behaved programs; a guest can
 * claim what it likes, so the daemon has a count of its own.
 */
#include "vmfork.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "args.h"
#include "call.h"
#include "log.h"
#include "sandbox.h"
#include "server.h"
#include "template.h"

/* The answer that a program gets is the id as a number, which must not look like an error. */
static int
choose_id(struct vmfork_request *v)
{
	if (getrandom(v->id, sizeof(v->id), 0) != sizeof(v->id))
		return -1;
	v->id[0] &= 0x7f;
	v->id[7] |= 1; /* 0 is a clone's answer */
	return 0;
}

static uint64_t
id_number(const struct vmfork_request *v)
{
	uint64_t n = 0;

	for (size_t i = 0; i < SANDBOX_ID_LEN / 2; i++)
		n = n << 8 | v->id[i];
	return n;
}

/* The errno for the program, 0: it may. */
static int
policy(const struct api_sandbox *sb, uint32_t kind)
{
	const struct server *server = sb->server;
	struct problem problem;

	if (sb->vmforks_left == 0)
		return EPERM;
	if (!server_has_files(server, &problem))
		return EAGAIN;
	if (kind == TINE_VMFORK_CLONE)
		return server->nsandboxes < server->config.max_sandboxes ? 0 : EAGAIN;
	return server->ntemplates < TEMPLATES_MAX ? 0 : EAGAIN;
}

static int
begin(struct api_sandbox *sb, uint32_t id, uint32_t kind)
{
	struct vmfork_request *v = &sb->vmfork;
	struct tine_error error;
	int errnum = policy(sb, kind);

	if (errnum != 0)
		return errnum;
	*v = (struct vmfork_request){.call = id, .kind = kind};
	/* Somebody else is having it frozen: the program may try again. */
	if (choose_id(v) < 0 || sandbox_freeze(sb->vm, id, true, id_number(v), &error) < 0) {
		v->call = 0;
		return EAGAIN;
	}
	sb->vmforks_left--;
	return 0;
}

int
vmfork_asked(struct api_sandbox *sb, uint32_t kind)
{
	uint32_t id = api_sandbox_new_id(sb);
	int errnum;

	if ((kind != TINE_VMFORK_CLONE && kind != TINE_VMFORK_TEMPLATE) ||
	    sb->calls.count >= SANDBOX_CALLS_MAX || call_expect(sb, id) < 0)
		return -EPROTO;
	/* A second question while the first is being answered: only one can be frozen for. */
	errnum = sb->vmfork.call != 0 ? EAGAIN : begin(sb, id, kind);
	return errnum == 0 ? 0 : sandbox_refuse_vmfork(sb->vm, id, errnum, NULL);
}

static void
run_clone(struct api_sandbox *sb, const struct vmfork_request *v, struct api_template *t)
{
	struct sandbox_args args = {.events = sb->events, .id = v->id};
	struct problem problem = {0};
	struct api_sandbox *clone;

	/* The program has its answer already: this is for the log. */
	if (api_sandbox_create(sb->server, &args, t, &clone, &problem) < 0)
		log_error("sandbox %s: its program's clone could not be started: %s", sb->id,
			  problem.detail);
	else
		log_info("sandbox %s: clone %s for its program", sb->id, clone->id);
}

static void
keep_template(struct api_sandbox *sb, const struct vmfork_request *v, struct api_template *t)
{
	for (size_t i = 0; i < SANDBOX_ID_LEN / 2; i++)
		sprintf(t->id + 2 * i, "%02x", v->id[i]);
	template_list_add(t, "");
	log_info("sandbox %s: template %s for its program", sb->id, t->id);
}

void
vmfork_frozen(struct api_sandbox *sb, uint32_t id, struct api_template *t)
{
	struct vmfork_request v = sb->vmfork;

	if (v.call == 0 || v.call != id)
		return;
	sb->vmfork.call = 0;
	if (t == NULL) /* the program has gone, or there was no room */
		sb->vmforks_left++;
	else if (v.kind == TINE_VMFORK_CLONE)
		run_clone(sb, &v, t);
	else
		keep_template(sb, &v, t);
}
