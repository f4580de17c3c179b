/* SPDX-License-Identifier: ISC */
/*
 * fuzz_target.c: a program with a fault in it, at the point where it gets its input.
 *
 * examples/host/fuzz.c has it frozen there; each clone reads one input to its end and looks at it.
 * The fault: a length in the input that is believed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tine.h>
#include <unistd.h>

/* "tag" 'L' length bytes...: the sum of the bytes. */
static unsigned
parse(const uint8_t *in, size_t len)
{
	uint8_t copy[16];
	unsigned sum = 0, n;

	if (len < 5 || memcmp(in, "tag", 3) != 0 || in[3] != 'L')
		return 0;
	n = in[4];
	/* The planted fault is one of logic, so that no compiler makes it go away. */
	if (n > sizeof(copy))
		abort();
	memcpy(copy, in + 5, n < len - 5 ? n : len - 5);
	for (unsigned i = 0; i < n && i < len - 5; i++)
		sum += copy[i];
	return sum;
}

int
main(void)
{
	uint8_t input[4096];
	size_t len = 0;
	ssize_t n;
	long id;

	/* Here a real target would read its configuration, load its plugins, ... */
	id = tine_freeze();
	if (id < 0) {
		perror("tine_freeze");
		return 1;
	}
	if (id > 0) {
		printf("%016lx\n", (unsigned long)id);
		return 0;
	}
	while (len < sizeof(input) && (n = read(0, input + len, sizeof(input) - len)) > 0)
		len += (size_t)n;
	return parse(input, len) == 0;
}
