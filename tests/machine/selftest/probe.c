/* probe.c: what the tests run inside a machine: a VM, and a count of instructions. */
/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define GUEST_MEMORY 0x10000u
#define GUEST_CODE 0x1000u
#define GUEST_PORT 0xea

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
control(int fd, unsigned long request, unsigned long argument, const char *what)
{
	int result = ioctl(fd, request, argument);

	if (result < 0)
		fail(what);
	return result;
}

/*
 * Runs a real-mode guest that writes page 5, reads page 7 and leaves by port I/O: two or three
 * nested page faults.
 */
static int
run_vm(void)
{
	/* clang-format off */
	static const unsigned char code[] = {
	    0xa2, 0x00, 0x50, /* mov %al, 0x5000 */
	    0xa0, 0x00, 0x70, /* mov 0x7000, %al */
	    0xe6, GUEST_PORT, /* out %al, $port */
	};
	/* clang-format on */
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		fail("/dev/kvm");
	int vm = control(kvm, KVM_CREATE_VM, 0, "KVM_CREATE_VM");
	unsigned char *memory =
	    mmap(NULL, GUEST_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		fail("mmap");
	memcpy(memory + GUEST_CODE, code, sizeof(code));
	memory[0x7000] = 0x5a;
	struct kvm_userspace_memory_region region = {.memory_size = GUEST_MEMORY,
						     .userspace_addr = (unsigned long)memory};
	control(vm, KVM_SET_USER_MEMORY_REGION, (unsigned long)&region,
		"KVM_SET_USER_MEMORY_REGION");
	int cpu = control(vm, KVM_CREATE_VCPU, 0, "KVM_CREATE_VCPU");
	size_t size = (size_t)control(kvm, KVM_GET_VCPU_MMAP_SIZE, 0, "KVM_GET_VCPU_MMAP_SIZE");
	struct kvm_run *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	if (run == MAP_FAILED)
		fail("mmap of the vCPU");

	struct kvm_sregs sregs;
	struct kvm_regs regs = {.rip = GUEST_CODE, .rax = 0x11, .rflags = 2};
	control(cpu, KVM_GET_SREGS, (unsigned long)&sregs, "KVM_GET_SREGS");
	sregs.cs.base = sregs.cs.selector = 0;
	control(cpu, KVM_SET_SREGS, (unsigned long)&sregs, "KVM_SET_SREGS");
	control(cpu, KVM_SET_REGS, (unsigned long)&regs, "KVM_SET_REGS");
	control(cpu, KVM_RUN, 0, "KVM_RUN");
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != GUEST_PORT)
		fail("the guest left in another way than by its port");
	if (memory[0x5000] != 0x11 || *((unsigned char *)run + run->io.data_offset) != 0x5a)
		fail("the guest saw other memory");
	puts("vm: ok");
	return 0;
}

static void
user_work(void)
{
	for (volatile int i = 0; i < 100000; i++)
		continue;
}

static void
kernel_work(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		fail("fork");
}

/*
 * The least that it takes by the time stamp counter, which with the instruction clock counts
 * instructions.
 */
static unsigned long long
least(void (*work)(void))
{
	unsigned long long best = ~0ull;

	for (int i = 0; i < 50; i++) {
		unsigned long long begin = __rdtsc();
		work();
		unsigned long long took = __rdtsc() - begin;
		if (took < best)
			best = took;
	}
	return best;
}

static int
count(void)
{
	unsigned long long user = least(user_work);

	printf("%llu %llu\n", user, least(kernel_work));
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "vm") == 0)
		return run_vm();
	if (argc == 2 && strcmp(argv[1], "count") == 0)
		return count();
	fputs("usage: probe vm|count\n", stderr);
	return 2;
}
