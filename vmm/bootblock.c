/* SPDX-License-Identifier: ISC */
/* bootblock.c: fill the boot block, of a cold boot or of a clone. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <time.h>

#include "abi/boot.h"
#include "bootblock.h"
#include "vm.h"

_Static_assert(sizeof(struct tine_bootblock) + TINE_BOOT_PARAMS_MAX <= TINE_SHARED_BOOT_SIZE,
	       "its place in the shared region");

static int
check_hostname(const char *hostname, struct tine_error *error)
{
	size_t n = strlen(hostname);

	if (n == 0 || n >= TINE_HOSTNAME_MAX)
		return tine_error_set(error, EINVAL, "bad-hostname",
				      "a host name has 1 to %u bytes, not %zu",
				      TINE_HOSTNAME_MAX - 1, n);
	return 0;
}

int
bootblock_check(const char *hostname, const char *const *params, struct tine_error *error)
{
	size_t used = 0;
	int r = check_hostname(hostname, error);

	for (size_t i = 0; r == 0 && params != NULL && params[i] != NULL; i++) {
		const char *eq = strchr(params[i], '=');

		if (eq == NULL || eq == params[i])
			return tine_error_set(error, EINVAL, "bad-sysctl",
					      "\"%s\" is not of the form NAME=VALUE", params[i]);
		used += strlen(params[i]) + 1;
		if (used > TINE_BOOT_PARAMS_MAX)
			return tine_error_set(error, E2BIG, "bad-sysctl",
					      "sysctl settings take more than %u bytes",
					      TINE_BOOT_PARAMS_MAX);
	}
	return r;
}

/* bootblock_check() has seen that they fit; their length. */
static uint32_t
copy_params(char *to, const char *const *params)
{
	uint32_t len = 0;

	for (size_t i = 0; params != NULL && params[i] != NULL; i++) {
		size_t n = strlen(params[i]) + 1;

		memcpy(to + len, params[i], n);
		len += (uint32_t)n;
	}
	return len;
}

/* getrandom() never returns less than asked for up to 256 bytes once the pool is initialised. */
static int
random_bytes(void *buf, size_t len, struct tine_error *error)
{
	if (getrandom(buf, len, 0) != (ssize_t)len)
		return tine_error_set(error, errno, "no-random", "getrandom: %s", strerror(errno));
	return 0;
}

static int
set_identity(struct tine_bootblock *bb, const uint8_t *id, struct tine_error *error)
{
	static const uint8_t none[16];
	struct {
		uint8_t seed[sizeof(bb->seed)], id[sizeof(bb->sandbox_id)];
	} fresh;
	bool given = id != NULL && memcmp(id, none, sizeof(none)) != 0;
	/* Up to 32 bytes take the host's kernel half as long as more. */
	int r = random_bytes(&fresh, given ? sizeof(fresh.seed) : sizeof(fresh), error);

	memcpy(bb->seed, fresh.seed, sizeof(fresh.seed));
	explicit_bzero(fresh.seed, sizeof(fresh.seed));
	memcpy(bb->sandbox_id, given ? id : fresh.id, sizeof(bb->sandbox_id));
	return r;
}

/* The two clocks of one moment: newer kernels can say it. */
static void
read_clocks(const struct vm *vm, struct tine_bootblock *bb)
{
	struct kvm_clock_data kvmclock = {0};
	struct timespec now;

	if (ioctl(vm->vm_fd, KVM_GET_CLOCK, &kvmclock) == 0)
		bb->kvmclock_ns = kvmclock.clock;
	if ((kvmclock.flags & KVM_CLOCK_REALTIME) != 0) {
		bb->realtime_ns = kvmclock.realtime;
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	bb->realtime_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int
bootblock_write(const struct vm *vm, const struct vm_options *options, struct tine_error *error)
{
	uint8_t *place = vm->mem.shared + TINE_SHARED_BOOT;
	struct tine_bootblock bb;
	int r;

	memset(&bb, 0, sizeof(bb));
	bb.magic = TINE_BOOT_MAGIC;
	bb.abi_version = TINE_ABI_VERSION;
	bb.size = sizeof(bb);
	bb.flags = options->boot_flags;
	bb.ram_low = vm->mem.region[MEM_LOW].size;
	bb.ram_high = vm->mem.region[MEM_HIGH].size;
	bb.kernel_start = vm->kernel.start;
	bb.kernel_end = vm->kernel.end;
	bb.rootfs_size = vm->mem.region[MEM_ROOTFS].size;
	bb.tsc_khz = vm->tsc_khz;
	bb.generation = vm->generation;
	read_clocks(vm, &bb);
	memcpy(bb.hostname, options->hostname, strlen(options->hostname));
	bb.params_len =
	    copy_params((char *)place + offsetof(struct tine_bootblock, params), options->params);
	r = set_identity(&bb, options->id, error);
	if (r == 0)
		memcpy(place, &bb, sizeof(bb));
	explicit_bzero(&bb, sizeof(bb)); /* the seed */
	return r;
}
