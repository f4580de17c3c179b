/* SPDX-License-Identifier: ISC */
/* metrics.h: the daemon's figures in the text format of Prometheus. */
#ifndef TINE_API_METRICS_H
#define TINE_API_METRICS_H

#include <stddef.h>

struct server;

/* malloc'd; NULL without memory. */
char *metrics_text(struct server *server, size_t *len);

#endif
