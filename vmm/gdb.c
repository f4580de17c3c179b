/* SPDX-License-Identifier: ISC */
/* gdb.c: the debugger's connection: packets in, packets out, stops of the guest. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gdb.h"
#include "vm.h"

#define INTERRUPT 0x03
#define SIGNAL_INT 2
#define SIGNAL_TRAP 5

void
gdb_reply(struct gdb *gdb, const char *fmt, ...)
{
	size_t room = sizeof(gdb->reply) - gdb->reply_len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(gdb->reply + gdb->reply_len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		gdb->reply_len += (size_t)n < room ? (size_t)n : room - 1;
}

void
gdb_reply_hex(struct gdb *gdb, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		gdb_reply(gdb, "%02x", ((const uint8_t *)data)[i]);
}

/* The peer is a tool of the same user, and packets are short: a full socket is a lost peer. */
static void
transmit(struct gdb *gdb, const char *data, size_t len)
{
	if (send(gdb->connection.fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

static void
send_reply(struct gdb *gdb)
{
	static char packet[sizeof(gdb->reply) + 8];
	uint8_t sum = 0;
	int n;

	for (size_t i = 0; i < gdb->reply_len; i++)
		sum = (uint8_t)(sum + (uint8_t)gdb->reply[i]);
	n = snprintf(packet, sizeof(packet), "$%.*s#%02x", (int)gdb->reply_len, gdb->reply, sum);
	transmit(gdb, packet, (size_t)n);
	gdb->reply_len = 0;
}

static void
drop_connection(struct gdb *gdb)
{
	evloop_watch(gdb->loop, &gdb->connection, 0);
	close(gdb->connection.fd);
	gdb->connection.fd = -1;
	if (gdb->running)
		vcpu_pause(gdb->vm);
	gdb_detach(gdb);
}

static void
interrupt(struct gdb *gdb)
{
	uint64_t count;

	if (!gdb->running)
		return;
	vcpu_pause(gdb->vm);
	if (read(gdb->parked.fd, &count, sizeof(count)) < 0)
		count = 0; /* it had parked by itself at that moment, and was seen */
	gdb->running = false;
	gdb_stop_reply(gdb, SIGNAL_INT);
	send_reply(gdb);
}

/* Length of the packet at the front of the buffer, 0 if it is not complete. */
static size_t
complete_packet(const struct gdb *gdb)
{
	const char *hash = memchr(gdb->in, '#', gdb->in_len);

	if (hash == NULL || (size_t)(hash - gdb->in) + 3 > gdb->in_len)
		return 0;
	return (size_t)(hash - gdb->in) + 3;
}

static bool
checksum_ok(const char *packet, size_t len)
{
	char given[3] = {packet[len - 2], packet[len - 1], '\0'};
	uint8_t sum = 0;

	for (size_t i = 1; i < len - 3; i++)
		sum = (uint8_t)(sum + (uint8_t)packet[i]);
	return strtoul(given, NULL, 16) == sum;
}

static void
execute(struct gdb *gdb, size_t len)
{
	bool ok = checksum_ok(gdb->in, len);

	if (!gdb->no_ack)
		transmit(gdb, ok ? "+" : "-", 1);
	if (!ok)
		return;
	gdb->in[len - 3] = '\0';
	if (gdb_command(gdb, gdb->in + 1, len - 4))
		send_reply(gdb);
}

static void
consume(struct gdb *gdb, size_t n)
{
	memmove(gdb->in, gdb->in + n, gdb->in_len - n);
	gdb->in_len -= n;
}

static void
understand(struct gdb *gdb)
{
	while (gdb->in_len > 0 && gdb->connection.fd >= 0) {
		size_t n = 1;

		if (gdb->in[0] == INTERRUPT) {
			interrupt(gdb);
		} else if (gdb->in[0] == '$') {
			n = complete_packet(gdb);
			if (n == 0)
				break;
			execute(gdb, n);
		}
		consume(gdb, n); /* acknowledgements need no thought on a reliable stream */
	}
	if (gdb->in_len == sizeof(gdb->in))
		drop_connection(gdb);
}

static void
on_connection(void *arg, uint32_t events)
{
	struct gdb *gdb = arg;
	ssize_t n = recv(gdb->connection.fd, gdb->in + gdb->in_len, sizeof(gdb->in) - gdb->in_len,
			 MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop_connection(gdb);
		return;
	}
	gdb->in_len += (size_t)n;
	understand(gdb);
}

/* A debugger comes: it expects to find the guest standing still. */
static void
on_listener(void *arg, uint32_t events)
{
	struct gdb *gdb = arg;
	int fd = accept4(gdb->listener.fd, NULL, NULL, SOCK_CLOEXEC);
	uint64_t count;

	(void)events;
	if (fd < 0)
		return;
	if (gdb->connection.fd >= 0) {
		close(fd); /* one at a time */
		return;
	}
	gdb->connection.fd = fd;
	gdb->in_len = gdb->reply_len = 0;
	gdb->no_ack = false;
	vcpu_pause(gdb->vm);
	if (read(gdb->parked.fd, &count, sizeof(count)) < 0)
		count = 0;
	gdb->running = false;
	evloop_watch(gdb->loop, &gdb->connection, EPOLLIN);
}

/* The vCPU has stopped by itself. */
static void
on_parked(void *arg, uint32_t events)
{
	struct gdb *gdb = arg;
	const struct kvm_debug_exit_arch *d = &gdb->vm->run->debug.arch;
	uint64_t count;

	(void)events;
	if (read(gdb->parked.fd, &count, sizeof(count)) < 0 || !gdb->running)
		return;
	if (d->exception == 3 && !gdb_break_is_ours(gdb, d->pc)) {
		gdb_resume(gdb, false, true); /* a breakpoint that a guest program made itself */
		return;
	}
	gdb->running = false;
	gdb_stop_reply(gdb, 0);
	send_reply(gdb);
}

int
gdb_open(struct gdb *gdb, struct vm *vm, struct evloop *loop, const char *address,
	 struct tine_error *error)
{
	int fd = gdb_listen(address, error);
	int caps = ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_SET_GUEST_DEBUG2);

	if (fd < 0)
		return fd;
	memset(gdb, 0, sizeof(*gdb));
	gdb->vm = vm;
	vm->filter = JAIL_FILTER_DEBUG;
	gdb->loop = loop;
	gdb->block_irqs = caps > 0 && (caps & KVM_GUESTDBG_BLOCKIRQ) != 0;
	gdb->listener = (struct source){.fd = fd, .ready = on_listener, .arg = gdb};
	gdb->connection = (struct source){.fd = -1, .ready = on_connection, .arg = gdb};
	gdb->parked = (struct source){.fd = vm->pause.notify_fd, .ready = on_parked, .arg = gdb};
	if (evloop_watch(loop, &gdb->listener, EPOLLIN) != 0 ||
	    evloop_watch(loop, &gdb->parked, EPOLLIN) != 0)
		return tine_error_set(error, EIO, "no-files", "epoll failed");
	console_printf(vm->console, "tine: waiting for a debugger: target remote %s%s\n",
		       address[0] >= '0' && address[0] <= '9' && strchr(address, ':') == NULL
			   ? "127.0.0.1:"
			   : "",
		       strncmp(address, "unix:", 5) == 0 ? address + 5 : address);
	return 0;
}
