/* SPDX-License-Identifier: ISC */
/* jail_filter.h: shared by the filters' maker at build time and their user at run time. */
#ifndef TINE_VMM_JAIL_FILTER_H
#define TINE_VMM_JAIL_FILTER_H

/* Stands in the filter programs where the process id belongs. */
#define FILTER_SELF 0x7e5e1f00u

#endif
