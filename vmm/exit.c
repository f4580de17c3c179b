/* SPDX-License-Identifier: ISC */
/* exit.c: explain an exit that ends the sandbox: reason, instruction, registers. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <errno.h>

#include "vm.h"

static void
print_registers(struct vm *vm, const struct kvm_regs *r, const struct kvm_sregs *s)
{
	console_printf(vm->console,
		       "  rax %016llx rbx %016llx rcx %016llx rdx %016llx\n"
		       "  rsi %016llx rdi %016llx rbp %016llx rsp %016llx\n"
		       "  r8  %016llx r9  %016llx r10 %016llx r11 %016llx\n"
		       "  r12 %016llx r13 %016llx r14 %016llx r15 %016llx\n",
		       r->rax, r->rbx, r->rcx, r->rdx, r->rsi, r->rdi, r->rbp, r->rsp, r->r8, r->r9,
		       r->r10, r->r11, r->r12, r->r13, r->r14, r->r15);
	console_printf(
	    vm->console,
	    "  rflags %llx cs %04x ss %04x cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx\n"
	    "  idt %llx/%x gdt %llx/%x\n",
	    r->rflags, s->cs.selector, s->ss.selector, s->cr0, s->cr2, s->cr3, s->cr4, s->efer,
	    s->idt.base, s->idt.limit, s->gdt.base, s->gdt.limit);
}

static bool
is_reset(const struct kvm_regs *r, const struct kvm_sregs *s)
{
	return r->rip == 0xfff0 && s->cs.selector == 0xf000;
}

void
state_report(struct vm *vm, char *at, size_t size)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	snprintf(at, size, "an unknown place");
	memset(&regs, 0, sizeof(regs));
	memset(&sregs, 0, sizeof(sregs));
	if (ioctl(vm->vcpu_fd, KVM_GET_REGS, &regs) < 0 ||
	    ioctl(vm->vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return;
	symbols_format(&vm->kernel.symbols, regs.rip, at, size);
	console_show_kept(vm->console);
	console_printf(vm->console, "guest state at %s\n", at);
	if (is_reset(&regs, &sregs))
		console_printf(
		    vm->console,
		    "  (this CPU resets itself at a triple fault: what it did is lost)\n");
	print_registers(vm, &regs, &sregs);
	trace_report(vm->console, vm->mem.shared, vm->tsc_khz, 32);
}

void
exit_report(struct vm *vm, const char *type, const char *fmt, ...)
{
	struct tine_error error;
	char why[256], at[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	state_report(vm, at, sizeof(at));
	tine_error_set(&error, EIO, type, "%s, at %s", why, at);
	vm_end_set(vm, VM_FAILED, 0, &error);
}
