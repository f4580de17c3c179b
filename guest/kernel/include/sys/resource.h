/* SPDX-License-Identifier: ISC */
/* resource.h: struct rusage as Linux lays it out (kern_rusage.c). */
#ifndef SYS_RESOURCE_H
#define SYS_RESOURCE_H

#include <sys/time.h>
#include <sys/types.h>

struct rusage_acc;
struct rusage {
	struct timeval ru_utime, ru_stime;
	int64_t ru_maxrss, ru_ixrss, ru_idrss, ru_isrss; /* KiB */
	int64_t ru_minflt, ru_majflt, ru_nswap, ru_inblock, ru_oublock;
	int64_t ru_msgsnd, ru_msgrcv, ru_nsignals, ru_nvcsw, ru_nivcsw;
};
void rusage_export(const struct rusage_acc *, struct rusage *);

#endif
