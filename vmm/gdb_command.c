/* SPDX-License-Identifier: ISC */
/* gdb_command.c: the packets of GDB's remote serial protocol. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "gdb.h"
#include "vm.h"

#define EXCEPTION_BP 3
#define SIGNAL_TRAP 5
#define CHUNK (GDB_PACKET / 2)

static void
result(struct gdb *gdb, int r)
{
	if (r == 0)
		gdb_reply(gdb, "OK");
	else
		gdb_reply(gdb, "E%02x", -r & 0xff);
}

/* Decode 2 * len hexadecimal digits. */
static bool
from_hex(const char *hex, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char pair[3] = {hex[2 * i], hex[2 * i] != '\0' ? hex[2 * i + 1] : '\0', '\0'};
		char *end;

		out[i] = (uint8_t)strtoul(pair, &end, 16);
		if (end != pair + 2)
			return false;
	}
	return true;
}

/* "ADDR,LEN"; returns what follows, NULL if it is not that. */
static const char *
parse_range(const char *s, uint64_t *addr, uint64_t *len)
{
	char *end;

	*addr = strtoull(s, &end, 16);
	if (*end != ',')
		return NULL;
	*len = strtoull(end + 1, &end, 16);
	return end;
}

static bool
cmd_read_registers(struct gdb *gdb, const char *args)
{
	uint8_t regs[GDB_REGS_BYTES];
	int r = gdb_regs_read(gdb, regs);

	(void)args;
	if (r == 0)
		gdb_reply_hex(gdb, regs, sizeof(regs));
	else
		result(gdb, r);
	return true;
}

static bool
cmd_write_registers(struct gdb *gdb, const char *args)
{
	uint8_t regs[GDB_REGS_BYTES];

	result(gdb, from_hex(args, regs, sizeof(regs)) ? gdb_regs_write(gdb, regs) : -EINVAL);
	return true;
}

static bool
cmd_read_register(struct gdb *gdb, const char *args)
{
	uint8_t regs[GDB_REGS_BYTES];
	size_t offset, n = gdb_reg_place((unsigned)strtoul(args, NULL, 16), &offset);

	if (n == 0 || gdb_regs_read(gdb, regs) != 0)
		gdb_reply(gdb, "E01");
	else
		gdb_reply_hex(gdb, regs + offset, n);
	return true;
}

static bool
cmd_write_register(struct gdb *gdb, const char *args)
{
	uint8_t regs[GDB_REGS_BYTES];
	char *end;
	size_t offset, n = gdb_reg_place((unsigned)strtoul(args, &end, 16), &offset);
	int r = n == 0 || *end != '=' ? -EINVAL : gdb_regs_read(gdb, regs);

	if (r == 0 && !from_hex(end + 1, regs + offset, n))
		r = -EINVAL;
	result(gdb, r == 0 ? gdb_regs_write(gdb, regs) : r);
	return true;
}

static bool
cmd_read_memory(struct gdb *gdb, const char *args)
{
	uint8_t buf[CHUNK];
	uint64_t addr, len;

	if (parse_range(args, &addr, &len) == NULL || len > sizeof(buf) ||
	    gdb_mem_read(gdb, addr, buf, len) != 0)
		gdb_reply(gdb, "E0e");
	else
		gdb_reply_hex(gdb, buf, len);
	return true;
}

static bool
cmd_write_memory(struct gdb *gdb, const char *args)
{
	uint8_t buf[CHUNK];
	uint64_t addr, len;
	const char *data = parse_range(args, &addr, &len);

	if (data == NULL || *data != ':' || len > sizeof(buf) || !from_hex(data + 1, buf, len))
		result(gdb, -EINVAL);
	else
		result(gdb, gdb_mem_write(gdb, addr, buf, len));
	return true;
}

static bool
cmd_continue(struct gdb *gdb, const char *args)
{
	(void)args;
	if (gdb_resume(gdb, false, false) == 0)
		return false;
	gdb_reply(gdb, "E05");
	return true;
}

static bool
cmd_step(struct gdb *gdb, const char *args)
{
	(void)args;
	if (gdb_resume(gdb, true, false) == 0)
		return false;
	gdb_reply(gdb, "E05");
	return true;
}

/* "Z0,ADDR,KIND" and "z...". */
static bool
cmd_breakpoint(struct gdb *gdb, const char *args, bool set)
{
	int type = args[0] - '0';
	uint64_t addr, len;

	if (type < 0 || type > 4 || args[1] != ',')
		return true; /* not supported: an empty answer */
	if (parse_range(args + 2, &addr, &len) == NULL)
		result(gdb, -EINVAL);
	else
		result(gdb, set ? gdb_break_set(gdb, type, addr, len)
				: gdb_break_clear(gdb, type, addr));
	return true;
}

static bool
cmd_set_breakpoint(struct gdb *gdb, const char *args)
{
	return cmd_breakpoint(gdb, args, true);
}

static bool
cmd_clear_breakpoint(struct gdb *gdb, const char *args)
{
	return cmd_breakpoint(gdb, args, false);
}

static bool
cmd_why(struct gdb *gdb, const char *args)
{
	(void)args;
	gdb_stop_reply(gdb, SIGNAL_TRAP);
	return true;
}

static bool
cmd_detach(struct gdb *gdb, const char *args)
{
	(void)args;
	gdb_detach(gdb);
	gdb_reply(gdb, "OK");
	return true;
}

static bool
cmd_ok(struct gdb *gdb, const char *args)
{
	(void)args;
	gdb_reply(gdb, "OK");
	return true;
}

static bool
cmd_kill(struct gdb *gdb, const char *args)
{
	(void)args;
	atomic_store(&gdb->vm->stop, true);
	vcpu_resume(gdb->vm);
	return false;
}

static bool
cmd_query(struct gdb *gdb, const char *args)
{
	if (strncmp(args, "Supported", 9) == 0)
		gdb_reply(gdb, "PacketSize=%x;QStartNoAckMode+;swbreak+;hwbreak+;vContSupported+",
			  GDB_PACKET);
	else if (strcmp(args, "Attached") == 0)
		gdb_reply(gdb, "1");
	else if (strcmp(args, "C") == 0)
		gdb_reply(gdb, "QC1");
	else if (strcmp(args, "fThreadInfo") == 0)
		gdb_reply(gdb, "m1");
	else if (strcmp(args, "sThreadInfo") == 0)
		gdb_reply(gdb, "l");
	return true;
}

static bool
cmd_set(struct gdb *gdb, const char *args)
{
	if (strcmp(args, "StartNoAckMode") == 0) {
		gdb->no_ack = true;
		gdb_reply(gdb, "OK");
	}
	return true;
}

static bool
cmd_verbose(struct gdb *gdb, const char *args)
{
	if (strcmp(args, "Cont?") == 0) {
		gdb_reply(gdb, "vCont;c;C;s;S");
		return true;
	}
	if (strncmp(args, "Cont;", 5) == 0)
		return args[5] == 's' || args[5] == 'S' ? cmd_step(gdb, args)
							: cmd_continue(gdb, args);
	return true;
}

bool
gdb_command(struct gdb *gdb, const char *packet, size_t len)
{
	static const struct {
		char name;
		bool (*run)(struct gdb *, const char *args);
	} commands[] = {
	    {'?', cmd_why},
	    {'g', cmd_read_registers},
	    {'G', cmd_write_registers},
	    {'p', cmd_read_register},
	    {'P', cmd_write_register},
	    {'m', cmd_read_memory},
	    {'M', cmd_write_memory},
	    {'c', cmd_continue},
	    {'s', cmd_step},
	    {'Z', cmd_set_breakpoint},
	    {'z', cmd_clear_breakpoint},
	    {'H', cmd_ok},
	    {'T', cmd_ok},
	    {'D', cmd_detach},
	    {'k', cmd_kill},
	    {'q', cmd_query},
	    {'Q', cmd_set},
	    {'v', cmd_verbose},
	};

	gdb->reply_len = 0;
	if (len == 0 || gdb->running)
		return len == 0;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].name == packet[0])
			return commands[i].run(gdb, packet + 1);
	return true; /* an empty answer: not supported */
}

/* The debug register that DR6 speaks of, NULL if none. */
static const struct gdb_hw_breakpoint *
hit(const struct gdb *gdb, uint64_t dr6)
{
	for (size_t i = 0; i < GDB_HW_BREAKPOINTS; i++)
		if ((dr6 & 1ull << i) != 0 && gdb->hard[i].used)
			return &gdb->hard[i];
	return NULL;
}

void
gdb_stop_reply(struct gdb *gdb, int signal)
{
	const struct kvm_debug_exit_arch *d = &gdb->vm->run->debug.arch;
	const struct gdb_hw_breakpoint *b = hit(gdb, d->dr6);

	gdb->reply_len = 0;
	if (signal != 0)
		gdb_reply(gdb, "T%02xthread:1;", (unsigned)signal);
	else if (d->exception == EXCEPTION_BP || (b != NULL && b->as_soft))
		gdb_reply(gdb, "T05thread:1;swbreak:;");
	else if (b != NULL && b->type != 0)
		gdb_reply(gdb, "T05thread:1;%s:%llx;", b->type == 1 ? "watch" : "awatch",
			  (unsigned long long)b->addr);
	else if (b != NULL)
		gdb_reply(gdb, "T05thread:1;hwbreak:;");
	else
		gdb_reply(gdb, "T05thread:1;");
}

void
gdb_detach(struct gdb *gdb)
{
	struct kvm_guest_debug none = {0};

	gdb_break_clear_all(gdb);
	ioctl(gdb->vm->vcpu_fd, KVM_SET_GUEST_DEBUG, &none);
	gdb->running = true;
	vcpu_resume(gdb->vm);
}
