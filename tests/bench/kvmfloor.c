/* SPDX-License-Identifier: ISC */
/*
 * kvmfloor.c: what KVM itself asks for the smallest VM: create it, a vCPU and one memory slot, run
 * to the first exit, and take it down.  The floor under every figure of starting a sandbox.
 *
 * usage: kvmfloor [ROUNDS]; prints one JSON object with the medians in nanoseconds
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "measure.h"

#define CODE_GPA 0x1000u

enum { START, VM, VCPU, SLOT, EXIT, CLOSED, NSTEPS };

/* Real mode, hlt at CODE_GPA. */
static void
run_to_exit(int vcpu, const struct kvm_run *run)
{
	struct kvm_regs regs = {.rip = CODE_GPA, .rflags = 2};
	struct kvm_sregs sregs;

	need(ioctl(vcpu, KVM_GET_SREGS, &sregs) == 0, "KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	need(ioctl(vcpu, KVM_SET_SREGS, &sregs) == 0, "KVM_SET_SREGS");
	need(ioctl(vcpu, KVM_SET_REGS, &regs) == 0, "KVM_SET_REGS");
	need(ioctl(vcpu, KVM_RUN, 0) == 0 && run->exit_reason == KVM_EXIT_HLT, "KVM_RUN");
}

static void
one_round(int kvm, uint64_t t[NSTEPS])
{
	size_t run_size = (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), size = 1u << 20;
	struct kvm_userspace_memory_region slot = {.memory_size = size};
	struct kvm_run *run;
	uint8_t *ram;
	int vm, vcpu;

	t[START] = now();
	need((vm = ioctl(kvm, KVM_CREATE_VM, 0)) >= 0, "KVM_CREATE_VM");
	t[VM] = now();
	need((vcpu = ioctl(vm, KVM_CREATE_VCPU, 0)) >= 0, "KVM_CREATE_VCPU");
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	t[VCPU] = now();
	ram = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(run != MAP_FAILED && ram != MAP_FAILED, "mmap");
	slot.userspace_addr = (uintptr_t)ram;
	need(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot) == 0, "memory slot");
	t[SLOT] = now();
	ram[CODE_GPA] = 0xf4; /* hlt */
	run_to_exit(vcpu, run);
	t[EXIT] = now();
	munmap(run, run_size);
	close(vcpu);
	close(vm);
	munmap(ram, size);
	t[CLOSED] = now();
}

int
main(int argc, char **argv)
{
	static const char *const names[NSTEPS] = {"floor", "vm", "vcpu", "slot", "exit", "close"};
	static uint64_t v[NSTEPS][ROUNDS_MAX];
	int rounds = argc > 1 ? atoi(argv[1]) : 21, kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	need(kvm >= 0, "/dev/kvm");
	rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
	for (int i = 0; i < rounds; i++) {
		uint64_t t[NSTEPS];

		one_round(kvm, t);
		v[0][i] = t[EXIT] - t[START];
		for (int s = 1; s < NSTEPS; s++)
			v[s][i] = t[s] - t[s - 1];
	}
	printf("{");
	for (int s = 0; s < NSTEPS; s++)
		printf("%s\"%s\": %llu", s > 0 ? ", " : "", names[s],
		       (unsigned long long)median(v[s], (size_t)rounds));
	printf("}\n");
	return 0;
}
