/* SPDX-License-Identifier: ISC */
/* hypercall.c: serve the guest kernel's synchronous requests; every argument is hostile. */
#include <errno.h>
#include <string.h>

#include "abi/hypercall.h"
#include "phases.h"
#include "vm.h"

#define CONSOLE_MAX 4096u

static int32_t
hc_console(struct vm *vm, const struct tine_hypercall *hc)
{
	char text[CONSOLE_MAX];

	if (hc->arg[1] > CONSOLE_MAX)
		return -EMSGSIZE;
	if (hc->arg[1] == 0)
		return 0;
	if (mem_read(&vm->mem, hc->arg[0], text, hc->arg[1]) != 0)
		return -EFAULT;
	console_log(vm->console, text, hc->arg[1]);
	return 0;
}

static int32_t
hc_panic(struct vm *vm, const struct tine_hypercall *hc)
{
	struct tine_panic panic;
	struct tine_error error;

	if (mem_read(&vm->mem, hc->arg[0], &panic, sizeof(panic)) == 0) {
		panic_report(vm, &panic, &error);
		vm_end_set(vm, VM_PANICKED, 0, &error);
	} else {
		exit_report(vm, "guest-panic", "the guest kernel panicked and left no report");
	}
	return 0;
}

static int32_t
hc_halt(struct vm *vm, const struct tine_hypercall *hc)
{
	struct tine_error error;
	char line[256];

	if (hc->arg[0] == TINE_HALT_BOOT) {
		console_last_line(vm->console, line, sizeof(line));
		tine_error_set(&error, EIO, "guest-boot", "the guest kernel refused to boot: %s",
			       line);
		vm_end_set(vm, VM_FAILED, 0, &error);
	} else {
		vm_end_set(vm, VM_HALTED, (uint32_t)hc->arg[0], NULL);
	}
	return 0;
}

static int32_t
hc_ready(struct vm *vm, const struct tine_hypercall *hc)
{
	(void)hc;
	if (atomic_exchange(&vm->freeze, false))
		vcpu_stop_here(vm);
	atomic_store(&vm->ready_ns, monotonic_ns());
	return 0;
}

static int32_t
hc_discard(struct vm *vm, const struct tine_hypercall *hc)
{
	return (int32_t)mem_discard(&vm->mem, hc->arg[0], hc->arg[1]);
}

static int32_t (*const handlers[])(struct vm *, const struct tine_hypercall *) = {
    [TINE_HC_CONSOLE] = hc_console, [TINE_HC_PANIC] = hc_panic,     [TINE_HC_HALT] = hc_halt,
    [TINE_HC_READY] = hc_ready,     [TINE_HC_DISCARD] = hc_discard,
};

void
hypercall_serve(struct vm *vm, gpa_t gpa)
{
	struct tine_hypercall hc;

	if ((gpa & 7) != 0 || mem_read(&vm->mem, gpa, &hc, sizeof(hc)) != 0) {
		exit_report(vm, "guest-protocol", "hypercall at bad address %#llx",
			    (unsigned long long)gpa);
		return;
	}
	hc.ret = 0;
	if (hc.nr < sizeof(handlers) / sizeof(handlers[0]) && handlers[hc.nr] != NULL)
		hc.status = handlers[hc.nr](vm, &hc);
	else
		hc.status = -ENOSYS;
	/* The address has been checked above; the guest owns what it finds there. */
	(void)mem_write(&vm->mem, gpa, &hc, sizeof(hc));
	mem_note_write(&vm->mem, gpa, sizeof(hc));
}
