/* SPDX-License-Identifier: ISC */
/*
 * phases.h: what the start of a sandbox spends its time on, as the VMM process measures it.
 *
 * One clock for the process, since it starts one sandbox.  It runs from the moment the process was
 * asked for; each phase_end() gives the time since the last one to a phase, so that nothing is
 * counted twice or left out.  For the thread that starts the sandbox only.
 */
#ifndef TINE_VMM_PHASES_H
#define TINE_VMM_PHASES_H

#include "vmm.h"

uint64_t monotonic_ns(void); /* CLOCK_MONOTONIC */

/* In main(): the process was asked for at start_ns (CLOCK_MONOTONIC). */
void phases_begin(uint64_t start_ns);
void phase_end(enum start_phase phase);
/* The request that this process serves came at requested_ns: before it was made, then the process
 * was made for it; or after, then what lies before is preparation. */
void phases_request(uint64_t requested_ns);
/* All but the guest's phase. */
void phases_report(struct vmm_started *started);

#endif
