/* SPDX-License-Identifier: ISC */
/* trace.h: ring of kernel events for post-mortem reading; the newest overwrite the oldest. Guest
 * writes, host reads. */
#ifndef TINE_ABI_TRACE_H
#define TINE_ABI_TRACE_H

#include <stddef.h>
#include <stdint.h>

/* X(NAME, "printf-like text for a, b") */
#define TINE_TRACE_EVENTS(X)                                                                       \
	X(SYSCALL, "syscall %llu(%#llx)")                                                          \
	X(SYSRET, "syscall %llu = %lld")                                                           \
	X(FAULT, "page fault at %#llx, error %#llx")                                               \
	X(SWITCH, "switch to pid %llu tid %llu")                                                   \
	X(FORK, "fork: child %llu, flags %#llx")                                                   \
	X(EXEC, "exec: entry %#llx, stack %#llx")                                                  \
	X(EXIT, "exit: pid %llu, status %#llx")                                                    \
	X(SIGNAL, "signal %llu to pid %llu")                                                       \
	X(SLEEP, "sleep on %#llx, deadline %llu")                                                  \
	X(WAKEUP, "wakeup of %#llx, %llu threads")                                                 \
	X(INTR, "interrupt vector %llu, rip %#llx")                                                \
	X(MSG, "host message type %llu, id %llu")                                                  \
	X(PANIC, "panic at %#llx, %llu")

enum tine_trace_event {
	TINE_TRACE_NONE = 0,
#define TINE_TRACE_ENUM(name, text) TINE_TRACE_##name,
	TINE_TRACE_EVENTS(TINE_TRACE_ENUM)
#undef TINE_TRACE_ENUM
	    TINE_TRACE_COUNT
};

struct tine_trace_entry {
	uint64_t tsc;
	uint32_t event;
	int32_t pid;
	uint64_t a, b;
};

#define TINE_TRACE_ENTRIES 8191u

struct tine_trace {
	uint64_t next; /* OUT entries ever written; slot = next % TINE_TRACE_ENTRIES */
	uint64_t pad[3];
	struct tine_trace_entry entry[TINE_TRACE_ENTRIES];
};

_Static_assert(sizeof(struct tine_trace_entry) == 32, "layout");
_Static_assert(sizeof(struct tine_trace) == 0x40000, "TINE_SHARED_TRACE_SIZE");

#endif
