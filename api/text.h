/* SPDX-License-Identifier: ISC */
/* text.h: untrusted bytes as text, base64. */
#ifndef TINE_API_TEXT_H
#define TINE_API_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A copy in which every byte that is not printable ASCII (or TAB) is '?'; malloc'd. */
char *text_printable(const uint8_t *data, size_t len);

/* Terminate a fixed-size field and replace what is not printable in it. */
void text_clean(char *text, size_t size);

/* Well-formed UTF-8 without NUL? */
bool text_is_utf8(const uint8_t *data, size_t len);

/* malloc'd and NUL terminated; NULL without memory. */
char *base64_encode(const uint8_t *data, size_t len);
/* Strict RFC 4648 with padding: malloc'd, or NULL: *bad tells bad input from want of memory. */
uint8_t *base64_decode(const char *text, size_t len, size_t *out_len, bool *bad);

/* {"encoding": "utf-8" | "base64", "data": "..."}. */
json_t *bytes_json(const uint8_t *data, size_t len);

/* Unsigned 64-bit values clamp to what a JSON integer can hold here. */
json_t *u64_json(uint64_t value);

#endif
