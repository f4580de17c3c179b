/* SPDX-License-Identifier: ISC */
/*
 * contract_main.c: check one answer from a shell script:
 *
 *	contract OPENAPI METHOD PATH STATUS CONTENT-TYPE < BODY
 */
#include <stdio.h>
#include <stdlib.h>

#include "contract.h"

int
main(int argc, char **argv)
{
	static char body[8 << 20];
	struct contract c = {0};
	size_t len;
	bool ok;

	if (argc != 6) {
		fprintf(stderr, "usage: contract OPENAPI METHOD PATH STATUS CONTENT-TYPE < BODY\n");
		return 2;
	}
	len = fread(body, 1, sizeof(body), stdin);
	if (!contract_load(&c, argv[1])) {
		fprintf(stderr, "contract: %s\n", c.why);
		return 2;
	}
	ok = contract_check(&c, argv[2], argv[3], atoi(argv[4]), argv[5], body, len);
	if (!ok)
		fprintf(stderr, "contract: %s %s -> %s: %s\n", argv[2], argv[3], argv[4], c.why);
	contract_free(&c);
	return !ok;
}
