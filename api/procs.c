/* SPDX-License-Identifier: ISC */
/* procs.c: fetch a process list in the batches that the guest sends. */
#include "procs.h"

#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "sandbox.h"

#define BATCH 256u /* entries of one answer, at most; fewer: there are no more */

struct procs {
	struct tine_procinfo *list;
	size_t n, want;
	int32_t last; /* greatest pid so far */
	void (*done)(struct request *req, const struct tine_procinfo *list, size_t n);
};

static void
procs_free(void *ctx)
{
	struct procs *procs = ctx;

	free(procs->list);
	free(procs);
}

/* Copy a batch; pids have to ascend, or a hostile guest could make us ask for ever. */
static int
append(struct procs *procs, const uint8_t *data, size_t len)
{
	size_t n = len / sizeof(*procs->list);
	struct tine_procinfo *list;

	if (len % sizeof(*procs->list) != 0 || n > BATCH)
		return -1;
	list = reallocarray(procs->list, procs->n + n + 1, sizeof(*list));
	if (list == NULL)
		return -1;
	procs->list = list;
	if (len > 0)
		memcpy(list + procs->n, data, len);
	for (size_t i = 0; i < n; i++) {
		if (list[procs->n].pid <= procs->last)
			return -1;
		procs->last = list[procs->n++].pid;
	}
	return 0;
}

static void
on_batch(struct request *req, int errnum, const uint8_t *data, size_t len)
{
	struct procs *procs = req->ctx;
	size_t before = procs->n;

	if (errnum != 0) {
		problem_from_guest(&req->problem, PROBLEM_GUEST_REFUSED, errnum, "processes");
		reply_problem(req);
	} else if (append(procs, data, len) < 0) {
		api_sandbox_violation(req->sandbox, "a bad process list of %zu bytes", len);
		api_sandbox_problem(req->sandbox, &req->problem);
		reply_problem(req);
	} else if (procs->n >= procs->want || procs->n - before < BATCH) {
		procs->done(req, procs->list, procs->n);
	} else {
		request_call(req, TINE_MSG_PROCS, (uint32_t)procs->last, NULL, 0, on_batch);
	}
}

void
procs_fetch(struct request *req, int32_t after, size_t want,
	    void (*done)(struct request *req, const struct tine_procinfo *list, size_t n))
{
	struct procs *procs = calloc(1, sizeof(*procs));

	if (procs == NULL) {
		request_fail(req, PROBLEM_OUT_OF_MEMORY, "no memory");
		return;
	}
	*procs = (struct procs){.want = want, .last = after, .done = done};
	req->ctx = procs;
	req->ctx_free = procs_free;
	request_call(req, TINE_MSG_PROCS, (uint32_t)after, NULL, 0, on_batch);
}
