/* SPDX-License-Identifier: ISC */
/* inside.h: parts of the program in the sandboxes of clonetest. */
#ifndef INSIDE_H
#define INSIDE_H

/* inside_storm.c: pipe, sleeps, forks, signals and an observer of the generation; how many ended
 * badly. */
int storm(void);

/* inside.c: the kernel's variable. */
unsigned long kern_generation(void);

#endif
