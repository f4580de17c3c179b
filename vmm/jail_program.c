/* SPDX-License-Identifier: ISC */
/* jail_program.c: lists of system calls as a filter program. */
#include <linux/audit.h>
#include <string.h>
#include <sys/mman.h>

#include "jail_filter.h"
#include "jail_gen.h"

void
emit(struct program *p, uint16_t code, uint32_t k, enum label jt, enum label jf)
{
	if (p->n == PROGRAM_MAX)
		fail("program too long");
	p->insn[p->n] = (struct sock_filter){.code = code, .k = k};
	p->jt[p->n] = jt;
	p->jf[p->n++] = jf;
}

void
load_data(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, NEXT, NEXT);
}

void
if_equal(struct program *p, uint32_t k, enum label yes, enum label no)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, k, yes, no);
}

/* When a filter is loaded the kernel runs it for every number there is, to learn what is always
 * allowed; what that saves later is less than it costs here, except in the zygote, which loads one
 * once.  An instruction that it does not follow keeps it from that. */
void
emit_unforeseen(struct program *p)
{
	emit(p, BPF_LD | BPF_IMM, 0, NEXT, NEXT);
}

/* Numbers from here on that follow each other and are all allowed. */
static uint32_t
run_length(const struct rules *rules, uint32_t from)
{
	uint32_t n = 0;

	while (from + n < CALLS_MAX && rules->call[from + n])
		n++;
	return n;
}

/* The first 32 numbers, where most of the calls are, by a bit each; the others in ascending order,
 * one by one or, if three or more follow each other, by where these begin and end.  With the
 * answers close behind: the kernel's compiler goes over a program again until no jump gets shorter.
 */
static void
emit_calls(struct program *p, const struct rules *rules)
{
	uint32_t low = 0;

	for (int nr = 0; nr < 32; nr++)
		low |= (uint32_t)rules->call[nr] << nr;
	emit(p, BPF_JMP | BPF_JGE | BPF_K, 32, HIGH, NEXT);
	emit(p, BPF_MISC | BPF_TAX, 0, NEXT, NEXT);
	emit(p, BPF_LD | BPF_IMM, low, NEXT, NEXT);
	emit(p, BPF_ALU | BPF_RSH | BPF_X, 0, NEXT, NEXT);
	emit(p, BPF_JMP | BPF_JSET | BPF_K, 1, ALLOW_CALL, KILL_CALL);
	p->at[HIGH] = p->n;
	for (uint32_t nr = 32; nr < CALLS_MAX; nr++) {
		uint32_t n = run_length(rules, nr);

		if (n >= 3) {
			emit(p, BPF_JMP | BPF_JGE | BPF_K, nr, NEXT, KILL_CALL);
			emit(p, BPF_JMP | BPF_JGE | BPF_K, nr + n, NEXT, ALLOW_CALL);
			nr += n - 1;
		} else if (n > 0) {
			if_equal(p, nr, ALLOW_CALL, NEXT);
		}
	}
	p->at[KILL_CALL] = p->n;
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, NEXT, NEXT);
	p->at[ALLOW_CALL] = p->n;
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, NEXT, NEXT);
}

static void
emit_special(struct program *p, const struct special *s, const struct rules *rules)
{
	load_data(p, offsetof(struct seccomp_data, args) + s->arg * sizeof(uint64_t));
	if (s->what == NOT_EXEC)
		emit(p, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, KILL, ALLOW);
	else if (s->what == IS_SELF)
		if_equal(p, FILTER_SELF, ALLOW, KILL);
	for (size_t i = 0; s->what == IS_LISTED && i < rules->nioctls; i++)
		if_equal(p, (uint32_t)rules->ioctl[i], ALLOW, i + 1 < rules->nioctls ? NEXT : KILL);
}

static uint8_t
distance(const struct program *p, size_t from, enum label to)
{
	size_t target = to == NEXT ? from + 1 : p->at[to];

	if (target <= from || target - from - 1 > UINT8_MAX)
		fail("jump out of reach");
	return (uint8_t)(target - from - 1);
}

static void
resolve(struct program *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (BPF_CLASS(p->insn[i].code) == BPF_JMP) {
			p->insn[i].jt = distance(p, i, p->jt[i]);
			p->insn[i].jf = distance(p, i, p->jf[i]);
		}
}

void
finish(struct program *p)
{
	p->at[KILL] = p->n;
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, NEXT, NEXT);
	p->at[ALLOW] = p->n;
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, NEXT, NEXT);
	resolve(p);
}

void
build(struct program *p, const struct rules *rules, bool once)
{
	memset(p, 0, sizeof(*p));
	if (!once)
		emit_unforeseen(p);
	load_data(p, offsetof(struct seccomp_data, arch));
	if_equal(p, AUDIT_ARCH_X86_64, NEXT, KILL);
	load_data(p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < COUNT(specials); i++)
		if (!rules->call[specials[i].call])
			if_equal(p, specials[i].call, (enum label)(SPECIAL + i), NEXT);
	emit_calls(p, rules);
	for (size_t i = 0; i < COUNT(specials); i++) {
		/* Those that are checked in the same way share the check. */
		size_t same = 0;

		if (rules->call[specials[i].call])
			continue;
		while (specials[same].what != specials[i].what ||
		       specials[same].arg != specials[i].arg)
			same++;
		p->at[SPECIAL + i] = same < i ? p->at[SPECIAL + same] : p->n;
		if (same == i)
			emit_special(p, &specials[i], rules);
	}
	finish(p);
}
