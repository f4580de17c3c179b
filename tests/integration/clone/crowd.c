/* SPDX-License-Identifier: ISC */
/* crowd.c: many clones of a shell, alive at once, each asked who it is and what time it has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"

#define TEXT 80

/* The shell forks and executes programs in each clone, after it has been cloned in the middle of
 * the loop; the generator of examples/reseed.c runs beside it all the time. */
static const char script[] = "b=/bin/busybox\n"
			     "$b mkfifo /tmp/asked /tmp/drawn\n"
			     "/reseed </tmp/asked >/tmp/drawn &\n"
			     "exec 3>/tmp/asked 4</tmp/drawn\n"
			     "echo >&3; read -r drawn <&4\n"
			     "echo up\n"
			     "while read -r word; do\n"
			     "	echo >&3; read -r drawn <&4\n"
			     "	read -r uuid </proc/sys/kernel/random/uuid\n"
			     "	read -r boot </proc/sys/kernel/random/boot_id\n"
			     "	echo \"$word $uuid $boot $drawn $($b hostname) $($b date +%s) .\"\n"
			     "done\n";

struct member {
	struct box box;
	char uuid[TEXT], boot[TEXT], drawn[TEXT], host[TEXT];
};

static void
ask(struct member *m)
{
	long long before = (long long)(now_ns(CLOCK_REALTIME) / 1000000000u), after, t;
	char word[TEXT];

	type(&m->box, "who\n");
	serve_until(&m->box, NULL, " .\n");
	after = (long long)(now_ns(CLOCK_REALTIME) / 1000000000u);
	if (sscanf(m->box.out, "%79s %79s %79s %79s %79s %lld", word, m->uuid, m->boot, m->drawn,
		   m->host, &t) != 6 ||
	    strcmp(word, "who") != 0)
		fail("answer: %s", m->box.out);
	/* A second for what the two clocks round differently. */
	if (t < before - 1 || t > after + 1)
		fail("%s has the time %lld, here it was %lld to %lld", m->host, t, before, after);
}

static int
by_uuid(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->uuid, ((const struct member *)b)->uuid);
}

static int
by_boot(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->boot, ((const struct member *)b)->boot);
}

static int
by_drawn(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->drawn, ((const struct member *)b)->drawn);
}

static void
all_differ(struct member *m, unsigned n, const char *what,
	   int (*compare)(const void *, const void *))
{
	qsort(m, n, sizeof(*m), compare);
	for (unsigned i = 1; i < n; i++)
		if (compare(&m[i - 1], &m[i]) == 0)
			fail("%s and %s have the same %s", m[i - 1].host, m[i].host, what);
}

void
test_crowd(unsigned clones)
{
	const char *const argv[] = {"/bin/busybox", "sh", "-c", script, NULL};
	struct member *m = calloc(clones + 1, sizeof(*m));
	struct tine_template *bt = base(), *t;
	char host[TEXT];

	if (m == NULL)
		fail("no memory");
	spawn(&m[clones].box, bt, NULL, "original", NULL);
	launch_argv(&m[clones].box, argv);
	serve_until(&m[clones].box, NULL, "up\n");
	t = freeze(&m[clones].box, false, 0);
	for (unsigned i = 0; i < clones; i++) {
		snprintf(host, sizeof(host), "clone%u", i);
		if (try_spawn(&m[i].box, t, NULL, host, NULL) < 0)
			fail("clone %u: %s: %s", i, error.type, error.detail);
		serve_until(&m[i].box, &m[i].box.ready, NULL);
	}
	/* Only now: all are there before the first is asked. */
	for (unsigned i = 0; i <= clones; i++) {
		ask(&m[i]);
		snprintf(host, sizeof(host), "clone%u", i);
		if (strcmp(m[i].host, i < clones ? host : "original") != 0)
			fail("%s calls itself %s", i < clones ? host : "original", m[i].host);
	}
	for (unsigned i = 0; i <= clones; i++)
		sandbox_destroy(m[i].box.sb);
	all_differ(m, clones + 1, "random number", by_uuid);
	all_differ(m, clones + 1, "boot id", by_boot);
	all_differ(m, clones + 1, "number of their own generator", by_drawn);
	printf("%u clones at once\n", clones);
	template_release(t);
	template_release(bt);
	free(m);
}
