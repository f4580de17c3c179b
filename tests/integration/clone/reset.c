/* SPDX-License-Identifier: ISC */
/* reset.c: clones that are put back to their template in place, whatever they are doing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "marks.h"
#include "tests.h"

/* A clone does something that a reset has to undo: memory that it has, and mib of new memory. */
static void
make_traces(struct box *b, unsigned mib)
{
	char line[32];

	type(b, "fill 2\n");
	serve_until(b, NULL, "filled 2\n");
	snprintf(line, sizeof(line), "touch %u\n", mib);
	type(b, line);
	snprintf(line, sizeof(line), "touched %u\n", mib);
	serve_until(b, NULL, line);
}

/* As vmm/reset.c keeps, and what the clone writes by itself. */
#define KEPT_BYTES ((1024u + 256u) * 4096u)

void
test_reset(void)
{
	struct tine_template *bt = base(), *t;
	struct sandbox_hoststats hs;
	struct box original, b;
	char first[256], second[256];

	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "loop");
	type(&original, "fill 1\n");
	serve_until(&original, NULL, "filled 1\n");
	t = freeze(&original, false, 0);
	sandbox_destroy(original.sb);
	spawn(&b, t, NULL, NULL, NULL);
	for (int i = 0; i < 20; i++) {
		ask_identity(&b, i % 2 == 0 ? first : second);
		if (i > 0 && strcmp(first, second) == 0)
			fail("reset %d: the same random numbers", i);
		/* little is copied back, much is given back */
		make_traces(&b, i % 5 == 3 ? 16 : 1);
		if (pages_filled_with(&b, TOUCHED) < 256)
			fail("reset %d: there was nothing to undo", i);
		if (i == 11) /* a freeze needs the log of written pages for itself */
			template_release(freeze(&b, false, 0));
		reset_clone(&b, 5000 + (uint32_t)i);
		if (pages_filled_with(&b, TOUCHED) != 0)
			fail("reset %d: pages are left as they were", i);
		need(sandbox_hoststats(b.sb, &hs, &error), "hoststats");
		if (hs.private_bytes > KEPT_BYTES)
			fail("reset %d: the clone still has %llu bytes of its own", i,
			     (unsigned long long)hs.private_bytes);
		type(&b, "check 1\n");
		serve_until(&b, NULL, "checked 1 0\n");
	}
	sandbox_destroy(b.sb);
	template_release(t);
	template_release(bt);
}

/* Two requests at once: both are answered, and the clone then works. */
void
test_reset_twice(void)
{
	struct tine_template *bt = base(), *t;
	struct box original, b;
	char id[256];

	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "loop");
	/* Of the base template, whose memory it has copied: it was booted, and has no way back. */
	if (sandbox_reset(original.sb, 1, &error) != -EINVAL ||
	    strcmp(error.type, "not-a-clone") != 0)
		fail("a booted sandbox was reset");
	t = freeze(&original, false, 0);
	spawn(&b, t, NULL, NULL, NULL);
	for (int i = 0; i < 20; i++) {
		ask_identity(&b, id);
		need(sandbox_reset(b.sb, 1, &error), "reset");
		need(sandbox_reset(b.sb, 2, &error), "reset");
		for (b.resets = 0; b.resets < 2; b.reset = false)
			serve_until(&b, &b.reset, NULL);
		serve_until(&b, &b.ready, NULL);
	}
	ask_identity(&b, id);
	sandbox_destroy(b.sb);
	sandbox_destroy(original.sb);
	template_release(t);
	template_release(bt);
}

/* In the template one process waits with its FPU registers loaded, and one uses them all the time.
 * A clone leaves others behind, loaded. */
void
test_reset_registers(void)
{
	struct tine_template *bt = base(), *t;
	struct box original, b;

	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "fpu");
	serve_until(&original, NULL, "fpu\n");
	t = freeze(&original, false, 0);
	sandbox_destroy(original.sb);
	spawn(&b, t, NULL, NULL, NULL);
	for (uint32_t i = 0; i < 20; i++) {
		serve_until(&b, &b.ready, NULL);
		type(&b, i % 2 == 0 ? "spin\n" : "check\n");
		serve_until(&b, NULL, "registers");
		if (strstr(b.out, "registers kept\n") == NULL)
			fail("after %u resets: %s", i, b.out);
		reset_clone(&b, 5000 + i);
	}
	sandbox_destroy(b.sb);
	template_release(t);
	template_release(bt);
}
