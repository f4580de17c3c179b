/* SPDX-License-Identifier: ISC */
/* setup.c: check a sandbox's configuration and acquire all that it names. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "abi/boot.h"
#include "bootblock.h"
#include "gdb.h"
#include "host.h"
#include "image.h"
#include "phases.h"
#include "setup.h"
#include "template.h"

#define HOSTNAME_DEFAULT "tine"

static int
check_file(const struct rootfs_file *file, struct tine_error *error)
{
	if (file->guest_path == NULL || file->guest_path[0] != '/' ||
	    file->guest_path[strspn(file->guest_path, "/")] == '\0')
		return tine_error_set(error, EINVAL, "rootfs-path",
				      "\"%s\" is not the absolute path of a file in the sandbox",
				      file->guest_path != NULL ? file->guest_path : "");
	if (file->host_path == NULL || (file->fd == 0 && access(file->host_path, R_OK) != 0))
		return tine_error_set(error, file->host_path != NULL ? errno : EINVAL, "not-found",
				      "%s: %s",
				      file->host_path != NULL ? file->host_path : "(no host path)",
				      file->host_path != NULL ? strerror(errno) : "missing");
	return 0;
}

static int
check_memory(uint64_t mib, struct tine_error *error)
{
	if (mib != 0 && (mib < TINE_RAM_MIN_MIB || mib > TINE_RAM_MAX_MIB))
		return tine_error_set(error, EINVAL, "memory-size",
				      "memory of %llu MiB; a sandbox has %u to %u MiB",
				      (unsigned long long)mib, TINE_RAM_MIN_MIB, TINE_RAM_MAX_MIB);
	return 0;
}

/* What a template has decided cannot be asked for again. */
static int
check_template(const struct sandbox_config *config, struct tine_error *error)
{
	bool base = (config->template->head.flags & TEMPLATE_BASE) != 0;

	if (config->memory_mib != 0 || config->kernel != NULL || config->trace ||
	    (!base && (config->rootfs != NULL || config->nfiles != 0)))
		return tine_error_set(error, EINVAL, "template-config",
				      "memory, kernel%s and trace are the template's: they cannot "
				      "be given",
				      base ? "" : ", root file system");
	return 0;
}

int
sandbox_config_check(const struct sandbox_config *config, struct tine_error *error)
{
	int r = check_memory(config->memory_mib, error);

	if (r == 0 && config->template != NULL)
		r = check_template(config, error);

	if (r == 0)
		r = bootblock_check(config->hostname != NULL ? config->hostname : HOSTNAME_DEFAULT,
				    config->params, error);
	if (r == 0 && config->rootfs != NULL && access(config->rootfs, R_OK) != 0)
		r = tine_error_set(error, errno,
				   errno == ENOENT || errno == ENOTDIR ? "rootfs-not-found"
								       : "rootfs-unreadable",
				   "root file system %s: %s", config->rootfs, strerror(errno));
	if (r == 0 && config->kernel != NULL && access(config->kernel, R_OK) != 0)
		r = tine_error_set(error, errno, "no-kernel", "guest kernel %s: %s", config->kernel,
				   strerror(errno));
	for (size_t i = 0; r == 0 && i < config->nfiles; i++)
		r = check_file(&config->files[i], error);
	if (r == 0 && config->gdb != NULL)
		r = gdb_address_check(config->gdb, error);
	return r;
}

void
sandbox_options(const struct sandbox_config *config, struct console *console,
		struct vm_options *options)
{
	uint64_t mib = config->memory_mib != 0 ? config->memory_mib : SANDBOX_MEMORY_DEFAULT_MIB;

	*options = (struct vm_options){
	    .kernel = config->kernel,
	    .memory_bytes = mib << 20,
	    .rootfs_fd = -1,
	    .hostname = config->hostname != NULL ? config->hostname : HOSTNAME_DEFAULT,
	    .params = config->params,
	    .id = config->id,
	    .boot_flags =
		(config->events ? TINE_BOOT_EVENTS : 0) | (config->trace ? TINE_BOOT_TRACE : 0),
	    .console = console,
	    .jailed = config->jail != JAIL_NONE,
	    .debug = config->gdb != NULL,
	    .alone = config->alone,
	    .symbols_fd = config->symbols_fd,
	    .kvm_fd = config->kvm_fd,
	};
}

static bool
brings_rootfs(const struct sandbox_config *config)
{
	return config->template == NULL || (config->template->head.flags & TEMPLATE_BASE) != 0;
}

/* The configuration has been checked. */
static int
clone_template(struct vm *vm, const struct sandbox_config *config, struct console *console,
	       struct guest_mem *mapped, struct tine_error *error)
{
	struct image image = {.fd = -1};
	struct vm_options options;
	int r = 0;

	sandbox_options(config, console, &options);
	options.mapped = mapped;
	if (brings_rootfs(config)) {
		r = image_open(&image, config->rootfs, config->files, config->nfiles, error);
		phase_end(START_IMAGE);
	}
	options.rootfs_fd = image.fd;
	options.rootfs_size = image.size;
	if (r == 0)
		r = vm_clone(vm, config->template, &options, error);
	if (r != 0)
		vm_destroy(vm);
	if (image.fd >= 0)
		image_close(&image);
	return r;
}

int
sandbox_setup_prepared(struct vm *vm, const struct sandbox_config *config, struct console *console,
		       struct guest_mem *mapped, struct tine_error *error)
{
	int r = sandbox_config_check(config, error);

	if (r == 0)
		return clone_template(vm, config, console, mapped, error);
	vm_destroy(vm);
	return r;
}

static int
boot(struct vm *vm, const struct sandbox_config *config, struct console *console,
     struct tine_error *error)
{
	struct vm_options options;
	char found[PATH_MAX];
	struct image image;
	int r = 0;

	sandbox_options(config, console, &options);
	if (options.kernel == NULL) {
		r = kernel_find(found, sizeof(found), error);
		options.kernel = found;
	}
	if (r == 0)
		r = image_open(&image, config->rootfs, config->files, config->nfiles, error);
	phase_end(START_IMAGE);
	if (r != 0)
		return r;
	options.rootfs_fd = image.fd;
	options.rootfs_size = image.size;
	r = vm_create(vm, &options, error);
	image_close(&image);
	return r;
}

int
sandbox_setup(struct vm *vm, const struct sandbox_config *config, struct console *console,
	      struct tine_error *error)
{
	int r = sandbox_config_check(config, error);

	if (r == 0)
		r = host_require(error);
	return r == 0 ? sandbox_setup_checked(vm, config, console, error) : r;
}

int
sandbox_setup_checked(struct vm *vm, const struct sandbox_config *config, struct console *console,
		      struct tine_error *error)
{
	struct vm_options options;
	int r;

	if (config->template == NULL)
		return boot(vm, config, console, error);
	sandbox_options(config, console, &options);
	r = vm_prepare(vm, &options, error);
	return r == 0 ? clone_template(vm, config, console, NULL, error) : r;
}
