/* SPDX-License-Identifier: ISC */
/* cli_tty.h: the user's terminal while a program in a sandbox has it. */
#ifndef TINE_API_CLI_TTY_H
#define TINE_API_CLI_TTY_H

#include <stdint.h>

/* Raw mode; restored by cli_tty_restore(), at exit too.  0 or -errno. */
int cli_tty_raw(int fd);
void cli_tty_restore(void);
/* Size of the terminal; 24 x 80 if it does not tell. */
void cli_tty_size(int fd, uint16_t *rows, uint16_t *cols);

#endif
