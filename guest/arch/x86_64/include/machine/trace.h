/* SPDX-License-Identifier: ISC */
/* trace.h: KTRACE(EVENT, a, b) records into the shared trace ring of debug kernels; nothing
 * otherwise. */
#ifndef MACHINE_TRACE_H
#define MACHINE_TRACE_H
#include "abi/trace.h"
#ifdef TINE_DEBUG
void ktrace_event(enum tine_trace_event event, uint64_t a, uint64_t b);
#define KTRACE(event, a, b) ktrace_event(TINE_TRACE_##event, (uint64_t)(a), (uint64_t)(b))
#else
#define KTRACE(event, a, b) ((void)0)
#endif
#endif
