/* SPDX-License-Identifier: ISC */
/* vcpu.c: the vCPU thread: run the guest, dispatch its exits, stop on request. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail.h"
#include "vm.h"

/* Sent to the vCPU thread only to interrupt KVM_RUN; the work is done by the flags it then reads.
 */
#define KICK_SIGNAL SIGRTMIN

static void
on_kick(int sig)
{
	(void)sig;
}

void
vcpu_prepare_kick(void)
{
	struct sigaction sa = {.sa_handler = on_kick};

	sigemptyset(&sa.sa_mask);
	sigaction(KICK_SIGNAL, &sa, NULL);
}

/* Everything else belongs to the I/O thread. */
static void
block_signals(void)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, KICK_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
}

static void
exit_io(struct vm *vm)
{
	const struct kvm_run *run = vm->run;
	uint32_t value;

	if (run->io.direction != KVM_EXIT_IO_OUT || run->io.size != 4 || run->io.count != 1 ||
	    (run->io.port != TINE_PORT_HYPERCALL && run->io.port != TINE_PORT_DOORBELL)) {
		exit_report(vm, "guest-io", "%s of %u x %u bytes at port %#x, which does not exist",
			    run->io.direction == KVM_EXIT_IO_OUT ? "write" : "read", run->io.count,
			    run->io.size, run->io.port);
		return;
	}
	memcpy(&value, (const uint8_t *)run + run->io.data_offset, sizeof(value));
	if (run->io.port == TINE_PORT_HYPERCALL)
		hypercall_serve(vm, value);
	else if (write(vm->doorbell_fd, &(uint64_t){1}, sizeof(uint64_t)) < 0)
		return; /* already rung: the counter is full */
}

static void
exit_mmio(struct vm *vm)
{
	exit_report(vm, "guest-memory", "%s of %u bytes at guest-physical %#llx, where there is %s",
		    vm->run->mmio.is_write ? "write" : "read", vm->run->mmio.len,
		    (unsigned long long)vm->run->mmio.phys_addr,
		    mem_at_any(&vm->mem, vm->run->mmio.phys_addr, 1) != NULL ? "read-only memory"
									     : "none");
}

static void
exit_shutdown(struct vm *vm)
{
	exit_report(vm, "guest-triple-fault",
		    "triple fault: an exception came up while the guest kernel could not take one");
}

static void
exit_fail_entry(struct vm *vm)
{
	exit_report(vm, "vm-entry-failed",
		    "the CPU refused to enter the guest: hardware reason %#llx on CPU %u",
		    (unsigned long long)vm->run->fail_entry.hardware_entry_failure_reason,
		    vm->run->fail_entry.cpu);
}

static void
exit_internal_error(struct vm *vm)
{
	static const char *const names[] = {"", "instruction emulation failed",
					    "unexpected exit during event delivery",
					    "event delivery failed", "unexpected exit reason"};
	uint32_t sub = vm->run->internal.suberror;

	exit_report(
	    vm, "kvm-internal-error", "KVM internal error %u (%s), data %#llx %#llx", sub,
	    sub < sizeof(names) / sizeof(names[0]) ? names[sub] : "?",
	    (unsigned long long)(vm->run->internal.ndata > 0 ? vm->run->internal.data[0] : 0),
	    (unsigned long long)(vm->run->internal.ndata > 1 ? vm->run->internal.data[1] : 0));
}

static void
exit_debug(struct vm *vm)
{
	/* The debugger finds the vCPU parked at the top of the loop. */
	pthread_mutex_lock(&vm->pause.lock);
	vm->pause.wanted = true;
	pthread_mutex_unlock(&vm->pause.lock);
}

static void
exit_nothing(struct vm *vm)
{
	(void)vm;
}

static void (*const exit_handlers[])(struct vm *) = {
    [KVM_EXIT_IO] = exit_io,
    [KVM_EXIT_DEBUG] = exit_debug,
    [KVM_EXIT_MMIO] = exit_mmio,
    [KVM_EXIT_IRQ_WINDOW_OPEN] = exit_nothing,
    [KVM_EXIT_SHUTDOWN] = exit_shutdown,
    [KVM_EXIT_FAIL_ENTRY] = exit_fail_entry,
    [KVM_EXIT_INTR] = exit_nothing,
    [KVM_EXIT_INTERNAL_ERROR] = exit_internal_error,
    [KVM_EXIT_IOAPIC_EOI] = exit_nothing,
};

static void
dispatch(struct vm *vm)
{
	uint32_t reason = vm->run->exit_reason;

	if (reason < sizeof(exit_handlers) / sizeof(exit_handlers[0]) &&
	    exit_handlers[reason] != NULL)
		exit_handlers[reason](vm);
	else
		exit_report(vm, "unknown-exit", "KVM exit %u, which this program does not know",
			    reason);
}

/* Stand still while the debugger wants it. */
static void
park(struct vm *vm)
{
	struct vm_pause *p = &vm->pause;

	pthread_mutex_lock(&p->lock);
	while (p->wanted && !atomic_load(&vm->stop)) {
		bool first = !p->parked;

		p->parked = true;
		if (!first) {
			pthread_cond_wait(&p->changed, &p->lock);
		} else if (!p->awaited) {
			if (write(p->notify_fd, &(uint64_t){1}, sizeof(uint64_t)) < 0)
				abort(); /* an eventfd this far from its maximum */
		} else {
			/* Whoever is woken may run at once, and must not find the lock taken. */
			pthread_mutex_unlock(&p->lock);
			pthread_cond_broadcast(&p->changed);
			pthread_mutex_lock(&p->lock);
		}
	}
	p->parked = false;
	pthread_mutex_unlock(&p->lock);
}

/* Nobody must wait for a vCPU that has ended. */
static void
stand_still_for_good(struct vm *vm)
{
	pthread_mutex_lock(&vm->pause.lock);
	vm->pause.parked = true;
	pthread_cond_broadcast(&vm->pause.changed);
	pthread_mutex_unlock(&vm->pause.lock);
}

static void
run_once(struct vm *vm)
{
	if (ioctl(vm->vcpu_fd, KVM_RUN, 0) == 0) {
		dispatch(vm);
		return;
	}
	if (errno == EINTR) {
		/* The flags that come with a kick are looked at by the loop. */
		atomic_store_explicit((_Atomic uint8_t *)&vm->run->immediate_exit, 0,
				      memory_order_relaxed);
		park(vm);
		vm_reset_serve(vm);
	} else if (errno == EFAULT) {
		exit_report(
		    vm, "host-memory",
		    "KVM could not reach the memory behind the guest (out of memory, or the root "
		    "image file was truncated)");
	} else if (errno != EAGAIN) {
		exit_report(vm, "kvm-failed", "KVM_RUN: %s", strerror(errno));
	}
}

/* Here and not in the I/O thread, which would have to make this one wait. */
static bool
confine(struct vm *vm)
{
	if (!vm->jailed || jail_threads(vm->filter, &vm->end.error) == 0)
		return true;
	vm_end_set(vm, VM_FAILED, 0, NULL);
	return false;
}

void *
vcpu_main(void *arg)
{
	struct vm *vm = arg;

	block_signals();
	atomic_store(&vm->vcpu_tid, gettid());
	if (confine(vm))
		park(vm);
	while (vm->end.kind == VM_RUNNING && !atomic_load(&vm->stop)) {
		run_once(vm);
		if (vm->run->exit_reason == KVM_EXIT_DEBUG)
			park(vm);
	}
	if (vm->end.kind == VM_RUNNING && vm->report_stop) {
		char at[128];

		state_report(vm, at, sizeof(at));
	}
	vm_end_set(vm, VM_STOPPED, 0, NULL);
	stand_still_for_good(vm);
	if (write(vm->stopped_fd, &(uint64_t){1}, sizeof(uint64_t)) < 0)
		abort();
	return NULL;
}

void
vcpu_kick(struct vm *vm)
{
	pid_t tid = atomic_load(&vm->vcpu_tid);

	/* immediate_exit closes the window between the thread's look at its flags and KVM_RUN; and
	 * the one before it has a number.  (pthread_kill() takes five system calls.) */
	atomic_store((_Atomic uint8_t *)&vm->run->immediate_exit, 1);
	if (tid != 0)
		syscall(SYS_tgkill, getpid(), tid, KICK_SIGNAL);
}

void
vcpu_stop_here(struct vm *vm)
{
	pthread_mutex_lock(&vm->pause.lock);
	vm->pause.wanted = true;
	pthread_mutex_unlock(&vm->pause.lock);
	/* KVM_RUN first finishes the instruction of the exit, then returns at once. */
	atomic_store((_Atomic uint8_t *)&vm->run->immediate_exit, 1);
}

void
vcpu_pause(struct vm *vm)
{
	struct vm_pause *p = &vm->pause;

	pthread_mutex_lock(&p->lock);
	p->wanted = p->awaited = true;
	vcpu_kick(vm);
	while (!p->parked)
		pthread_cond_wait(&p->changed, &p->lock);
	p->awaited = false;
	pthread_mutex_unlock(&p->lock);
}

void
vcpu_resume(struct vm *vm)
{
	struct vm_pause *p = &vm->pause;

	pthread_mutex_lock(&p->lock);
	p->wanted = false;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}
