/* SPDX-License-Identifier: ISC */
/* text.c: bytes to text and back. */
#include "text.h"

#include <stdlib.h>
#include <string.h>

char *
text_printable(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++)
		text[i] =
		    data[i] == '\t' || (data[i] >= 0x20 && data[i] < 0x7f) ? (char)data[i] : '?';
	text[len] = '\0';
	return text;
}

void
text_clean(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text == 0x7f)
			*text = *text == '\n' ? ' ' : '?';
}

/* Length of the sequence at data, 0 if it is not well formed (Unicode 15, table 3-7). */
static size_t
utf8_sequence(const uint8_t *data, size_t len)
{
	uint8_t a = data[0], lo = 0x80, hi = 0xbf;
	size_t n;

	if (a < 0x80)
		return a != 0;
	n = a >= 0xc2 && a <= 0xdf ? 2 : (a & 0xf0) == 0xe0 ? 3 : a >= 0xf0 && a <= 0xf4 ? 4 : 0;
	if (n == 0 || n > len)
		return 0;
	if (a == 0xe0)
		lo = 0xa0;
	else if (a == 0xed)
		hi = 0x9f;
	else if (a == 0xf0)
		lo = 0x90;
	else if (a == 0xf4)
		hi = 0x8f;
	if (data[1] < lo || data[1] > hi)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((data[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool
text_is_utf8(const uint8_t *data, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_sequence(data + i, len - i);
		if (n == 0)
			return false;
	}
	return true;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
base64_encode(const uint8_t *data, size_t len)
{
	char *text = malloc((len + 2) / 3 * 4 + 1), *p = text;

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)data[i] << 16;

		v |= i + 1 < len ? (uint32_t)data[i + 1] << 8 : 0;
		v |= i + 2 < len ? data[i + 2] : 0;
		*p++ = alphabet[v >> 18];
		*p++ = alphabet[v >> 12 & 63];
		*p++ = i + 1 < len ? alphabet[v >> 6 & 63] : '=';
		*p++ = i + 2 < len ? alphabet[v & 63] : '=';
	}
	*p = '\0';
	return text;
}

static int
digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters to up to three bytes; pad = how many '=' close the group. */
static bool
decode_group(const char *text, unsigned pad, uint8_t *out)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 4; i++) {
		int d = i < 4 - pad ? digit(text[i]) : 0;

		if (d < 0)
			return false;
		v = v << 6 | (uint32_t)d;
	}
	out[0] = (uint8_t)(v >> 16);
	if (pad < 2)
		out[1] = (uint8_t)(v >> 8);
	if (pad < 1)
		out[2] = (uint8_t)v;
	/* Bits that stand for nothing have to be zero, so that each value has one spelling. */
	return pad == 0 || (v & (pad == 1 ? 0xffu : 0xffffu)) == 0;
}

uint8_t *
base64_decode(const char *text, size_t len, size_t *out_len, bool *bad)
{
	unsigned pad = len < 4 || text[len - 1] != '=' ? 0 : text[len - 2] != '=' ? 1 : 2;
	uint8_t *out;

	*bad = len % 4 != 0;
	if (*bad)
		return NULL;
	*out_len = len / 4 * 3 - pad;
	out = malloc(*out_len + 1);
	for (size_t i = 0; out != NULL && i < len; i += 4) {
		if (!decode_group(text + i, i + 4 == len ? pad : 0, out + i / 4 * 3)) {
			*bad = true;
			free(out);
			return NULL;
		}
	}
	return out;
}

json_t *
bytes_json(const uint8_t *data, size_t len)
{
	char *text;
	json_t *json;

	if (text_is_utf8(data, len))
		return json_pack("{s:s, s:s%}", "encoding", "utf-8", "data",
				 len ? (const char *)data : "", len);
	text = base64_encode(data, len);
	if (text == NULL)
		return NULL;
	json = json_pack("{s:s, s:s}", "encoding", "base64", "data", text);
	free(text);
	return json;
}

json_t *
u64_json(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}
