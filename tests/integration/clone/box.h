/* SPDX-License-Identifier: ISC */
/* box.h: a sandbox of a test, and what its program has said. */
#ifndef BOX_H
#define BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "vmm/vmm.h"

#define MEMORY_MIB 64u
#define LAUNCH_ID 7u

struct box {
	struct sandbox *sb;
	char out[4 * TINE_MSG_FRAG];
	size_t len;
	bool ready, launched, exited, frozen, reset;
	unsigned resets; /* done */
	bool answered;   /* a REPLY has come */
	uint32_t arg;    /* of FROZEN, RESET, the last REPLY */
	struct vmm_started started;
	struct vmm_frozen report;
	int status;
	bool asked, asked_again;          /* a program has called vmfork(), and once more */
	uint64_t first_event, last_event; /* their numbers; 0: none has come */
};

extern const char *program; /* of the host, becomes /inside */
extern bool events;         /* sandboxes that are spawned from now on report them */
extern struct tine_error error;

/* End the test. */
void fail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void need(int r, const char *what);
uint64_t now_ns(clockid_t clock);

struct tine_template *base(void);
/* Until it has as many idle processes as it is to have. */
void fill_pool(struct sandbox_pool *pool);
/* tmpl NULL: booted; pool, hostname, params may be NULL. */
int try_spawn(struct box *b, struct tine_template *tmpl, struct sandbox_pool *pool,
	      const char *hostname, const char *const *params);
void spawn(struct box *b, struct tine_template *tmpl, struct sandbox_pool *pool,
	   const char *hostname, const char *const *params);
void launch_argv(struct box *b, const char *const *argv);
/* /inside WHAT; "loop" is waited for. */
void launch(struct box *b, const char *what);
/* A line for the program; what it has said before is forgotten. */
void type(struct box *b, const char *line);
/* Ask the loop who it is: id is random bytes and the boot's id; the time is checked. */
void ask_identity(struct box *b, char id[256]);
/* Serve the sandbox until *flag, or text in its output; either may be NULL. */
void serve_until(struct box *b, const bool *flag, const char *text);
/* Wait until the sandbox has taken all that it was sent, by a request that it answers after that.
 */
void let_settle(struct box *b);
/* Back to its template, until it goes on; what its programs have said is forgotten. */
void reset_clone(struct box *b, uint32_t id);
/* answer, value: as sandbox_freeze() */
struct tine_template *freeze(struct box *b, bool answer, uint64_t value);

#endif
