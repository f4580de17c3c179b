/* SPDX-License-Identifier: ISC */
/* log.h: what the daemon says on standard error, as text or as one JSON object a line. */
#ifndef TINE_API_LOG_H
#define TINE_API_LOG_H

#include <stdbool.h>

void log_setup(bool json, bool verbose);
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
