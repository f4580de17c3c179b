/* SPDX-License-Identifier: ISC */
/* kern_rusage.c: resource usage as programs see it. */
#include <sys/proc.h>
#include <sys/resource.h>
#include <sys/systm.h>

void
rusage_export(const struct rusage_acc *ru, struct rusage *out)
{
	memset(out, 0, sizeof(*out));
	ns_to_tv(ru->utime, &out->ru_utime);
	ns_to_tv(ru->stime, &out->ru_stime);
	out->ru_maxrss = (int64_t)(ru->maxrss * (PAGE_SIZE / 1024));
	out->ru_minflt = (int64_t)ru->minflt;
	out->ru_majflt = (int64_t)ru->majflt;
	out->ru_inblock = (int64_t)ru->inblock;
	out->ru_oublock = (int64_t)ru->oublock;
	out->ru_nsignals = (int64_t)ru->nsignals;
	out->ru_nvcsw = (int64_t)ru->nvcsw;
	out->ru_nivcsw = (int64_t)ru->nivcsw;
}
