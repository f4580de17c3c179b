/* SPDX-License-Identifier: ISC */
/* jail_gen.h: the build's generator of system call filters (jail_filter_gen.c). */
#ifndef TINE_VMM_JAIL_GEN_H
#define TINE_VMM_JAIL_GEN_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CALLS_MAX 512 /* numbers of system calls */
#define PROGRAM_MAX 256

/* What a process may do. */
struct rules {
	bool call[CALLS_MAX]; /* with any arguments */
	unsigned long ioctl[64];
	size_t nioctls;
};

/* Calls whose arguments decide, unless the rules allow any.  Of these only the low halves mean
 * anything to the kernel. */
struct special {
	uint32_t call;
	uint32_t arg;
	enum { IS_LISTED, IS_SELF, NOT_EXEC } what;
};

#define NSPECIALS 4

/* Jumps go to labels until all of them are known. */
enum label {
	NEXT,
	ALLOW,
	KILL,
	ALLOW_CALL,
	KILL_CALL,
	HIGH,
	IOCTL,
	SELF,
	SPECIAL,
	NLABELS = SPECIAL + NSPECIALS
};

struct program {
	struct sock_filter insn[PROGRAM_MAX];
	enum label jt[PROGRAM_MAX], jf[PROGRAM_MAX];
	size_t at[NLABELS];
	size_t n;
};

/* Message, and the build has failed. */
__attribute__((noreturn)) void fail(const char *what);

/* jail_rules.c: the lists.  all: every ioctl that any of them has. */
struct lists {
	struct rules run, served, debug, zygote, all;
};

extern const struct special specials[NSPECIALS];
const struct special *special_of(uint32_t call);
void make_lists(struct lists *l);
bool lists_ioctl(const struct rules *rules, uint32_t request);
bool rules_allow(const struct rules *rules, const struct seccomp_data *data);

/* jail_program.c: a program in the making. */
void emit(struct program *p, uint16_t code, uint32_t k, enum label jt, enum label jf);
void load_data(struct program *p, size_t offset);
void if_equal(struct program *p, uint32_t k, enum label yes, enum label no);
/* First instruction of one that the kernel shall not run when it is loaded. */
void emit_unforeseen(struct program *p);
/* The two answers, and the jumps get their distances. */
void finish(struct program *p);
/* One that is alone.  once: loaded so seldom that the kernel may look for what it always allows. */
void build(struct program *p, const struct rules *rules, bool once);

/* jail_narrower.c: one for processes that have another of wider rules already. */
void build_narrower(struct program *p, const struct rules *wide, const struct rules *rules);

/* jail_proof.c: fails unless the program, with the second one of a process that has two, does what
 * the rules say.  The arguments that are tried are those of any list, and some of none. */
void prove(const struct program *p, const struct program *second, const struct rules *rules,
	   const struct rules *all);

#endif
