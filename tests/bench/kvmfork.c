/* SPDX-License-Identifier: ISC */
/*
 * kvmfork.c: what the host asks for a copy of so much memory: copying its pages one by one, and
 * fork() of a process that has it, all of it written by a guest of its own.
 *
 * usage: kvmfork MIB; prints one JSON object with the medians in nanoseconds
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

#define ROUNDS 5
#define PAGE 4096u
#define CODE_GPA 0x1000u
#define MIB_MAX 2048

static struct kvm_segment
flat(uint8_t type)
{
	return (struct kvm_segment){.limit = 0xffffffffu,
				    .selector = 8,
				    .type = type,
				    .present = 1,
				    .db = 1,
				    .s = 1,
				    .g = 1};
}

/* Protected mode without paging: write to every page from the second on, then halt. */
static void
touch_all(int vcpu, uint8_t *ram, size_t size)
{
	static const uint8_t code[] = {
	    0x89, 0x07,                         /* 1: mov %eax, (%edi) */
	    0x81, 0xc7, 0x00, 0x10, 0x00, 0x00, /* add $4096, %edi */
	    0x39, 0xf7,                         /* cmp %esi, %edi */
	    0x72, 0xf4,                         /* jb 1b */
	    0xf4,                               /* hlt */
	};
	struct kvm_regs regs = {
	    .rip = CODE_GPA, .rflags = 2, .rdi = 2 * PAGE, .rsi = size, .rax = 1};
	struct kvm_sregs s;

	memcpy(ram + CODE_GPA, code, sizeof(code));
	need(ioctl(vcpu, KVM_GET_SREGS, &s) == 0, "KVM_GET_SREGS");
	s.cs = flat(0xb);
	s.ds = s.es = s.fs = s.gs = s.ss = flat(0x3);
	s.cr0 |= 1;
	need(ioctl(vcpu, KVM_SET_SREGS, &s) == 0, "KVM_SET_SREGS");
	need(ioctl(vcpu, KVM_SET_REGS, &regs) == 0, "KVM_SET_REGS");
	need(ioctl(vcpu, KVM_RUN, 0) == 0, "KVM_RUN");
}

static uint8_t *
anonymous(size_t size)
{
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED, "mmap");
	return p;
}

static uint64_t
time_fork(void)
{
	uint64_t start = now();
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(0);
	start = now() - start;
	need(pid > 0 && waitpid(pid, &status, 0) == pid, "fork");
	return start;
}

/* To fresh pages of a file in memory, as a template is written. */
static uint64_t
time_copy(const uint8_t *ram, size_t size)
{
	int fd = memfd_create("copy", MFD_CLOEXEC);
	uint64_t start = now();

	need(fd >= 0, "memfd_create");
	for (size_t at = 0; at < size; at += PAGE)
		need(pwrite(fd, ram + at, PAGE, (off_t)at) == PAGE, "pwrite");
	start = now() - start;
	close(fd);
	return start;
}

int
main(int argc, char **argv)
{
	int mib = argc == 2 ? atoi(argv[1]) : 0, vm, vcpu;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct kvm_userspace_memory_region slot = {0};
	uint64_t copies[ROUNDS], forks[ROUNDS];
	uint8_t *ram;

	if (mib < 1 || mib > MIB_MAX) {
		fputs("usage: kvmfork MIB\n", stderr);
		return 2;
	}
	need(kvm >= 0, "/dev/kvm");
	need((vm = ioctl(kvm, KVM_CREATE_VM, 0)) >= 0, "KVM_CREATE_VM");
	need((vcpu = ioctl(vm, KVM_CREATE_VCPU, 0)) >= 0, "KVM_CREATE_VCPU");
	slot.memory_size = (uint64_t)mib << 20;
	ram = anonymous(slot.memory_size);
	/* As in a sandbox, whose memory is a private mapping of a file. */
	madvise(ram, slot.memory_size, MADV_NOHUGEPAGE);
	slot.userspace_addr = (uintptr_t)ram;
	need(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot) == 0, "memory slot");
	for (int i = 0; i < ROUNDS; i++) {
		touch_all(vcpu, ram, slot.memory_size);
		forks[i] = time_fork();
		copies[i] = time_copy(ram, slot.memory_size);
	}
	printf("{\"copy\": %llu, \"fork\": %llu}\n", (unsigned long long)median(copies, ROUNDS),
	       (unsigned long long)median(forks, ROUNDS));
	return 0;
}
