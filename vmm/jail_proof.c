/* SPDX-License-Identifier: ISC */
/* jail_proof.c: does a filter program answer as the lists say? */
#include <linux/audit.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>

#include "jail_filter.h"
#include "jail_gen.h"

static bool
jump_taken(const struct sock_filter *f, uint32_t a)
{
	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
		return a == f->k;
	case BPF_JGE:
		return a >= f->k;
	case BPF_JSET:
		return (a & f->k) != 0;
	default:
		fail("unknown jump");
		return false;
	}
}

/* What the kernel will answer. */
static bool
allows(const struct program *p, const struct seccomp_data *data)
{
	uint32_t a = 0, x = 0;

	for (size_t pc = 0; pc < p->n; pc++) {
		const struct sock_filter *f = &p->insn[pc];

		switch (f->code) {
		case BPF_LD | BPF_IMM:
			a = f->k;
			break;
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const uint8_t *)data + f->k, sizeof(a));
			break;
		case BPF_MISC | BPF_TAX:
			x = a;
			break;
		case BPF_ALU | BPF_RSH | BPF_X:
			if (x >= 32)
				fail("shift out of range");
			a >>= x;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f->k;
			break;
		case BPF_RET | BPF_K:
			return f->k == SECCOMP_RET_ALLOW;
		default:
			if (BPF_CLASS(f->code) != BPF_JMP)
				fail("unknown instruction");
			pc += jump_taken(f, a) ? f->jt : f->jf;
		}
	}
	fail("program without an end");
	return false;
}

/* Every call, of this and of the other tables, with arguments that matter to any of the filters and
 * some that do not.  second: of a process that has both, or NULL. */
void
prove(const struct program *p, const struct program *second, const struct rules *rules,
      const struct rules *all)
{
	static const uint32_t arches[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386};
	static const uint32_t tables[] = {0, 0x40000000u /* x32 */, 0x80000000u};
	uint32_t values[COUNT(all->ioctl) + 9] = {0,
						  1,
						  PROT_EXEC,
						  PROT_READ | PROT_WRITE | PROT_EXEC,
						  FILTER_SELF,
						  FILTER_SELF + 1,
						  TIOCSTI,
						  ~0u,
						  KVM_GET_SUPPORTED_CPUID};

	for (size_t i = 0; i < all->nioctls; i++)
		values[9 + i] = (uint32_t)all->ioctl[i];
	for (size_t v = 0; v < 9 + all->nioctls; v++)
		for (size_t t = 0; t < COUNT(tables) * COUNT(arches); t++)
			for (uint32_t nr = 0; nr < 2 * CALLS_MAX; nr++) {
				struct seccomp_data data = {
				    .nr = (int)(nr | tables[t % COUNT(tables)]),
				    .arch = arches[t / COUNT(tables)],
				    .args = {values[v], values[v], values[v]},
				};
				bool allowed =
				    allows(p, &data) && (second == NULL || allows(second, &data));

				if (allowed != rules_allow(rules, &data))
					fail("the program does not do what the lists say");
			}
}
