/* SPDX-License-Identifier: ISC */
/*
 * contract.h: is an HTTP answer what api/openapi.json promises?
 *
 * Enough of JSON Schema for that document: type (also a list), enum, pattern, minimum, maximum,
 * minLength, maxLength, minItems, maxItems, minProperties, properties, required,
 * additionalProperties, items, oneOf, $ref.  A keyword that is not known fails the check, so that
 * the document cannot come to use what is not checked.
 */
#ifndef TINE_TESTS_CONTRACT_H
#define TINE_TESTS_CONTRACT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct contract {
	json_t *doc;
	char why[512]; /* of the last failure */
};

bool contract_load(struct contract *c, const char *file);
void contract_free(struct contract *c);

/* path may have a query; type is the Content-Type, "" for none. */
bool contract_check(struct contract *c, const char *method, const char *path, int status,
		    const char *type, const char *body, size_t len);

/* Does value fit the schema components/schemas/NAME? */
bool contract_check_schema(struct contract *c, const char *name, const json_t *value);

#endif
