/* SPDX-License-Identifier: ISC */
/*
 * gdb.h: remote debugging of the guest kernel (GDB's remote serial protocol).
 *
 * The stub runs in the I/O thread.  It touches the vCPU only while that stands still: parked at
 * start, by a breakpoint, or by vcpu_pause().
 */
#ifndef TINE_VMM_GDB_H
#define TINE_VMM_GDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evloop.h"

struct tine_error;
struct vm;

#define GDB_PACKET 4096u /* bytes of a packet's content, at most */
#define GDB_BREAKPOINTS 64u
#define GDB_HW_BREAKPOINTS 4u

struct gdb_breakpoint {
	uint64_t addr;
	uint8_t saved; /* byte under the int3 */
	bool used;
};

struct gdb_hw_breakpoint {
	uint64_t addr;
	uint8_t type, len; /* as in DR7 */
	bool used;
	bool as_soft; /* the debugger asked for a software breakpoint */
};

struct gdb {
	struct vm *vm;
	struct evloop *loop;
	struct source listener, connection, parked;
	bool running; /* the guest runs; the debugger waits for a stop */
	bool no_ack;
	bool block_irqs; /* KVM can keep interrupts away from a single step */
	struct gdb_breakpoint soft[GDB_BREAKPOINTS];
	struct gdb_hw_breakpoint hard[GDB_HW_BREAKPOINTS];
	char in[2 * GDB_PACKET]; /* received, not yet understood */
	size_t in_len;
	char reply[2 * GDB_PACKET + 8];
	size_t reply_len;
};

/* unix:PATH or [127.0.0.1:]PORT; 0 or -EINVAL (bad-gdb-address). */
int gdb_address_check(const char *address, struct tine_error *error);
/* Listen.  The VM was made with vm_options.debug: its vCPU waits for the debugger. */
int gdb_open(struct gdb *gdb, struct vm *vm, struct evloop *loop, const char *address,
	     struct tine_error *error);

/* gdb_socket.c: a listening socket, or -errno. */
int gdb_listen(const char *address, struct tine_error *error);

/* gdb_command.c: execute one packet; the answer goes to gdb->reply.  False: no answer is due now
 * (the guest has been set running). */
bool gdb_command(struct gdb *gdb, const char *packet, size_t len);
/* Why the guest stands still; signal 0 = look at the exit. */
void gdb_stop_reply(struct gdb *gdb, int signal);
/* Let the guest go without breakpoints. */
void gdb_detach(struct gdb *gdb);
void gdb_reply(struct gdb *gdb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void gdb_reply_hex(struct gdb *gdb, const void *data, size_t len);

/* gdb_target.c: registers, memory and breakpoints of the vCPU that stands still; 0 or -errno. */
#define GDB_REGS 24u /* rax .. r15, rip (8 bytes each), eflags, cs, ss, ds, es, fs, gs (4 each) */
#define GDB_REGS_BYTES (17u * 8 + 7u * 4)
int gdb_regs_read(const struct gdb *gdb, uint8_t out[GDB_REGS_BYTES]);
int gdb_regs_write(const struct gdb *gdb, const uint8_t in[GDB_REGS_BYTES]);
/* Place of register nr in the block; its size, 0 if there is none. */
size_t gdb_reg_place(unsigned nr, size_t *offset);
int gdb_mem_read(const struct gdb *gdb, uint64_t addr, void *buf, size_t len);
int gdb_mem_write(const struct gdb *gdb, uint64_t addr, const void *buf, size_t len);
int gdb_break_set(struct gdb *gdb, int type, uint64_t addr, size_t len);
int gdb_break_clear(struct gdb *gdb, int type, uint64_t addr);
void gdb_break_clear_all(struct gdb *gdb);
bool gdb_break_is_ours(const struct gdb *gdb, uint64_t addr);
/* Resume; inject: the int3 that was met is the guest's own. */
int gdb_resume(struct gdb *gdb, bool step, bool inject);

#endif
