/* SPDX-License-Identifier: ISC */
/* klog.h: the last lines that a sandbox's kernel has logged. */
#ifndef TINE_API_KLOG_H
#define TINE_API_KLOG_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define KLOG_LINES 512u
#define KLOG_LINE_MAX 512u

struct klog_line {
	uint64_t seq;     /* from 1 */
	uint64_t time_ns; /* CLOCK_REALTIME of its arrival */
	uint32_t level;
	char *text;
};

struct klog {
	struct klog_line line[KLOG_LINES]; /* ring by seq */
	uint64_t last;                     /* seq of the newest, 0 = none */
};

/* text is untrusted: made printable, cut at KLOG_LINE_MAX. */
void klog_add(struct klog *log, uint32_t level, const uint8_t *text, size_t len);
void klog_fini(struct klog *log);
/* {"items": [...], "dropped": lines lost since `since`, "last": newest seq}; at most limit lines.
 */
json_t *klog_json(const struct klog *log, uint64_t since, size_t limit);
/* The newest n lines as an array of strings. */
json_t *klog_tail(const struct klog *log, size_t n);

#endif
