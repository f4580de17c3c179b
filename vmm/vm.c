/* SPDX-License-Identifier: ISC */
/* vm.c: make and unmake the KVM objects of a sandbox. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bootblock.h"
#include "cpu_x86_64.h"
#include "phases.h"
#include "template.h"
#include "vm.h"

#define MSI_ADDRESS 0xfee00000u /* physical destination, APIC id 0 */
#define IOAPIC_PINS 24u
/* Ample, but not the 8 MiB that it would have else: to change the protection of that much, as the C
 * library does for the page that guards it, takes the kernel 8 000 instructions more. */
#define VCPU_STACK ((size_t)256 << 10)

static int
kvm_failed(struct tine_error *error, const char *what)
{
	return tine_error_set(error, errno, "kvm-failed", "%s: %s", what, strerror(errno));
}

static int
create_vm(struct vm *vm, struct tine_error *error)
{
	struct kvm_enable_cap split = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {IOAPIC_PINS}};
	struct kvm_enable_cap keep_log = {.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
					  .args = {KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE}};

	if (vm->kvm_fd < 0)
		vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0)
		return kvm_failed(error, "/dev/kvm");
	/* KVM_CREATE_VM returns EINTR when a signal comes at the wrong moment. */
	do
		vm->vm_fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
	while (vm->vm_fd < 0 && errno == EINTR);
	if (vm->vm_fd < 0)
		return kvm_failed(error, "KVM_CREATE_VM");
	/* Reading the log of written pages leaves it as it is (reset.c). */
	if (ioctl(vm->vm_fd, KVM_ENABLE_CAP, &keep_log) < 0)
		return kvm_failed(error, "KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2");
	/* Only the local APIC in the kernel: there is no PIC, no I/O APIC and no PIT to attack. */
	if (ioctl(vm->vm_fd, KVM_ENABLE_CAP, &split) < 0)
		return kvm_failed(error, "KVM_CAP_SPLIT_IRQCHIP");
	return 0;
}

static int
create_vcpu(struct vm *vm, struct tine_error *error)
{
	int size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	void *p;

	vm->vcpu_fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU, 0);
	if (size < (int)sizeof(*vm->run) || vm->vcpu_fd < 0)
		return kvm_failed(error, "KVM_CREATE_VCPU");
	p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu_fd, 0);
	if (p == MAP_FAILED)
		return kvm_failed(error, "mapping the vCPU's run area");
	vm->run = p;
	vm->run_size = (size_t)size;
	return cpu_set_cpuid(vm->kvm_fd, vm->vcpu_fd, error);
}

static int
create_events(struct vm *vm, struct tine_error *error)
{
	struct kvm_ioeventfd bell = {
	    .addr = TINE_PORT_DOORBELL,
	    .len = 4,
	    .flags = KVM_IOEVENTFD_FLAG_PIO,
	};

	vm->doorbell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vm->stopped_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vm->pause.notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vm->doorbell_fd < 0 || vm->stopped_fd < 0 || vm->pause.notify_fd < 0)
		return tine_error_set(error, errno, "no-files", "eventfd: %s", strerror(errno));
	bell.fd = vm->doorbell_fd;
	if (ioctl(vm->vm_fd, KVM_IOEVENTFD, &bell) < 0)
		return kvm_failed(error, "KVM_IOEVENTFD");
	return 0;
}

static int
load_guest(struct vm *vm, const struct vm_options *options, struct tine_error *error)
{
	int khz, r;

	r = kernel_load(&vm->kernel, options->kernel, &vm->mem, error);
	if (r != 0)
		return r;
	khz = ioctl(vm->vcpu_fd, KVM_GET_TSC_KHZ, 0);
	vm->tsc_khz = khz > 0 ? (uint64_t)khz : 0;
	r = cpu_write_boot_tables(&vm->mem, error);
	if (r == 0)
		r = bootblock_write(vm, options, error);
	if (r == 0)
		r = cpu_set_entry(vm->vcpu_fd, vm->kernel.entry, error);
	return r;
}

static void
init_empty(struct vm *vm, const struct vm_options *options)
{
	memset(vm, 0, sizeof(*vm));
	vm->kvm_fd = vm->vm_fd = vm->vcpu_fd = vm->symbols_fd = -1;
	vm->doorbell_fd = vm->stopped_fd = vm->pause.notify_fd = -1;
	vm->mem.shared_fd = vm->mem.rootfs_fd = vm->kernel.file.fd = -1;
	vm->console = options->console;
	vm->jailed = options->jailed;
	vm->filter = options->alone         ? JAIL_FILTER_RUN
		     : options->from_zygote ? JAIL_FILTER_CHILD
					    : JAIL_FILTER_SERVED;
	pthread_mutex_init(&vm->pause.lock, NULL);
	pthread_cond_init(&vm->pause.changed, NULL);
	vm->pause.wanted = options->debug;
}

int
vm_prepare(struct vm *vm, const struct vm_options *options, struct tine_error *error)
{
	int r;

	init_empty(vm, options);
	if (options->kvm_fd > 0)
		vm->kvm_fd = options->kvm_fd;
	if (options->symbols_fd != 0)
		vm->symbols_fd = options->symbols_fd;
	else if (options->kernel == NULL)
		vm->symbols_fd = kernel_open();
	r = create_vm(vm, error);
	if (r == 0)
		r = create_vcpu(vm, error);
	if (r == 0)
		r = create_events(vm, error);
	if (r != 0)
		vm_destroy(vm);
	phase_end(START_KVM);
	return r;
}

/* Memory after the vCPU: the order does not matter to KVM. */
static int
boot(struct vm *vm, const struct vm_options *options, struct tine_error *error)
{
	int fd = options->template_fd > 0 ? options->template_fd : -1;
	int r = mem_create(&vm->mem, options->memory_bytes, fd, TEMPLATE_DATA, error);

	if (r == 0 && options->rootfs_fd >= 0)
		r = mem_attach_rootfs(&vm->mem, options->rootfs_fd, 0, options->rootfs_size, error);
	if (r == 0)
		r = mem_register(&vm->mem, vm->vm_fd, error);
	if (r == 0)
		r = load_guest(vm, options, error);
	phase_end(START_MEMORY);
	return r;
}

int
vm_create(struct vm *vm, const struct vm_options *options, struct tine_error *error)
{
	int r = vm_prepare(vm, options, error);

	if (r != 0)
		return r;
	r = boot(vm, options, error);
	if (r != 0)
		vm_destroy(vm);
	return r;
}

int
vm_thread_create(pthread_t *thread, void *(*body)(void *), void *arg)
{
	pthread_attr_t attr;
	int r;

	pthread_attr_init(&attr);
	r = pthread_attr_setstacksize(&attr, VCPU_STACK);
	if (r == 0)
		r = pthread_create(thread, &attr, body, arg);
	pthread_attr_destroy(&attr);
	return r;
}

int
vm_start(struct vm *vm, struct tine_error *error)
{
	int r;

	if (vm->filter != JAIL_FILTER_CHILD) /* it has inherited that */
		vcpu_prepare_kick();
	r = vm_thread_create(&vm->vcpu_thread, vcpu_main, vm);
	if (r != 0)
		return tine_error_set(error, r, "no-thread", "cannot start the vCPU thread: %s",
				      strerror(r));
	vm->vcpu_started = true;
	return 0;
}

void
vm_stop(struct vm *vm)
{
	if (!vm->vcpu_started)
		return;
	atomic_store(&vm->stop, true);
	vcpu_resume(vm); /* a parked vCPU must see it too */
	vcpu_kick(vm);
	pthread_join(vm->vcpu_thread, NULL);
	vm->vcpu_started = false;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
vm_destroy(struct vm *vm)
{
	vm_stop(vm);
	if (vm->run != NULL)
		munmap(vm->run, vm->run_size);
	vm->run = NULL;
	close_fd(&vm->vcpu_fd);
	close_fd(&vm->vm_fd);
	close_fd(&vm->kvm_fd);
	close_fd(&vm->doorbell_fd);
	close_fd(&vm->stopped_fd);
	close_fd(&vm->pause.notify_fd);
	close_fd(&vm->symbols_fd);
	vm_reset_free(vm);
	if (vm->kernel.file.elf != NULL)
		kernel_unload(&vm->kernel);
	mem_destroy(&vm->mem);
}

int
vm_interrupt(const struct vm *vm)
{
	struct kvm_msi msi = {.address_lo = MSI_ADDRESS, .data = TINE_VECTOR_CHANNEL};

	/* 0 means that the guest has blocked it (APIC not enabled yet): it will look by itself. */
	return ioctl(vm->vm_fd, KVM_SIGNAL_MSI, &msi) < 0 ? -errno : 0;
}

void
vm_end_set(struct vm *vm, enum vm_end_kind kind, uint32_t arg, const struct tine_error *error)
{
	if (vm->end.kind != VM_RUNNING)
		return;
	vm->end.kind = kind;
	vm->end.arg = arg;
	if (error != NULL)
		vm->end.error = *error;
}
