/* SPDX-License-Identifier: ISC */
/* programs.h: the programs of this project, found by where the running one lies. */
#ifndef TINE_VMM_PROGRAMS_H
#define TINE_VMM_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>

/* The folder of the running program, NULL where /proc does not say it. */
const char *program_folder(void);
/* The path of an executable that lies in the folder of the running one. */
bool program_beside(const char *name, char *path, size_t size);
/* What a VMM process executes: set by sandbox_set_program(), or `tine' beside the running program,
 * or that itself. */
const char *vmm_program(void);

#endif
