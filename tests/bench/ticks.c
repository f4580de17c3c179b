/* SPDX-License-Identifier: ISC */
/*
 * ticks.c: print CLOCK_REALTIME in nanoseconds; in the machine with the instruction clock that is
 * instructions.  A sandbox's clock is its host's, so two prints can be subtracted.
 */
#include <stdio.h>
#include <time.h>

int
main(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	printf("%lld\n", (long long)ts.tv_sec * 1000000000 + ts.tv_nsec);
	return 0;
}
