/* SPDX-License-Identifier: ISC */
/* tests.h: tests of clonetest that have files of their own. */
#ifndef TESTS_H
#define TESTS_H

#include "box.h"

/* crowd.c: so many clones at once, each asked who it is. */
void test_crowd(unsigned clones);
/* storm.c: so many live forks of a sandbox in which everything is under way. */
void test_livefork(unsigned forks);
/* reset.c: back to the template in place. */
void test_reset(void);
void test_reset_twice(void);
void test_reset_registers(void);
/* storm.c: so many resets in the middle of it. */
void test_reset_storm(unsigned resets);
/* generation.c: what programs see of their sandbox's generation, and what they make of it. */
void test_generation(void);
void test_reseed(void);
/* hazards.c: rows of docs/fork-correctness.md that no other test touches. */
void test_layout(void);
void test_requests(void);
void test_events(void);
void test_memory(void);
void test_cache(void);
/* pages.c: what each sandbox wrote, looked for in every page of all of them. */
void test_pages(unsigned clones);
/* damage.c: template files, and requests, that are refused. */
void test_damage(void);
void test_refused(void);
/* streams.c: nobody reads what programs say, until the ring is full. */
void test_full_ring(void);
void test_last_words(void);
/* panic.c: the report of a kernel that nobody has loaded. */
void test_panic(void);

/* workset.c: what a prepared process has of its own before its clone runs. */
void test_workset(void);
/* zygote.c: VMM processes that are forked instead of executed. */
void test_zygote(void);

/* bench.c */
void bench(void);

/* pages.c: pages of the sandbox's RAM of which every byte is this one. */
unsigned pages_filled_with(const struct box *b, uint8_t byte);

#endif
