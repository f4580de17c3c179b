/* SPDX-License-Identifier: ISC */
/*
 * jail_filter_gen.c: at build time, turn the lists of system calls into filter programs.
 *
 * Every start pays for each of their instructions, 1700 of its own for the kernel's compiler: so
 * the programs are short rather than fast, and made here instead of by a library.
 *
 * A child of the zygote has the same rules as a process that was executed, but by two filters: it
 * inherits one that allows also what zygote and children need until a guest runs, and loads another
 * one that refuses this, and need not know anything else.
 */
#include <stdio.h>
#include <stdlib.h>

#include "jail_gen.h"

void
fail(const char *what)
{
	fprintf(stderr, "jail_filter_gen: %s\n", what);
	exit(1);
}

static void
write_program(FILE *out, const char *name, const struct program *p)
{
	fprintf(out, "static struct sock_filter %s[] = {\n", name);
	for (size_t i = 0; i < p->n; i++)
		fprintf(out, "\t{0x%02x, %u, %u, 0x%08x},\n", p->insn[i].code, p->insn[i].jt,
			p->insn[i].jf, p->insn[i].k);
	fprintf(out, "};\n");
}

/* One that is alone. */
static void
make(FILE *out, const char *name, const struct rules *rules, const struct rules *all, bool once)
{
	static struct program p;

	build(&p, rules, once);
	prove(&p, NULL, rules, all);
	write_program(out, name, &p);
}

/* One that is added to that of the wider rules. */
static void
make_narrower(FILE *out, const char *name, const struct rules *wide, const struct rules *rules,
	      const struct rules *all)
{
	static struct program first, p;

	build(&first, wide, true);
	build_narrower(&p, wide, rules);
	prove(&first, &p, rules, all);
	write_program(out, name, &p);
}

int
main(int argc, char **argv)
{
	FILE *out = argc == 2 ? fopen(argv[1], "w") : NULL;
	static struct lists l;

	if (out == NULL)
		fail("output file");
	make_lists(&l);
	make(out, "run_program", &l.run, &l.all, false);
	make(out, "served_program", &l.served, &l.all, false);
	make(out, "debug_program", &l.debug, &l.all, false);
	make(out, "zygote_program", &l.zygote, &l.all, true);
	make_narrower(out, "child_program", &l.zygote, &l.served, &l.all);
	return fclose(out) == 0 ? 0 : 1;
}
