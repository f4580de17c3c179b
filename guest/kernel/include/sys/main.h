/* SPDX-License-Identifier: ISC */
/* main.h: how the arch enters the machine-independent kernel, and what that calls back first. */
#ifndef SYS_MAIN_H
#define SYS_MAIN_H

#include <sys/types.h>

void kernel_main(void) __attribute__((noreturn));
/* Everything of the machine that needs the allocator: FPU sizes, APIC, clock, channel; boot
 * parameters are applied. */
void md_init(void);

#endif
