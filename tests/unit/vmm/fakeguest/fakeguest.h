/* SPDX-License-Identifier: ISC */
/* fakeguest.h: what the parts of the fake guest kernel use of each other. */
#ifndef FAKEGUEST_H
#define FAKEGUEST_H

#include <stdbool.h>
#include <stdint.h>

#define APIC(reg) (*(volatile uint32_t *)(uintptr_t)(0xfee00000u + (reg)))
#define PHYS(p) ((uintptr_t)(p)-TINE_VA_KERNEL)

/* fakeguest.c */
int32_t hypercall(uint32_t nr, uint64_t a0, uint64_t a1);
void say_out(const char *s);
void set_gate(unsigned vector, void (*handler)(void));

/* start.S */
extern volatile uint32_t nmis;     /* have come */
extern volatile uint32_t nmi_stay; /* the next one does not end */
void nmi_interrupt(void);
void unended_interrupt(void);

/* vcpu.c: the state of the vCPU in a template, and what a clone may leave behind. */
void vcpu_init(uint64_t khz);
/* Before the template is made. */
void vcpu_remember(void);
/* In a clone: 0, or one more than the enum vcpu_item that is not as it was. */
uint32_t vcpu_wrong(void);
/* A timer that will go off is all; nothing wakes the vCPU. */
void prog_halted(const char *arg);
/* Registers, and interrupts under way. */
void prog_dirty(const char *arg);
/* An NMI that does not end, and one that waits for that. */
void prog_nmi(const char *arg);
/* start.S calls it in an NMI that does not end. */
void vcpu_in_nmi(void);

#endif
