/* SPDX-License-Identifier: ISC */
/* error.c: fill struct tine_error. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vmm.h"

int
tine_error_set(struct tine_error *error, int code, const char *type, const char *fmt, ...)
{
	if (error != NULL) {
		va_list ap;

		memset(error, 0, sizeof(*error));
		error->code = code;
		snprintf(error->type, sizeof(error->type), "%s", type);
		va_start(ap, fmt);
		vsnprintf(error->detail, sizeof(error->detail), fmt, ap);
		va_end(ap);
	}
	return -code;
}
