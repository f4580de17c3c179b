/* SPDX-License-Identifier: ISC */
/* setup.h: from a configuration to a VM that is ready to start. */
#ifndef TINE_VMM_SETUP_H
#define TINE_VMM_SETUP_H

#include "console.h"
#include "vm.h"
#include "vmm.h"

#define SANDBOX_MEMORY_DEFAULT_MIB 256u

/* Check the host and the configuration, build the root image, make the VM. */
int sandbox_setup(struct vm *vm, const struct sandbox_config *config, struct console *console,
		  struct tine_error *error);
/* The same once sandbox_config_check() and host_require() have agreed. */
int sandbox_setup_checked(struct vm *vm, const struct sandbox_config *config,
			  struct console *console, struct tine_error *error);

/* The same for a clone, in a VM that vm_prepare() has made; mapped: see vm_options. */
int sandbox_setup_prepared(struct vm *vm, const struct sandbox_config *config,
			   struct console *console, struct guest_mem *mapped,
			   struct tine_error *error);
/* What the configuration says of the VM, but for its root image. */
void sandbox_options(const struct sandbox_config *config, struct console *console,
		     struct vm_options *options);

#endif
