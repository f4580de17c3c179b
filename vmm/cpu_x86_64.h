/* SPDX-License-Identifier: ISC */
/* cpu_x86_64.h: state of the vCPU at entry. */
#ifndef TINE_VMM_CPU_X86_64_H
#define TINE_VMM_CPU_X86_64_H

#include <stdint.h>

struct guest_mem;
struct tine_error;

/* Ask for these features now: later calls of this process, and of those it forks, need not. */
int cpu_load_features(int kvm_fd, struct tine_error *error);
/* Give the vCPU the host's features less those that the guest kernel cannot use. */
int cpu_set_cpuid(int kvm_fd, int vcpu_fd, struct tine_error *error);
/* A number that two CPUs have in common when guests see the same features on both. */
int cpu_hash(uint32_t *hash, struct tine_error *error);
/* Write the boot GDT and page tables (abi.h). */
int cpu_write_boot_tables(const struct guest_mem *mem, struct tine_error *error);
/* Registers of the entry point, as abi.h promises. */
int cpu_set_entry(int vcpu_fd, uint64_t rip, struct tine_error *error);

#endif
