/* SPDX-License-Identifier: ISC */
/* klog.c: a ring of kernel log lines. */
#include "klog.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "text.h"

void
klog_add(struct klog *log, uint32_t level, const uint8_t *text, size_t len)
{
	struct klog_line *line = &log->line[(log->last + 1) % KLOG_LINES];
	char *copy = text_printable(text, len < KLOG_LINE_MAX ? len : KLOG_LINE_MAX);

	if (copy == NULL)
		return;
	free(line->text);
	*line = (struct klog_line){.seq = ++log->last,
				   .time_ns = realtime_ns(),
				   .level = level <= 7 ? level : 7,
				   .text = copy};
}

void
klog_fini(struct klog *log)
{
	for (size_t i = 0; i < KLOG_LINES; i++)
		free(log->line[i].text);
}

static uint64_t
oldest(const struct klog *log)
{
	return log->last > KLOG_LINES ? log->last - KLOG_LINES + 1 : 1;
}

json_t *
klog_json(const struct klog *log, uint64_t since, size_t limit)
{
	uint64_t first = since + 1 > oldest(log) ? since + 1 : oldest(log), seq;
	json_t *items = json_array();
	char when[RFC3339_LEN];

	for (seq = first; seq <= log->last && limit-- > 0; seq++) {
		const struct klog_line *l = &log->line[seq % KLOG_LINES];

		json_array_append_new(items,
				      json_pack("{s:I, s:s, s:I, s:s}", "seq", (json_int_t)seq,
						"time", rfc3339(l->time_ns, when), "level",
						(json_int_t)l->level, "text", l->text));
	}
	return json_pack("{s:o, s:I, s:I}", "items", items, "dropped",
			 (json_int_t)(first > since + 1 ? first - since - 1 : 0), "last",
			 (json_int_t)(seq - 1));
}

json_t *
klog_tail(const struct klog *log, size_t n)
{
	uint64_t seq = oldest(log);
	json_t *lines = json_array();

	if (log->last > n && log->last - n + 1 > seq)
		seq = log->last - n + 1;
	for (; seq <= log->last; seq++)
		json_array_append_new(lines, json_string(log->line[seq % KLOG_LINES].text));
	return lines;
}
