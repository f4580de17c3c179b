/* SPDX-License-Identifier: ISC */
/* check.c: `tine check`: print what host_probe() found. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "vmm.h"

static const char usage_text[] =
    "usage: tine check [OPTION]...\n"
    "\n"
    "Say whether this host can run sandboxes, and if not, what is missing.\n"
    "\n"
    "      --json            print JSON\n"
    "  -h, --help            this text\n";

static void
print_json(const struct host_info *info)
{
	json_t *root = json_pack("{s:b, s:b, s:b, s:b, s:s, s:s, s:s}", "kvm_present",
				 info->kvm_present, "kvm_usable", info->kvm_usable, "nested_paging",
				 info->nested_paging, "capable", info->capable, "vendor",
				 info->vendor, "paging", info->paging, "detail", info->detail);

	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

static void
print_text(const struct host_info *info)
{
	printf("/dev/kvm        %s\n", !info->kvm_present ? "missing"
				       : info->kvm_usable ? "usable"
							  : "not permitted");
	printf("virtualisation  %s\n", info->vendor);
	printf("nested paging   %s\n", info->nested_paging ? info->paging : "no");
	printf("sandboxes       %s\n", info->capable ? "can run here" : "cannot run here");
	if (info->detail[0] != '\0')
		printf("\n%s\n", info->detail);
}

int
vmm_cmd_check(int argc, char **argv)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	struct host_info info;
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c != 'j') {
			fputs(usage_text, c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : 2;
		}
		json = true;
	}
	if (optind != argc) {
		fputs(usage_text, stderr);
		return 2;
	}
	host_probe(&info);
	(json ? print_json : print_text)(&info);
	return info.capable ? 0 : 1;
}
