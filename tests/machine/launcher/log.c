/* log.c: keep the end of what the emulator and the machine's console said. */
/* SPDX-License-Identifier: ISC */
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
