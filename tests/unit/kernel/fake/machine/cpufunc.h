/* SPDX-License-Identifier: ISC */
/* cpufunc.h: of the simulated processor (mmu.c), in place of the real one's. */
#ifndef MACHINE_CPUFUNC_H
#define MACHINE_CPUFUNC_H

#include <sys/types.h>

void invlpg(vaddr_t va);
void lcr3(uint64_t cr3);

#endif
