/* SPDX-License-Identifier: ISC */
/* process_clone.c: what a template remembers of a launch, and the launch in a clone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "sandbox.h"

void
launch_record(const struct api_process *p, struct launch_record *r)
{
	*r = (struct launch_record){.launch = p->node.id,
				    .state = p->state,
				    .pid = p->pid,
				    .exited = p->exited,
				    .uid = p->uid,
				    .gid = p->gid,
				    .tty = p->tty,
				    .merged = p->merged,
				    .in_open = p->in.open && !p->in.ended,
				    .argv = json_incref(p->argv),
				    .cwd = p->cwd != NULL ? strdup(p->cwd) : NULL};
	for (unsigned i = 0; i < 2; i++) {
		r->out[i].cap = p->out[i].cap;
		r->out[i].block = p->out[i].block;
		r->out[i].eof = p->out[i].eof;
		r->out[i].credit = p->out[i].granted - p->out[i].end;
	}
}

void
launch_record_fini(struct launch_record *r)
{
	json_decref(r->argv);
	free(r->cwd);
}

int
process_restore(struct api_sandbox *sb, const struct launch_record *r)
{
	struct api_process *p = process_alloc(sb, r->launch);

	if (p == NULL)
		return -ENOMEM;
	p->state = r->state;
	p->pid = r->pid;
	p->exited = r->exited;
	p->uid = r->uid;
	p->gid = r->gid;
	p->tty = r->tty;
	p->merged = r->merged;
	p->argv = json_incref(r->argv);
	p->cwd = r->cwd != NULL ? strdup(r->cwd) : NULL;
	for (unsigned i = 0; i < 2; i++) {
		outbuf_init(&p->out[i], r->out[i].cap, r->out[i].block);
		p->out[i].granted = r->out[i].credit;
		/* What was on its way when the original was frozen is not known exactly here; the
		 * VMM's own ledger is exact and bounds the guest. */
		p->out[i].lenient = true;
		p->out[i].eof = r->out[i].eof;
	}
	inbuf_init(&p->in, r->in_open);
	return 0;
}

/* The clone goes on: its programs get the credit that they have to have. */
void
process_resume(struct api_process *p)
{
	if (p->in.open)
		p->in.credit = sandbox_stdin_credit(p->sandbox->vm, p->node.id);
	for (unsigned i = 0; i < 2; i++)
		process_consumed(p, i, 0);
	process_feed(p);
}
