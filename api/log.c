/* SPDX-License-Identifier: ISC */
/* log.c: the daemon's log on standard error. */
#include "log.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"

static bool log_json, log_verbose;

void
log_setup(bool json, bool verbose)
{
	log_json = json;
	log_verbose = verbose;
}

static void
write_json(const char *level, const char *text)
{
	char when[RFC3339_LEN];
	json_t *line = json_object();
	char *dump;

	json_object_set_new(line, "time", json_string(rfc3339_now(when)));
	json_object_set_new(line, "level", json_string(level));
	json_object_set_new(line, "message", json_string(text) ?: json_string("(not UTF-8)"));
	dump = json_dumps(line, JSON_COMPACT);
	json_decref(line);
	if (dump != NULL)
		fprintf(stderr, "%s\n", dump);
	free(dump);
}

__attribute__((format(printf, 2, 0))) static void
write_line(const char *level, const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (log_json)
		write_json(level, text);
	else
		fprintf(stderr, "tine: %s%s%s\n", level[0] == 'i' ? "" : level,
			level[0] == 'i' ? "" : ": ", text);
}

#define LOG_FUNCTION(level, when)                                                                  \
	void log_##level(const char *fmt, ...)                                                     \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		if (!(when))                                                                       \
			return;                                                                    \
		va_start(ap, fmt);                                                                 \
		write_line(#level, fmt, ap);                                                       \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(error, true)
LOG_FUNCTION(info, true)
LOG_FUNCTION(debug, log_verbose)
