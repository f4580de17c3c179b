/* log.c: keep the end of what the emulator and the machine's console said. */
/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "launcher.h"

static char kept[8192];
static size_t used;

void
log_add(const char *data, size_t length)
{
	if (length > sizeof(kept)) {
		data += length - sizeof(kept);
		length = sizeof(kept);
	}
	if (used + length > sizeof(kept)) {
		size_t drop = used + length - sizeof(kept);
		memmove(kept, kept + drop, used - drop);
		used -= drop;
	}
	memcpy(kept + used, data, length);
	used += length;
}

void
log_print(void)
{
	for (size_t done = 0; done < used;) {
		ssize_t n = write(STDERR_FILENO, kept + done, used - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	used = 0;
}

bool
log_drain(int *fd, bool show)
{
	char buffer[4096];
	ssize_t n = read(*fd, buffer, sizeof(buffer));

	if (n > 0) {
		log_add(buffer, (size_t)n);
		if (show)
			fwrite(buffer, 1, (size_t)n, stderr);
		return true;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	close(*fd);
	*fd = -1;
	return false;
}
