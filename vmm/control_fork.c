/* SPDX-License-Identifier: ISC */
/* control_fork.c: `tine vmm` becomes a clone, is frozen into a template, is reset. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/boot.h"
#include "control.h"
#include "freeze.h"
#include "host.h"
#include "jail.h"
#include "phases.h"
#include "setup.h"

static void
close_fds(const int *fds, int nfds)
{
	for (int i = 0; i < nfds; i++)
		close(fds[i]);
}

/* ---- becoming a clone ---- */

/* The arguments came as strings back to back. */
static int
take_args(struct control *c, const struct record *rec, struct tine_error *error)
{
	int control = c->args.control_fd, argc = 0, r;
	size_t len = rec->hdr.len, n = 1;
	char **argv, *text;
	void *old = c->clone_args;

	if (len == 0)
		return 0;
	for (size_t i = 0; i < len; i++)
		n += rec->payload[i] == '\0';
	c->clone_args = argv = malloc(n * sizeof(*argv) + len);
	if (argv == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	text = (char *)(argv + n);
	memcpy(text, rec->payload, len);
	text[len - 1] = '\0';
	/* The first is the program's name, which main() takes away. */
	for (size_t at = strlen(text) + 1; at < len; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	argv[argc] = NULL;
	vmm_args_free(&c->args);
	r = vmm_args_parse(&c->args, argc, argv, error);
	free(old);
	c->args.control_fd =
	    control; /* also if they make no sense: the failure is reported there */
	return r;
}

/* What comes before the event loop runs goes where later the guest's records go: a page less that a
 * clone at rest has written to. */
static struct record *
early_record(struct control *c)
{
	return &c->channel.rec;
}

struct guest_mem *
control_mapped(struct control *c)
{
	return c->mapped.region[MEM_LOW].size != 0 ? &c->mapped : NULL;
}

/* The template that came with the record in *early_record(c), or the one that the zygote held. */
static int
take_template(struct control *c, int *fds, int nfds, struct tine_error *error)
{
	int r;

	if (nfds == 0 && c->template == NULL)
		return tine_error_set(error, EPROTO, "control-protocol", "no template came");
	if (nfds == 0) {
		c->args.config.template = c->template;
		return 0;
	}
	if (nfds > 2)
		close_fds(fds + 2, nfds - 2);
	if (control_mapped(c) != NULL)
		mem_destroy(&c->mapped);
	template_release(c->template);
	c->template = NULL;
	r = template_open(fds[0], nfds > 1 ? fds[1] : -1, &c->template, error);
	c->args.config.template = c->template;
	return r;
}

/* What an earlier clone has written, before the guest writes it. */
static int __attribute__((noinline)) /* most processes need no room for it on the stack */
populate(struct control *c, struct tine_error *error)
{
	const struct template_head *head = &c->template->head;
	const struct record *rec = early_record(c);
	struct workset ws;
	int r =
	    workset_decode(&ws, rec->payload, rec->hdr.len, head->ram_low + head->ram_high, error);

	if (r == 0)
		workset_populate(&ws, &c->vm.mem);
	return r;
}

/* Arguments as they will come, so that the pages of this way are there, too. */
static int
rehearse_args(struct control *c, struct tine_error *error)
{
	struct record *rec = early_record(c);

	if (vmm_args_pack(&c->args, rec) != 0)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	return take_args(c, rec, error);
}

/* With an identity that nobody will see. */
static int
setup_rehearsal(struct control *c, struct tine_error *error)
{
	struct vm_options options;
	int r;

	c->prepared = true;
	if ((c->template->head.flags & TEMPLATE_BASE) != 0)
		return tine_error_set(error, EINVAL, "template-config",
				      "a base template needs a root image first");
	sandbox_options(&c->args.config, &c->console, &options);
	options.boot_flags |= TINE_BOOT_REHEARSAL;
	options.mapped = control_mapped(c);
	r = vm_clone(&c->vm, c->template, &options, error);
	if (r == 0 && early_record(c)->hdr.len != 0)
		r = populate(c, error);
	if (r == 0)
		r = rehearse_args(c, error);
	if (r != 0)
		vm_destroy(&c->vm);
	return r;
}

int
control_become_clone(struct control *c, struct tine_error *error)
{
	const struct vm_options idle = {.console = &c->console,
					.jailed = c->args.config.jail != JAIL_NONE,
					.from_zygote = c->args.zygote,
					.kvm_fd = c->kvm_fd,
					.symbols_fd = c->symbols_fd};
	struct record *rec = early_record(c);
	int fds[WIRE_FDS], nfds = 0, r;

	r = host_require(error);
	if (r == 0)
		r = vm_prepare(&c->vm, &idle, error);
	if (r == 0 && c->args.idle && idle.jailed && !c->in_jail) {
		r = jail_process(error);
		c->in_jail = true;
		phase_end(START_JAIL);
	}
	if (r != 0)
		return r;
	if (wire_recv_wait(c->args.control_fd, rec, fds, &nfds) != 1)
		_exit(0); /* nobody needs this process any more */
	phase_end(START_IDLE);
	if (rec->hdr.type != CONTROL_CLONE && rec->hdr.type != CONTROL_PREPARE) {
		close_fds(fds, nfds);
		return tine_error_set(error, EPROTO, "control-protocol", "no template came");
	}
	r = take_template(c, fds, nfds, error);
	if (r == 0 && rec->hdr.type == CONTROL_PREPARE)
		return setup_rehearsal(c, error);
	if (r == 0)
		r = take_args(c, rec, error);
	phases_request(c->args.spawned_ns);
	c->args.config.template = c->template;
	return r == 0 ? sandbox_setup_prepared(&c->vm, &c->args.config, &c->console,
					       control_mapped(c), error)
		      : r;
}

/* Wait until the guest has come to the end of its rehearsal. */
static int
wait_rehearsed(struct control *c, struct tine_error *error)
{
	struct pollfd p[2] = {{.fd = c->vm.pause.notify_fd, .events = POLLIN},
			      {.fd = c->vm.stopped_fd, .events = POLLIN}};
	uint64_t count;
	int n;

	do
		n = poll(p, 2, -1);
	while (n < 0 && errno == EINTR);
	if (n > 0 && p[0].revents != 0 && read(c->vm.pause.notify_fd, &count, sizeof(count)) > 0)
		return 0;
	if (c->vm.end.error.code != 0)
		*error = c->vm.end.error;
	else
		tine_error_set(error, EIO, "guest-halted", "the clone shut down");
	return -error->code;
}

int
control_identify(struct control *c, struct tine_error *error)
{
	struct record *rec = early_record(c);
	struct vm_options options;
	int fds[WIRE_FDS], nfds = 0, r;

	r = wait_rehearsed(c, error);
	if (r != 0)
		return r;
	phase_end(START_REHEARSAL);
	if (wire_recv_wait(c->args.control_fd, rec, fds, &nfds) != 1)
		_exit(0); /* nobody needs this process any more */
	phase_end(START_IDLE);
	close_fds(fds, nfds);
	if (rec->hdr.type != CONTROL_CLONE || nfds != 0 || rec->hdr.len == 0)
		return tine_error_set(error, EPROTO, "control-protocol", "no identity came");
	r = take_args(c, rec, error);
	phases_request(c->args.spawned_ns);
	c->args.config.template = c->template;
	if (r == 0)
		r = sandbox_config_check(&c->args.config, error);
	sandbox_options(&c->args.config, &c->console, &options);
	if (r == 0)
		r = vm_identify(&c->vm, c->template, &options, error);
	if (r == 0)
		r = channel_restart(&c->channel, c->template->head.launch,
				    c->template->head.nlaunches, error);
	return r;
}

/* ---- freezing ---- */

static void
report(struct control *c, uint16_t type, uint32_t id, const struct tine_error *error,
       const void *payload, size_t len)
{
	struct tine_msg hdr = {.type = type, .id = id};

	if (error->code != 0) {
		hdr.arg = (uint32_t)error->code;
		payload = error;
		len = sizeof(*error);
	}
	hdr.len = (uint32_t)len;
	control_queue(c, &hdr, payload);
}

static void
freeze_end(struct control *c)
{
	struct freezing *f = &c->freezing;

	atomic_store(&c->vm.freeze, false);
	evloop_watch(&c->loop, &c->parked, 0);
	f->held = f->busy = false;
	mem_log_writes(&c->vm.mem, MEM_LOG_OFF, c->vm.vm_fd, NULL);
	close(f->fd);
	report(c, VMM_MSG_FROZEN, f->id, &f->error, &f->report, sizeof(f->report));
	control_watch(c);
}

bool
control_freeze_reply(struct control *c, const struct tine_msg *hdr)
{
	struct freezing *f = &c->freezing;

	if (!f->busy || hdr->type != TINE_MSG_REPLY || hdr->id != f->id)
		return false;
	if (hdr->arg != 0 && f->error.code == 0)
		tine_error_set(&f->error, (int)hdr->arg, "freeze-refused", "%s",
			       strerror((int)hdr->arg));
	freeze_end(c);
	return true;
}

/* The guest stands still: all that changes once it goes on. */
static int
take_state(struct control *c, struct template_head *head, struct tine_error *error)
{
	struct freezing *f = &c->freezing;
	int r = freeze_copy_written(&c->vm, f->fd, error);
	int n = proto_save(&c->channel.proto, head->launch, TEMPLATE_LAUNCHES);

	if (r == 0 && n < 0)
		r = tine_error_set(error, E2BIG, "too-many-launches",
				   "a template keeps at most %u launches that have not ended",
				   TEMPLATE_LAUNCHES);
	head->nlaunches = n > 0 ? (uint32_t)n : 0;
	return r == 0 ? freeze_state(&c->vm, head, error) : r;
}

/* The guest runs again. */
static int
finish_file(struct control *c, struct template_head *head, struct tine_error *error)
{
	struct freezing *f = &c->freezing;
	int r = template_find_extents(f->fd, head, error);

	head->rootfs_offset = c->vm.mem.rootfs_offset;
	head->flags = head->rootfs_size != 0 ? TEMPLATE_ROOTFS_APART : 0;
	if (r == 0 && c->template != NULL) {
		head->kernel_crc = c->template->head.kernel_crc;
		head->kernel_size = c->template->head.kernel_size;
	} else if (r == 0) {
		r = template_file_sum(c->vm.kernel.file.fd, &head->kernel_crc, &head->kernel_size,
				      error);
	}
	f->report.data_bytes = template_data_bytes(head);
	return r == 0 ? template_write_head(f->fd, head, error) : r;
}

static void
on_parked(void *arg, uint32_t events)
{
	struct control *c = arg;
	struct freezing *f = &c->freezing;
	struct template_head *head = calloc(1, sizeof(*head));
	uint64_t count;
	int r = -ENOMEM;

	(void)events;
	if (read(c->vm.pause.notify_fd, &count, sizeof(count)) < 0 || !f->busy) {
		free(head);
		return;
	}
	/* What the guest has sent belongs to it alone; books are kept up to here. */
	channel_drain(&c->channel);
	if (head != NULL)
		r = take_state(c, head, &f->error);
	else
		tine_error_set(&f->error, ENOMEM, "no-memory", "out of memory");
	f->held = false;
	vcpu_resume(&c->vm);
	f->report.pause_ns = monotonic_ns() - atomic_load(&c->vm.ready_ns);
	if (r == 0)
		finish_file(c, head, &f->error);
	free(head);
	control_watch(c);
}

/* All that the sandbox has of its own, while it runs on: when it stands still, only what it has
 * written to in the meantime is left to copy.  No hypercall is under way when the log begins: one
 * that gives memory back would take pages away behind the copy. */
static int
copy_ahead(struct control *c, int fd, int pagemap_fd, struct tine_error *error)
{
	int r;

	vcpu_pause(&c->vm);
	r = mem_log_writes(&c->vm.mem, MEM_LOG_FREEZE, c->vm.vm_fd, error);
	vcpu_resume(&c->vm);
	if (r == 0)
		r = freeze_copy_template(c->template, fd, error);
	return r == 0 ? freeze_copy_ram(&c->vm, pagemap_fd, fd, error) : r;
}

static int
freeze(struct control *c, const struct record *rec, int fd, int pagemap_fd,
       struct tine_error *error)
{
	struct freezing *f = &c->freezing;
	uint64_t count;
	int r;

	if (f->busy || c->args.config.gdb != NULL)
		return tine_error_set(error, EBUSY, "freeze-busy",
				      "the sandbox is being frozen or debugged");
	*f = (struct freezing){.id = rec->hdr.id, .fd = fd};
	r = copy_ahead(c, fd, pagemap_fd, error);
	if (r != 0)
		goto out;
	if (read(c->vm.pause.notify_fd, &count, sizeof(count)) > 0) {
		/* an old rendezvous */
	}
	atomic_store(&c->vm.freeze, true);
	f->busy = f->held = true;
	r = channel_send(&c->channel, TINE_MSG_FREEZE, f->id, 0, rec->payload, rec->hdr.len, error);
	if (r == 0)
		r = evloop_watch(&c->loop, &c->parked, EPOLLIN);
out:
	if (r != 0) {
		atomic_store(&c->vm.freeze, false);
		f->busy = f->held = false;
		mem_log_writes(&c->vm.mem, MEM_LOG_OFF, c->vm.vm_fd, NULL);
	}
	return r;
}

/* ---- reset ---- */

static int
may_reset(const struct control *c, struct tine_error *error)
{
	if (c->template == NULL || c->vm.base)
		return tine_error_set(error, EINVAL, "not-a-clone",
				      "the sandbox was booted: there is no template to go back to");
	if (c->freezing.busy || c->args.config.gdb != NULL)
		return tine_error_set(error, EBUSY, "freeze-busy",
				      "the sandbox is being frozen or debugged");
	return 0;
}

/* Until the guest says its first word: false if it has ended, or the daemon has. */
static bool
wait_reset(struct control *c)
{
	struct pollfd p[3] = {{.fd = c->vm.doorbell_fd, .events = POLLIN},
			      {.fd = c->vm.stopped_fd, .events = POLLIN},
			      {.fd = c->socket.fd}};
	uint64_t count;

	do {
		if (poll(p, 3, -1) < 0)
			continue;
		c->loop.quit |= p[2].revents != 0;
		if (c->loop.quit || p[1].revents != 0)
			return false;
		if (read(c->vm.doorbell_fd, &count, sizeof(count)) < 0)
			continue;
		/* A bell that the guest of before has rung comes too early. */
	} while (vm_reset_pending(&c->vm));
	return true;
}

static int
reset(struct control *c, struct tine_error *error)
{
	int r;

	sandbox_options(&c->args.config, &c->console, &c->reset_options);
	vm_reset_ask(&c->vm, c->template, &c->reset_options);
	if (!wait_reset(c))
		return 0; /* the event loop will find out why */
	r = channel_restart(&c->channel, c->template->head.launch, c->template->head.nlaunches,
			    error);
	if (r != 0)
		return r;
	c->reset_done = true;
	channel_resume(&c->channel);
	return 0;
}

/* One record instead of two: the daemon is woken once. */
bool
control_reset_done(struct control *c, const struct tine_msg *hdr)
{
	const struct tine_error none = {0};
	bool along = hdr != NULL && hdr->len == 0;

	if (!c->reset_done)
		return false;
	c->reset_done = false;
	report(c, VMM_MSG_RESET, c->reset_id, &none, hdr, along ? sizeof(*hdr) : 0);
	return along;
}

/* ---- the working set ---- */

static void __attribute__((noinline)) /* the same */
report_workset(struct control *c, int pagemap_fd)
{
	struct tine_msg hdr = {.type = VMM_MSG_WORKSET};
	struct workset ws;

	workset_collect(&ws, &c->vm.mem, pagemap_fd);
	hdr.len = (uint32_t)workset_size(&ws);
	control_queue(c, &hdr, &ws);
}

/* ---- requests ---- */

int
control_fork_open(struct control *c, struct tine_error *error)
{
	c->parked = (struct source){.fd = c->vm.pause.notify_fd, .ready = on_parked, .arg = c};
	if (c->template == NULL)
		return 0;
	return proto_restore(&c->channel.proto, c->template->head.launch,
			     c->template->head.nlaunches) == 0
		   ? 0
		   : tine_error_set(error, EBADMSG, "template-damaged",
				    "the template's launches make no sense");
}

int
control_request(struct control *c, const struct record *rec, const int *fds, int nfds,
		struct tine_error *error)
{
	struct tine_error refused = {0};

	if (rec->hdr.type == CONTROL_FREEZE && rec->hdr.len == sizeof(struct tine_freeze) &&
	    nfds == 2) {
		if (freeze(c, rec, fds[0], fds[1], &refused) != 0) {
			close(fds[0]);
			report(c, VMM_MSG_FROZEN, rec->hdr.id, &refused, NULL, 0);
		}
		close(fds[1]);
		return 0;
	}
	if (rec->hdr.type == CONTROL_WORKSET && nfds == 1) {
		report_workset(c, fds[0]);
		close(fds[0]);
		return 0;
	}
	close_fds(fds, nfds);
	if (rec->hdr.type != CONTROL_RESET || nfds != 0)
		return tine_error_set(error, EPROTO, "control-protocol", "unknown request");
	control_reset_done(c, NULL); /* that of a reset which this one overtakes */
	c->reset_id = rec->hdr.id;
	if (may_reset(c, &refused) == 0)
		return reset(c, error); /* reported with the guest's first word, READY */
	report(c, VMM_MSG_RESET, rec->hdr.id, &refused, NULL, 0);
	return 0;
}
