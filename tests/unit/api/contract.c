/* SPDX-License-Identifier: ISC */
/* contract.c: check HTTP answers against an OpenAPI document. */
#include "contract.h"

#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct at { /* where in the value we are */
	struct contract *c;
	char path[256];
};

static bool check(struct at *at, const json_t *schema, const json_t *value);

__attribute__((format(printf, 2, 3))) static bool
fail(struct at *at, const char *fmt, ...)
{
	size_t n = (size_t)snprintf(at->c->why, sizeof(at->c->why), "at \"%s\": ", at->path);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(at->c->why + n, sizeof(at->c->why) - n, fmt, ap);
	va_end(ap);
	return false;
}

/* "#/a/b~1c" in the document. */
static const json_t *
resolve(struct contract *c, const char *ref)
{
	const json_t *node = c->doc;
	char part[128];

	for (ref = strncmp(ref, "#/", 2) == 0 ? ref + 2 : NULL; ref != NULL && node != NULL;) {
		size_t n = strcspn(ref, "/");

		snprintf(part, sizeof(part), "%.*s", (int)n, ref);
		node = json_object_get(node, part);
		ref = ref[n] == '/' ? ref + n + 1 : NULL;
	}
	return node;
}

static const json_t *
deref(struct contract *c, const json_t *node)
{
	const json_t *ref = json_object_get(node, "$ref");

	return ref != NULL ? resolve(c, json_string_value(ref)) : node;
}

/* ---- keywords ------------------------------------------------------------------------------ */

static bool
type_is(const char *type, const json_t *value)
{
	if (strcmp(type, "object") == 0)
		return json_is_object(value);
	if (strcmp(type, "array") == 0)
		return json_is_array(value);
	if (strcmp(type, "string") == 0)
		return json_is_string(value);
	if (strcmp(type, "integer") == 0)
		return json_is_integer(value);
	if (strcmp(type, "boolean") == 0)
		return json_is_boolean(value);
	return strcmp(type, "null") == 0 && json_is_null(value);
}

static bool
kw_type(struct at *at, const json_t *arg, const json_t *value)
{
	const json_t *item;
	size_t i;

	if (json_is_string(arg))
		return type_is(json_string_value(arg), value) ||
		       fail(at, "not of type %s", json_string_value(arg));
	json_array_foreach (arg, i, item)
		if (type_is(json_string_value(item), value))
			return true;
	return fail(at, "of none of the types");
}

static bool
kw_enum(struct at *at, const json_t *arg, const json_t *value)
{
	const json_t *item;
	size_t i;

	json_array_foreach (arg, i, item)
		if (json_equal(item, value))
			return true;
	return fail(at, "not one of the values of the enum");
}

static bool
kw_pattern(struct at *at, const json_t *arg, const json_t *value)
{
	regex_t re;
	bool ok;

	if (!json_is_string(value))
		return true;
	if (regcomp(&re, json_string_value(arg), REG_EXTENDED | REG_NOSUB) != 0)
		return fail(at, "bad pattern");
	ok = regexec(&re, json_string_value(value), 0, NULL, 0) == 0;
	regfree(&re);
	return ok || fail(at, "does not match %s", json_string_value(arg));
}

static bool
kw_minimum(struct at *at, const json_t *arg, const json_t *value)
{
	return !json_is_integer(value) || json_integer_value(value) >= json_integer_value(arg) ||
	       fail(at, "too small");
}

static bool
kw_maximum(struct at *at, const json_t *arg, const json_t *value)
{
	return !json_is_integer(value) || json_integer_value(value) <= json_integer_value(arg) ||
	       fail(at, "too large");
}

static size_t
size_of(const json_t *value)
{
	if (json_is_string(value))
		return json_string_length(value);
	return json_is_array(value) ? json_array_size(value) : json_object_size(value);
}

static bool
kw_min_size(struct at *at, const json_t *arg, const json_t *value)
{
	return size_of(value) >= (size_t)json_integer_value(arg) || fail(at, "too short");
}

static bool
kw_max_size(struct at *at, const json_t *arg, const json_t *value)
{
	return size_of(value) <= (size_t)json_integer_value(arg) || fail(at, "too long");
}

static bool
kw_required(struct at *at, const json_t *arg, const json_t *value)
{
	const json_t *item;
	size_t i;

	json_array_foreach (arg, i, item)
		if (json_object_get(value, json_string_value(item)) == NULL)
			return fail(at, "\"%s\" is missing", json_string_value(item));
	return true;
}

static bool
check_under(struct at *at, const char *key, const json_t *schema, const json_t *value)
{
	size_t len = strlen(at->path);
	bool ok;

	snprintf(at->path + len, sizeof(at->path) - len, "/%s", key);
	ok = check(at, schema, value);
	at->path[len] = '\0';
	return ok;
}

static bool
kw_items(struct at *at, const json_t *arg, const json_t *value)
{
	const json_t *item;
	char key[24];
	size_t i;

	json_array_foreach (value, i, item) {
		snprintf(key, sizeof(key), "%zu", i);
		if (!check_under(at, key, arg, item))
			return false;
	}
	return true;
}

static bool
kw_one_of(struct at *at, const json_t *arg, const json_t *value)
{
	const json_t *item;
	unsigned fits = 0;
	size_t i;

	json_array_foreach (arg, i, item)
		fits += check(at, item, value);
	return fits == 1 || fail(at, "fits %u of the alternatives", fits);
}

static bool
kw_ref(struct at *at, const json_t *arg, const json_t *value)
{
	const json_t *schema = resolve(at->c, json_string_value(arg));

	return schema != NULL ? check(at, schema, value)
			      : fail(at, "no %s", json_string_value(arg));
}

static bool
kw_ignore(struct at *at, const json_t *arg, const json_t *value)
{
	(void)at, (void)arg, (void)value;
	return true;
}

static const struct {
	const char *name;
	bool (*check)(struct at *at, const json_t *arg, const json_t *value);
} keywords[] = {{"type", kw_type},
		{"enum", kw_enum},
		{"pattern", kw_pattern},
		{"minimum", kw_minimum},
		{"maximum", kw_maximum},
		{"minLength", kw_min_size},
		{"maxLength", kw_max_size},
		{"minItems", kw_min_size},
		{"maxItems", kw_max_size},
		{"minProperties", kw_min_size},
		{"required", kw_required},
		{"items", kw_items},
		{"oneOf", kw_one_of},
		{"$ref", kw_ref},
		{"description", kw_ignore},
		{"format", kw_ignore},
		{"properties", kw_ignore}, /* these two by check_members() */
		{"additionalProperties", kw_ignore}};

static bool
check_members(struct at *at, const json_t *schema, const json_t *value)
{
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *others = json_object_get(schema, "additionalProperties");
	const char *key;
	json_t *member;

	json_object_foreach ((json_t *)(size_t)value, key, member) {
		const json_t *sub = json_object_get(properties, key);

		if (sub == NULL && json_is_false(others))
			return fail(at, "\"%s\" is not in the contract", key);
		if (sub == NULL && json_is_object(others))
			sub = others;
		if (sub != NULL && !check_under(at, key, sub, member))
			return false;
	}
	return true;
}

static bool
check(struct at *at, const json_t *schema, const json_t *value)
{
	const char *key;
	json_t *arg;
	size_t i;

	json_object_foreach ((json_t *)(size_t)schema, key, arg) {
		for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
			if (strcmp(keywords[i].name, key) == 0)
				break;
		if (i == sizeof(keywords) / sizeof(keywords[0]))
			return fail(at, "schema keyword \"%s\" is not checked", key);
		if (!keywords[i].check(at, arg, value))
			return false;
	}
	return !json_is_object(value) || check_members(at, schema, value);
}

/* ---- operations ---------------------------------------------------------------------------- */

/* "/v1/sandboxes/{sandbox}" against "/v1/sandboxes/x?y". */
static bool
path_fits(const char *template, const char *path)
{
	while (*template != '\0') {
		if (*template == '{') {
			template += strcspn(template, "}") + 1;
			path += strcspn(path, "/?");
		} else if (*template ++ != *path++) {
			return false;
		}
	}
	return *path == '\0' || *path == '?';
}

static const json_t *
find_path(struct contract *c, const char *path)
{
	const char *template;
	json_t *item;

	json_object_foreach (json_object_get(c->doc, "paths"), template, item)
		if (path_fits(template, path))
			return item;
	return NULL;
}

static bool
check_lines(struct at *at, const json_t *schema, const char *body, size_t len)
{
	while (len > 0) {
		const char *end = memchr(body, '\n', len);
		size_t n = end != NULL ? (size_t)(end - body) : len;
		json_t *value = json_loadb(body, n, 0, NULL);
		bool ok = value != NULL ? check(at, schema, value) : fail(at, "not JSON");

		json_decref(value);
		if (!ok)
			return false;
		body += n + (end != NULL);
		len -= n + (end != NULL);
	}
	return true;
}

static bool
check_body(struct at *at, const json_t *response, const char *type, const char *body, size_t len)
{
	const json_t *content = json_object_get(response, "content"), *schema;
	char media[64];
	json_t *value;
	bool ok;

	if (content == NULL)
		return len == 0 || fail(at, "a body that is not in the contract");
	snprintf(media, sizeof(media), "%.*s", (int)strcspn(type, "; "), type);
	schema = json_object_get(json_object_get(content, media), "schema");
	if (schema == NULL)
		return fail(at, "media type \"%s\" is not in the contract", media);
	if (strcmp(media, "application/x-ndjson") == 0)
		return check_lines(at, schema, body, len);
	if (strstr(media, "json") == NULL)
		return true;
	value = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	if (value == NULL)
		return fail(at, "the body is not JSON");
	ok = check(at, schema, value);
	json_decref(value);
	return ok;
}

bool
contract_check(struct contract *c, const char *method, const char *path, int status,
	       const char *type, const char *body, size_t len)
{
	struct at at = {.c = c};
	const json_t *item = find_path(c, path), *operation, *response;
	char lower[16], code[8];
	size_t i;

	for (i = 0; method[i] != '\0' && i < sizeof(lower) - 1; i++)
		lower[i] = (char)(method[i] | 0x20);
	lower[i] = '\0';
	operation = json_object_get(item, lower);
	if (item == NULL || operation == NULL) {
		/* What the contract says of paths and methods that it does not have. */
		if (status != (item == NULL ? 404 : 405) && status != 401)
			return fail(&at, "status %d for what does not exist", status);
		return check_body(&at, resolve(c, "#/components/responses/404"), type, body, len);
	}
	snprintf(code, sizeof(code), "%d", status);
	response = deref(c, json_object_get(json_object_get(operation, "responses"), code));
	if (response == NULL)
		return fail(&at, "status %d is not in the contract", status);
	return check_body(&at, response, type, body, len);
}

bool
contract_check_schema(struct contract *c, const char *name, const json_t *value)
{
	struct at at = {.c = c};
	char ref[96];

	snprintf(ref, sizeof(ref), "#/components/schemas/%s", name);
	return check(&at, resolve(c, ref), value);
}

bool
contract_load(struct contract *c, const char *file)
{
	json_error_t error;

	c->doc = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
	if (c->doc == NULL)
		snprintf(c->why, sizeof(c->why), "%s: line %d: %s", file, error.line, error.text);
	return c->doc != NULL;
}

void
contract_free(struct contract *c)
{
	json_decref(c->doc);
	c->doc = NULL;
}
