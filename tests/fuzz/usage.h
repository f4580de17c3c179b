/* SPDX-License-Identifier: ISC */
/* usage.h: what the kernel has in use, to find what the processes under test have left (usage.c).
 */
#ifndef USAGE_H
#define USAGE_H

#include <stdbool.h>

struct usage {
	long objects, processes, frames;
};
/* Once, at first: has the kernel make what it makes once and keeps. */
void usage_setup(void);
struct usage usage_now(void);
void usage_show(void); /* kernel objects by kind */
/* Is all back that was in use before?  Gives init time to reap. */
bool usage_is_back(const struct usage *before, struct usage *now);

#endif
