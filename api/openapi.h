/* SPDX-License-Identifier: ISC */
/* openapi.h: the contract of the API, api/openapi.json, as it was when the program was built. */
#ifndef TINE_API_OPENAPI_H
#define TINE_API_OPENAPI_H

#include <stddef.h>

extern const char openapi_start[], openapi_end[];

static inline size_t
openapi_length(void)
{
	return (size_t)(openapi_end - openapi_start);
}

#endif
