/* SPDX-License-Identifier: ISC */
/* host.c: does this host offer hardware virtualisation with nested paging, and all that the VMM
 * needs of KVM? */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"
#include "vmm.h"

#define WAY_OUT                                                                                    \
	"; programs can still run in the emulated machine: use ./run (or tests/machine/npt) "      \
	"from a checkout of tine"

/* The newest comes last. */
static const struct needed_cap {
	long cap;
	const char *name;
} needed_caps[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM"},
    {KVM_CAP_SPLIT_IRQCHIP, "KVM_CAP_SPLIT_IRQCHIP"},
    {KVM_CAP_SIGNAL_MSI, "KVM_CAP_SIGNAL_MSI"},
    {KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD"},
    {KVM_CAP_TSC_DEADLINE_TIMER, "KVM_CAP_TSC_DEADLINE_TIMER"},
    {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
    {KVM_CAP_ADJUST_CLOCK, "KVM_CAP_ADJUST_CLOCK"},
    {KVM_CAP_GET_TSC_KHZ, "KVM_CAP_GET_TSC_KHZ"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
};

enum { NEEDED_CAPS = sizeof(needed_caps) / sizeof(needed_caps[0]) };

static void __attribute__((format(printf, 2, 3)))
missing(struct host_info *info, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(info->detail, sizeof(info->detail) - sizeof(WAY_OUT), fmt, ap);
	va_end(ap);
	n = strlen(info->detail);
	snprintf(info->detail + n, sizeof(info->detail) - n, "%s", WAY_OUT);
}

/* First character of a module parameter, 0 if the module or the parameter is not there. */
static char
module_param(const char *path)
{
	char c = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (read(fd, &c, 1) != 1)
		c = 0;
	close(fd);
	return c;
}

static bool
is_on(char c)
{
	return c == 'Y' || c == 'y' || c == '1';
}

static void
probe_paging(struct host_info *info)
{
	/* Of the two modules only that of the processor's vendor can be there. */
	char ept =
	    __builtin_cpu_is("amd") ? 0 : module_param("/sys/module/kvm_intel/parameters/ept");
	char npt = ept != 0 ? 0 : module_param("/sys/module/kvm_amd/parameters/npt");
	bool known = ept != 0 || npt != 0;
	bool intel = ept != 0 || (!known && access("/sys/module/kvm_intel", F_OK) == 0);
	bool amd = npt != 0 || (!known && access("/sys/module/kvm_amd", F_OK) == 0);

	if (intel || amd) {
		snprintf(info->vendor, sizeof(info->vendor), "%s", intel ? "intel" : "amd");
		info->nested_paging = is_on(intel ? ept : npt);
	} else if (access("/sys/module/kvm", F_OK) == 0 || info->kvm_present) {
		snprintf(info->vendor, sizeof(info->vendor), "software");
	}
	if (info->nested_paging)
		snprintf(info->paging, sizeof(info->paging), "%s", intel ? "ept" : "npt");
}

/* Nothing that they are answered by depends on more than the version of Linux: a kernel with the
 * newest has the others, and a start asks for that one only. */
static void
probe_caps(int kvm, bool all, struct host_info *info)
{
	int version = ioctl(kvm, KVM_GET_API_VERSION, 0);

	if (version != KVM_API_VERSION) {
		missing(info, "/dev/kvm speaks API version %d, version %d is needed", version,
			KVM_API_VERSION);
		return;
	}
	for (size_t i = all ? 0 : NEEDED_CAPS - 1; i < NEEDED_CAPS; i++)
		if (ioctl(kvm, KVM_CHECK_EXTENSION, needed_caps[i].cap) <= 0) {
			missing(info,
				"KVM of this host lacks %s; a Linux kernel of 4.13 or newer has it",
				needed_caps[i].name);
			return;
		}
	info->capable = info->nested_paging;
}

static void
explain_open(struct host_info *info, int err)
{
	if (err == ENOENT)
		missing(info, "there is no /dev/kvm: load the module kvm_intel or kvm_amd, or turn "
			      "virtualisation (VT-x, AMD-V) on in the firmware, or nested "
			      "virtualisation on for "
			      "this virtual machine");
	else if (err == EACCES || err == EPERM)
		missing(info, "no permission to open /dev/kvm: become a member of its group "
			      "(usermod -aG kvm USER, then log in again)");
	else
		missing(info, "/dev/kvm cannot be opened: %s", strerror(err));
}

static void
explain_paging(struct host_info *info)
{
	if (strcmp(info->vendor, "software") == 0)
		missing(info, "KVM of this host works without nested paging (neither kvm_intel nor "
			      "kvm_amd is loaded: a software KVM)");
	else
		missing(info,
			"nested paging (%s) is off: the parameter %s of module kvm_%s is not on; "
			"the CPU "
			"lacks it, or the module was loaded with %s=0",
			strcmp(info->vendor, "intel") == 0 ? "EPT" : "NPT",
			strcmp(info->vendor, "intel") == 0 ? "ept" : "npt", info->vendor,
			strcmp(info->vendor, "intel") == 0 ? "ept" : "npt");
}

/* What host_probe() does; /dev/kvm, or -1. */
static int
probe(bool all, struct host_info *info)
{
	int kvm, err;

	memset(info, 0, sizeof(*info));
	snprintf(info->vendor, sizeof(info->vendor), "none");
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	err = errno;
	info->kvm_present = kvm >= 0 || (err != ENOENT && err != ENOTDIR);
	probe_paging(info);
	if (kvm < 0) {
		explain_open(info, err);
		return -1;
	}
	info->kvm_usable = true;
	if (!info->nested_paging)
		explain_paging(info);
	else
		probe_caps(kvm, all, info);
	return kvm;
}

void
host_probe(struct host_info *info)
{
	int kvm = probe(true, info);

	if (kvm >= 0)
		close(kvm);
}

static atomic_bool seen; /* a capable host; it does not go away while a process lives */

int
host_require(struct tine_error *error)
{
	int kvm, r;

	if (atomic_load(&seen))
		return 0;
	r = host_open(&kvm, error);
	if (r == 0)
		close(kvm);
	return r;
}

int
host_open(int *kvm_fd, struct tine_error *error)
{
	const char *type = "no-nested-paging";
	struct host_info info;

	*kvm_fd = probe(false, &info);
	atomic_store(&seen, info.capable);
	if (info.capable)
		return 0;
	if (*kvm_fd >= 0)
		close(*kvm_fd);
	if (!info.kvm_present)
		type = "no-kvm";
	else if (!info.kvm_usable)
		type = "kvm-not-permitted";
	else if (info.nested_paging)
		type = "kvm-capability";
	return tine_error_set(error, ENODEV, type, "%s", info.detail);
}
