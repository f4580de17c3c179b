/* SPDX-License-Identifier: ISC */
/* vmfork.h: programs that ask for a clone or a template of their own sandbox. */
#ifndef TINE_API_VMFORK_H
#define TINE_API_VMFORK_H

#include <stdint.h>

#define VMFORKS_MAX 64u /* that a sandbox can be allowed */

struct api_sandbox;
struct api_template;

struct vmfork_request { /* one that is being served */
	uint32_t call;  /* its id; 0: there is none */
	uint32_t kind;  /* enum tine_vmfork_kind */
	uint8_t id[16]; /* of the clone, or (its first half) of the template */
};

/* TINE_MSG_VMFORK: 0, or -EPROTO when the guest breaks the rules, -EPIPE when it has gone. */
int vmfork_asked(struct api_sandbox *sb, uint32_t kind);
/* The freeze of this id has ended; t is NULL if it has failed. */
void vmfork_frozen(struct api_sandbox *sb, uint32_t id, struct api_template *t);

#endif
