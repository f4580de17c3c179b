/* SPDX-License-Identifier: ISC */
/* sandbox_fork.c: clones and templates as the process sees them that started the VMM process. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control.h"
#include "freeze.h"
#include "pagemap.h"

/* ---- cloning ---- */

/* The process has just been started, or is idle: its socket is empty. */
static int
send_now(struct sandbox *sb, const struct record *rec, const int *fds, int nfds,
	 struct tine_error *error)
{
	int r = outq_empty(&sb->queue) ? wire_send(sb->fd, (const uint8_t *)rec,
						   sizeof(rec->hdr) + rec->hdr.len, fds, nfds)
				       : -EAGAIN;

	return r == 0
		   ? 0
		   : tine_error_set(error, -r, r == -EAGAIN ? "vmm-busy" : "vmm-gone",
				    "the VMM process %s", r == -EAGAIN ? "is busy" : "has ended");
}

static int
send_template(struct sandbox *sb, const struct record *rec, const struct tine_template *tmpl,
	      struct tine_error *error)
{
	int fds[2], nfds = sb->held == tmpl ? 0 : template_fds(tmpl, fds);

	return send_now(sb, rec, fds, nfds, error);
}

int
sandbox_send_prepare(struct sandbox *sb, struct tine_template *tmpl, struct tine_error *error)
{
	const struct workset *ws = template_workset(tmpl);
	struct record rec; /* as much of the payload as its length says */
	int r;

	rec.hdr = (struct tine_msg){.type = CONTROL_PREPARE,
				    .len = ws != NULL ? (uint32_t)workset_size(ws) : 0};
	if (ws != NULL)
		memcpy(rec.payload, ws, rec.hdr.len);
	r = send_template(sb, &rec, tmpl, error);
	if (r == 0)
		sb->prepared = template_hold(tmpl);
	return r;
}

int
sandbox_send_clone(struct sandbox *sb, struct tine_template *tmpl, const struct vmm_args *args,
		   struct tine_error *error)
{
	const struct template_head *head = &tmpl->head;
	int r = 0;
	struct record rec; /* as much of the payload as its length says */

	rec.hdr = (struct tine_msg){.type = CONTROL_CLONE};
	if (args != NULL)
		r = vmm_args_pack(args, &rec);
	if (r != 0)
		return tine_error_set(error, -r, "arguments-too-long", "too many arguments");
	if (proto_restore(&sb->proto, head->launch, head->nlaunches) != 0)
		return tine_error_set(error, EBADMSG, "template-damaged",
				      "the template's launches make no sense");
	r = sb->prepared == tmpl ? send_now(sb, &rec, NULL, 0, error)
				 : send_template(sb, &rec, tmpl, error);
	if (r == 0)
		sb->template = template_hold(tmpl);
	return r;
}

/* Of its process, which cannot open it: sent along with what it is needed for.  As long as the
 * process has not been reaped its number is its own. */
static int
open_pagemap(const struct sandbox *sb)
{
	return sb->reaped ? -ESRCH : pagemap_open(sb->pid);
}

/* ---- the working set ---- */

/*
 * The first answer of a clone is the moment for it: what is written up to here is what somebody
 * waits for.  Later the clone does what only it has been asked for, and it may be gone any time.
 * The processes that are prepared already go on without.
 */
void
sandbox_ask_workset(struct sandbox *sb)
{
	struct record rec;
	int wanted = WORKSET_WANTED, pagemap;

	if (sb->template == NULL ||
	    !atomic_compare_exchange_strong(&sb->template->workset_state, &wanted, WORKSET_ASKED))
		return;
	rec.hdr = (struct tine_msg){.type = CONTROL_WORKSET};
	sb->asked_workset = true;
	pagemap = open_pagemap(sb);
	if (pagemap < 0 || send_now(sb, &rec, &pagemap, 1, NULL) != 0)
		sandbox_lose_workset(sb);
	if (pagemap >= 0)
		close(pagemap);
}

int
sandbox_on_workset(struct sandbox *sb, struct tine_error *error)
{
	const struct template_head *head;
	int r;

	if (!sb->asked_workset)
		return tine_error_set(error, EPROTO, "control-protocol", "bad WORKSET message");
	head = &sb->template->head;
	r = workset_decode(&sb->template->workset, sb->rec.payload, sb->rec.hdr.len,
			   head->ram_low + head->ram_high, error);
	if (r != 0) {
		sandbox_lose_workset(sb);
		return r;
	}
	sb->asked_workset = false;
	atomic_store(&sb->template->workset_state, WORKSET_KNOWN);
	return 0;
}

/* Another clone is to be asked. */
void
sandbox_lose_workset(struct sandbox *sb)
{
	if (sb->asked_workset)
		atomic_store(&sb->template->workset_state, WORKSET_WANTED);
	sb->asked_workset = false;
}

/* ---- freezing ---- */

static int
new_file(const struct sandbox *sb, struct tine_error *error)
{
	int fd = memfd_create("tine-template", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	int r;

	if (fd >= 0 && ftruncate(fd, (off_t)freeze_file_size(sb->info.memory_bytes)) == 0)
		return fd;
	r = tine_error_set(error, errno, "no-memory", "cannot make a template: %s",
			   strerror(errno));
	if (fd >= 0)
		close(fd);
	return r;
}

static int
may_ask(const struct sandbox *sb, struct tine_error *error)
{
	if (sb->gone || sb->last_message || !sb->started)
		return tine_error_set(error, EPIPE, "vmm-gone", "the sandbox %s",
				      sb->started ? "has ended" : "has not started");
	if (sb->freezing)
		return tine_error_set(error, EBUSY, "freeze-busy", "the sandbox is being frozen");
	return 0;
}

int
sandbox_freeze(struct sandbox *sb, uint32_t id, bool answer, uint64_t value,
	       struct tine_error *error)
{
	struct tine_freeze fz = {.answer = answer, .value = value};
	struct record rec = {
	    .hdr = {.type = CONTROL_FREEZE, .id = id, .len = sizeof(fz)},
	};
	int fds[2], r = may_ask(sb, error);

	if (r != 0)
		return r;
	fds[1] = open_pagemap(sb);
	if (fds[1] < 0)
		return tine_error_set(error, -fds[1], "no-files", "/proc/%d/pagemap: %s",
				      (int)sb->pid, strerror(-fds[1]));
	r = fds[0] = new_file(sb, error);
	if (r >= 0) {
		memcpy(rec.payload, &fz, sizeof(fz));
		r = send_now(sb, &rec, fds, 2, error);
		if (r != 0)
			close(fds[0]);
	}
	close(fds[1]);
	sb->freezing = r == 0;
	sb->frozen_fd = r == 0 ? fds[0] : -1;
	return r;
}

int
sandbox_refuse_vmfork(struct sandbox *sb, uint32_t id, int err, struct tine_error *error)
{
	struct tine_freeze fz = {.answer = 1, .error = err};

	return sandbox_send(sb, TINE_MSG_FREEZE, id, 0, &fz, sizeof(fz), error);
}

/* The file cannot change from here on, whatever the process that wrote it does. */
static int
adopt(struct sandbox *sb, int fd)
{
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0) {
		close(fd);
		return tine_error_set(&sb->frozen_error, errno, "template-damaged",
				      "cannot seal the template: %s", strerror(errno));
	}
	return template_open(fd, fcntl(sb->rootfs_fd, F_DUPFD_CLOEXEC, 0), &sb->frozen,
			     &sb->frozen_error);
}

int
sandbox_on_frozen(struct sandbox *sb, struct tine_error *error)
{
	bool failed = sb->rec.hdr.arg != 0;
	int fd = sb->frozen_fd;

	if (!sb->freezing ||
	    sb->rec.hdr.len != (failed ? sizeof(struct tine_error) : sizeof(struct vmm_frozen)))
		return tine_error_set(error, EPROTO, "control-protocol", "bad FROZEN message");
	sb->freezing = false;
	sb->frozen_fd = -1;
	template_release(sb->frozen);
	sb->frozen = NULL;
	if (failed)
		close(fd);
	else
		adopt(sb, fd);
	return 0;
}

struct tine_template *
sandbox_take_template(struct sandbox *sb, struct tine_error *error)
{
	struct tine_template *t = sb->frozen;

	sb->frozen = NULL;
	if (t == NULL && error != NULL)
		*error = sb->frozen_error;
	return t;
}

/* ---- reset ---- */

int
sandbox_reset(struct sandbox *sb, uint32_t id, struct tine_error *error)
{
	struct record rec; /* the payload is not sent: it need not be cleared */
	int r;

	if (sb->template == NULL || (sb->template->head.flags & TEMPLATE_BASE) != 0)
		return tine_error_set(error, EINVAL, "not-a-clone",
				      "the sandbox was booted: there is no template to go back to");
	rec.hdr = (struct tine_msg){.type = CONTROL_RESET, .id = id};
	r = may_ask(sb, error);
	return r == 0 ? send_now(sb, &rec, NULL, 0, error) : r;
}

/* The books begin anew, as those of the VMM process have. */
int
sandbox_on_reset(struct sandbox *sb, struct tine_error *error)
{
	const struct template_head *head;
	bool refused = sb->rec.hdr.arg != 0;

	if (sb->template == NULL ||
	    (refused ? sb->rec.hdr.len != sizeof(struct tine_error) : !sandbox_take_along(sb, 0)))
		return tine_error_set(error, EPROTO, "control-protocol", "bad RESET message");
	if (refused)
		return 0;
	head = &sb->template->head;
	proto_free(&sb->proto);
	proto_init(&sb->proto);
	joiner_free(&sb->joiner);
	return proto_restore(&sb->proto, head->launch, head->nlaunches);
}
