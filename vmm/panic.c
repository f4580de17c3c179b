/* SPDX-License-Identifier: ISC */
/* panic.c: the report of a guest kernel that died by its own decision, and the trace ring. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/hypercall.h"
#include "abi/trace.h"
#include "vm.h"

/* Make text of the guest's printable; it may lack its NUL. */
static void
clean(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

static void
print_panic_registers(struct console *c, const struct tine_panic *p)
{
#define ULL(field) ((unsigned long long)p->field)
	console_printf(c,
		       "  rax %016llx rbx %016llx rcx %016llx rdx %016llx\n"
		       "  rsi %016llx rdi %016llx rbp %016llx rsp %016llx\n"
		       "  r8  %016llx r9  %016llx r10 %016llx r11 %016llx\n"
		       "  r12 %016llx r13 %016llx r14 %016llx r15 %016llx\n",
		       ULL(rax), ULL(rbx), ULL(rcx), ULL(rdx), ULL(rsi), ULL(rdi), ULL(rbp),
		       ULL(rsp), ULL(r8), ULL(r9), ULL(r10), ULL(r11), ULL(r12), ULL(r13), ULL(r14),
		       ULL(r15));
	console_printf(c, "  rflags %llx cr0 %llx cr2 %llx cr3 %llx cr4 %llx\n", ULL(rflags),
		       ULL(cr0), ULL(cr2), ULL(cr3), ULL(cr4));
#undef ULL
}

static void
print_backtrace(struct vm *vm, const struct tine_panic *p)
{
	uint32_t n = p->nframes < TINE_PANIC_FRAMES ? p->nframes : TINE_PANIC_FRAMES;
	char at[128];

	for (uint32_t i = 0; i < n && p->frames[i] != 0; i++)
		console_printf(vm->console, "  #%-2u %s\n", i,
			       symbols_format(&vm->kernel.symbols, p->frames[i], at, sizeof(at)));
}

void
panic_report(struct vm *vm, struct tine_panic *panic, struct tine_error *error)
{
	char at[128];

	clean(panic->message, sizeof(panic->message));
	clean(panic->comm, sizeof(panic->comm));
	symbols_format(&vm->kernel.symbols, panic->rip, at, sizeof(at));
	console_show_kept(vm->console);
	console_printf(vm->console, "guest kernel panic: %s\n  at %s, process %d (%s) thread %d\n",
		       panic->message, at, panic->pid, panic->comm, panic->tid);
	if (panic->vector != ~0u)
		console_printf(vm->console, "  exception %u, error code %#x\n", panic->vector,
			       panic->error_code);
	print_panic_registers(vm->console, panic);
	print_backtrace(vm, panic);
	trace_report(vm->console, vm->mem.shared, vm->tsc_khz, 64);
	tine_error_set(error, EIO, "guest-panic", "the guest kernel panicked: %s, at %s",
		       panic->message, at);
}

static void
print_trace_entry(struct console *console, const struct tine_trace_entry *e, uint64_t last,
		  uint64_t khz)
{
	static const char *const format[TINE_TRACE_COUNT] = {
#define TRACE_FORMAT(name, text) [TINE_TRACE_##name] = text,
	    TINE_TRACE_EVENTS(TRACE_FORMAT)
#undef TRACE_FORMAT
	};
	double cycles = (double)(int64_t)(e->tsc - last);
	char text[160] = "?";

	if (e->event > TINE_TRACE_NONE && e->event < TINE_TRACE_COUNT)
		snprintf(text, sizeof(text), format[e->event], (unsigned long long)e->a,
			 (unsigned long long)e->b);
	console_printf(console, "  %+12.3f %s pid %-6d %s\n",
		       khz != 0 ? cycles * 1e3 / (double)khz : cycles / 1e6,
		       khz != 0 ? "us" : "million cycles", e->pid, text);
}

void
trace_report(struct console *console, const uint8_t *shared_region, uint64_t khz, unsigned count)
{
	const struct tine_trace *shared = (const void *)(shared_region + TINE_SHARED_TRACE);
	uint64_t next = __atomic_load_n(&shared->next, __ATOMIC_ACQUIRE);
	uint64_t first = next > count ? next - count : 0, last_tsc;
	struct tine_trace_entry e;

	if (next == 0)
		return;
	last_tsc = shared->entry[(next - 1) % TINE_TRACE_ENTRIES].tsc;
	console_printf(console, "last %llu of %llu trace entries, times before the last:\n",
		       (unsigned long long)(next - first), (unsigned long long)next);
	for (uint64_t i = first; i < next; i++) {
		memcpy(&e, &shared->entry[i % TINE_TRACE_ENTRIES], sizeof(e));
		print_trace_entry(console, &e, last_tsc, khz);
	}
}
