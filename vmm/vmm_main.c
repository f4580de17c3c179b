/* SPDX-License-Identifier: ISC */
/*
 * vmm_main.c: `tine-vmm`: the program of a VMM process, without what only the daemon needs.
 *
 * The libraries of the daemon take longer to load than a sandbox to clone, and stay in memory.
 */
#include <string.h>

#include "vmm.h"

/* Started as `tine vmm ...', as sandbox_spawn() would start tine itself. */
int
main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "vmm") != 0)
		return 2;
	return vmm_cmd_vmm(argc - 1, argv + 1);
}
