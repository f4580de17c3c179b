/* SPDX-License-Identifier: ISC */
/* run_env.c: environment of a program started by `tine run`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run_options.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

void
string_list_add(struct string_list *list, char *s)
{
	if (list->n + 1 >= list->cap) {
		list->cap = list->cap != 0 ? list->cap * 2 : 16;
		list->v = realloc(list->v, list->cap * sizeof(*list->v));
	}
	if (list->v == NULL || s == NULL) {
		fputs("tine: out of memory\n", stderr);
		exit(RUN_FAILED);
	}
	list->v[list->n++] = s;
	list->v[list->n] = NULL;
}

/* NAME=VALUE, owned from now on; replaces an earlier setting of NAME. */
static void
set_env(struct string_list *env, char *setting)
{
	size_t name = setting != NULL ? strcspn(setting, "=") + 1 : 0;

	for (size_t i = 0; setting != NULL && i < env->n; i++)
		if (strncmp(env->v[i], setting, name) == 0) {
			free(env->v[i]);
			env->v[i] = setting;
			return;
		}
	string_list_add(env, setting);
}

static char *
join(const char *name, const char *value)
{
	char *s;

	return asprintf(&s, "%s=%s", name, value) < 0 ? NULL : s;
}

void
run_env_make(struct run_options *o, const struct string_list *given)
{
	const char *term = getenv("TERM");

	for (char **e = environ; o->env_host && *e != NULL; e++)
		set_env(&o->env, strdup(*e));
	if (!o->env_clear && !o->env_host) {
		set_env(&o->env, join("PATH", PATH_DEFAULT));
		set_env(&o->env, join("HOME", o->uid == 0 ? "/root" : "/"));
		set_env(&o->env, join("TERM", term != NULL ? term : "dumb"));
	}
	for (size_t i = 0; i < given->n; i++) {
		const char *value = getenv(given->v[i]);

		if (strchr(given->v[i], '=') != NULL)
			set_env(&o->env, strdup(given->v[i]));
		else if (value != NULL)
			set_env(&o->env, join(given->v[i], value));
	}
}
