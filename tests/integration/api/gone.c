/* SPDX-License-Identifier: ISC */
/* gone.c: wait until these processes, which need not be children, have ended: gone SECONDS PID...
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		struct pollfd p = {.events = POLLIN};

		p.fd = (int)syscall(SYS_pidfd_open, atoi(argv[i]), 0);
		if (p.fd < 0 && errno == ESRCH)
			continue;
		if (p.fd < 0 || poll(&p, 1, atoi(argv[1]) * 1000) != 1) {
			fprintf(stderr, "gone: process %s is still there\n", argv[i]);
			return 1;
		}
		close(p.fd);
	}
	return 0;
}
