/* SPDX-License-Identifier: ISC */
/* forkstat.h: read and print the statistics page. */
#ifndef TINE_VMM_FORKSTAT_H
#define TINE_VMM_FORKSTAT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "abi/stats.h"

/* Copy the page out of the shared region; *torn if the guest was writing all the time.  -ENODATA
 * when the guest has not written one. */
int stats_read(const uint8_t *shared_region, struct tine_stats *stats, bool *torn);
/* To be called before the jail: whatever printing needs from outside. */
void forkstat_prepare(void);
/* Print the record for a reader, or as JSON. */
void forkstat_print(FILE *out, const uint8_t *shared_region, bool json);

#endif
