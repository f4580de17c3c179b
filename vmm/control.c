/* SPDX-License-Identifier: ISC */
/* control.c: `tine vmm`: a sandbox whose messages go to the daemon over a control socket. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "jail.h"
#include "phases.h"
#include "setup.h"
#include "zygote.h"

void
control_watch(struct control *c)
{
	uint32_t events = 0;

	if (!channel_backlog(&c->channel) && !c->ended && !c->freezing.held)
		events |= EPOLLIN;
	if (!outq_empty(&c->queue))
		events |= EPOLLOUT;
	/* Without either the end of the daemon still has to be seen; EPOLLHUP always is. */
	evloop_watch(&c->loop, &c->socket, events != 0 ? events : EPOLLRDHUP);
}

/* Write what is queued; after the last message the process is done. */
static void
flush(struct control *c)
{
	const uint8_t *bytes;
	struct tine_msg hdr;
	size_t n;
	int r = 0;

	while (r == 0 && (n = outq_peek(&c->queue, &hdr, &bytes)) > 0) {
		r = wire_send(c->socket.fd, bytes, n, NULL, 0);
		if (r == 0)
			outq_pop(&c->queue);
	}
	if (r == -EPIPE || (c->last_queued && outq_empty(&c->queue)))
		c->loop.quit = true;
	else
		control_watch(c);
}

/* Before the system call filter. */
static void
open_report(struct control *c)
{
	int *fds = c->report_fds;

	fds[0] = c->vm.mem.shared_fd;
	fds[1] = ioctl(c->vm.vm_fd, KVM_GET_STATS_FD, NULL);
	fds[2] = ioctl(c->vm.vcpu_fd, KVM_GET_STATS_FD, NULL);
	fds[3] = c->vm.mem.rootfs_fd;
}

/* Has its first word come along?  A record without payload can, and the daemon is woken once. */
static bool
send_started(struct control *c, const struct tine_msg *word)
{
	struct {
		struct tine_msg hdr;
		struct vmm_started info;
		struct tine_msg along;
	} m = {.hdr = {.len = sizeof(m.info), .type = VMM_MSG_STARTED}};
	static const enum mem_slot slots[3] = {MEM_LOW, MEM_HIGH, MEM_ROOTFS};
	bool along = word != NULL && word->len == 0;
	int fds[WIRE_FDS];

	c->started_due = false;
	phases_report(&m.info);
	m.info.pid = getpid();
	m.info.memory_bytes = c->vm.mem.region[MEM_LOW].size + c->vm.mem.region[MEM_HIGH].size;
	for (int i = 0; i < 3; i++) {
		m.info.area[i].addr = (uintptr_t)c->vm.mem.region[slots[i]].hva;
		m.info.area[i].size = c->vm.mem.region[slots[i]].size;
	}
	if (along) {
		m.along = *word;
		m.hdr.len += sizeof(m.along);
	}
	/* No image; an older host: /dev/null, and that part of the figures is missing. */
	for (int i = 0; i < WIRE_FDS; i++)
		fds[i] = c->report_fds[i] >= 0 ? c->report_fds[i] : STDIN_FILENO;
	if (wire_send(c->socket.fd, (const uint8_t *)&m, sizeof(m.hdr) + m.hdr.len, fds,
		      WIRE_FDS) != 0)
		c->loop.quit =
		    true; /* it is the first that the socket takes: the daemon has gone */
	for (int i = 1; i <= 2; i++)
		if (c->report_fds[i] >= 0)
			close(c->report_fds[i]);
	return along;
}

void
control_queue(struct control *c, const struct tine_msg *hdr, const void *payload)
{
	int r = -EAGAIN;

	if (c->started_due && send_started(c, hdr))
		r = 0;
	else if (outq_empty(&c->queue))
		r = wire_send_record(c->socket.fd, hdr, payload);
	if (r == -EAGAIN)
		r = outq_push(&c->queue, hdr, payload);
	if (r != 0)
		c->loop.quit = true; /* the daemon has gone, or sees the socket end */
	else
		flush(c);
}

static void
queue_last(struct control *c, uint16_t type, uint32_t arg, const struct tine_error *error)
{
	struct tine_msg hdr = {
	    .len = error != NULL ? sizeof(*error) : 0,
	    .type = type,
	    .arg = arg,
	};

	if (c->last_queued)
		return;
	c->last_queued = true;
	control_queue(c, &hdr, error);
}

static void
on_record(void *arg, const struct tine_msg *hdr, const uint8_t *payload)
{
	if (control_reset_done(arg, hdr) || control_freeze_reply(arg, hdr))
		return;
	control_queue(arg, hdr, payload);
}

static bool
accepts(void *arg)
{
	const struct control *c = arg;

	return outq_empty(&c->queue) && !c->last_queued;
}

static void
on_drained(void *arg)
{
	control_watch(arg);
}

static void
on_failed(void *arg, const struct tine_error *error)
{
	queue_last(arg, VMM_MSG_FAILED, 0, error);
}

/* Everything the guest left in the ring has been sent: report its end. */
static void
finish_if_drained(struct control *c)
{
	const struct vm_end *end = &c->vm.end;

	if (!c->ended || !outq_empty(&c->queue) || c->last_queued)
		return;
	if (end->kind == VM_HALTED)
		queue_last(c, VMM_MSG_HALTED, end->arg, NULL);
	else
		queue_last(c, VMM_MSG_FAILED, 0, &end->error);
}

/* The daemon takes records again. */
static void
go_on(struct control *c)
{
	if (c->ended)
		channel_finish(&c->channel);
	else
		channel_resume(&c->channel);
	finish_if_drained(c);
}

static void
on_stopped(void *arg, uint32_t events)
{
	struct control *c = arg;

	(void)events;
	evloop_watch(&c->loop, &c->stopped, 0);
	c->ended = true;
	go_on(c);
}

/* For this process, or for the guest. */
static int
take_message(struct control *c, const int *fds, int nfds, struct tine_error *error)
{
	int r;

	if (c->rec.hdr.type >= CONTROL_CLONE)
		return control_request(c, &c->rec, fds, nfds, error);
	while (nfds > 0)
		close(fds[--nfds]);
	r = msg_check(&c->rec.hdr, true, error);
	return r == 0 ? channel_forward(&c->channel, &c->rec.hdr, c->rec.payload, error) : r;
}

/* One record of the daemon's; false when no more should be read now. */
static bool
take_record(struct control *c)
{
	struct tine_error error;
	int fds[WIRE_FDS], nfds = 0, r;

	if (channel_backlog(&c->channel) || c->ended || c->freezing.held)
		return false;
	r = wire_recv(c->socket.fd, &c->rec, fds, &nfds, &error);
	if (r == -EPIPE)
		c->loop.quit = true; /* the daemon has gone, and so has the reason to be here */
	if (r == 0 || r == -EPIPE)
		return false;
	if (r == 1)
		r = take_message(c, fds, nfds, &error);
	if (r < 0)
		queue_last(c, VMM_MSG_FAILED, 0, &error);
	/* After a reset it is the daemon's turn. */
	return r == 0 && c->rec.hdr.type != CONTROL_RESET;
}

static void
on_socket(void *arg, uint32_t events)
{
	struct control *c = arg;

	if ((events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR)) != 0 && (events & EPOLLIN) == 0) {
		c->loop.quit = true;
		return;
	}
	if ((events & EPOLLOUT) != 0) {
		flush(c);
		if (outq_empty(&c->queue) && !c->loop.quit)
			go_on(c);
	}
	while ((events & EPOLLIN) != 0 && take_record(c))
		continue;
	if (!c->loop.quit)
		control_watch(c);
}

static int
open_events(struct control *c, struct tine_error *error)
{
	struct channel_client client = {
	    .record = on_record,
	    .accepts = accepts,
	    .drained = on_drained,
	    .failed = on_failed,
	    .arg = c,
	};
	int r = evloop_init(&c->loop, error);

	if (r == 0)
		r = channel_init(&c->channel, &c->vm, &c->loop, &client, error);
	c->socket = (struct source){.fd = c->args.control_fd, .ready = on_socket, .arg = c};
	if (r == 0)
		r = control_fork_open(c, error);
	c->stopped = (struct source){.fd = c->vm.stopped_fd, .ready = on_stopped, .arg = c};
	if (r == 0 && (evloop_watch(&c->loop, &c->stopped, EPOLLIN) != 0 ||
		       evloop_watch(&c->loop, &c->socket, EPOLLIN) != 0))
		r = tine_error_set(error, EIO, "no-files", "epoll failed");
	return r;
}

static int
serve(struct control *c, struct tine_error *error)
{
	int r = open_events(c, error);

	if (r == 0 && c->args.config.gdb != NULL)
		r = gdb_open(&c->gdb, &c->vm, &c->loop, c->args.config.gdb, error);
	if (r == 0)
		open_report(c);
	phase_end(START_SETUP);
	if (r == 0 && c->vm.jailed && !c->in_jail) {
		r = jail_process(error);
		phase_end(START_JAIL);
	}
	/* That of a clone goes with its first word; a boot takes longer, and a debugger any time.
	 */
	c->started_due = true;
	if (r == 0 && (c->template == NULL || c->args.config.gdb != NULL))
		send_started(c, NULL);
	atomic_store(&c->vm.freeze, c->prepared);
	if (r == 0)
		r = vm_start(&c->vm, error);
	if (r == 0 && c->prepared) {
		r = control_identify(c, error);
		phase_end(START_SETUP);
		if (r == 0)
			vcpu_resume(&c->vm);
	}
	while (r == 0 && !c->loop.quit) {
		r = evloop_step(&c->loop);
		if (r != 0)
			tine_error_set(error, -r, "io", "event loop: %s", strerror(-r));
	}
	return r;
}

static void
report_failure(const struct control *c, const struct tine_error *error)
{
	const struct tine_msg hdr = {.len = sizeof(*error), .type = VMM_MSG_FAILED};

	wire_send_record(c->args.control_fd, &hdr, error);
}

static void __attribute__((noreturn)) run(struct control *c)
{
	struct tine_error *error = &c->error;
	int r;

	phases_begin(c->args.spawned_ns);
	r = c->args.clone ? control_become_clone(c, error)
			  : sandbox_setup(&c->vm, &c->args.config, &c->console, error);
	if (r == 0)
		r = serve(c, error);
	if (r != 0)
		report_failure(c, error);
	/* The kernel takes everything down faster than it could be done here, piece by piece. */
	_exit(r == 0 ? 0 : 1);
}

int
vmm_cmd_vmm(int argc, char **argv)
{
	/* Not on the heap, where all of it would be written to. */
	static struct control control __attribute__((aligned(TINE_PAGE_SIZE)));
	struct control *c = &control;
	int r;

	console_init(&c->console, STDERR_FILENO, false);
	r = vmm_args_parse(&c->args, argc, argv, &c->error);
	if (r != 0) {
		console_printf(&c->console, "tine: %s\n", c->error.detail);
		return 2;
	}
	if (c->args.die_with_parent)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A template that gets no room is an error of the freeze, not the end of its original. */
	signal(SIGXFSZ, SIG_IGN);
	if (c->args.zygote)
		return zygote_serve(c, run) == -EPIPE ? 0 : 1;
	run(c);
}
