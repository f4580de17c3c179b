/* SPDX-License-Identifier: ISC */
/*
 * call.h: requests to a guest kernel that are answered by TINE_MSG_REPLY.
 *
 * A call belongs to its sandbox: one whose asker has gone stays until its answer comes, so that a
 * late answer is known from one that nobody asked for.
 */
#ifndef TINE_API_CALL_H
#define TINE_API_CALL_H

#include <stddef.h>
#include <stdint.h>

#include "idmap.h"

struct api_sandbox;
struct request;

struct guest_call {
	struct idnode node;
	struct request *req; /* NULL: nobody waits any more */
	void (*done)(struct request *req, int errnum, const uint8_t *data, size_t len);
};

/* Ask, and make req wait; done replies (or goes on).  When no answer comes in time, or the sandbox
 * ends, the request is answered with a problem and done is not called. */
void request_call(struct request *req, uint16_t type, uint32_t arg, const void *payload, size_t len,
		  void (*done)(struct request *, int errnum, const uint8_t *data, size_t len));

/* Freeze the request's sandbox; done gets the errno, and finds the template in sandbox->frozen. */
void request_freeze(struct request *req,
		    void (*done)(struct request *, int errnum, const uint8_t *data, size_t len));

/* A REPLY to this id will come and nobody waits for it: 0 or -ENOMEM. */
int call_expect(struct api_sandbox *sb, uint32_t id);

/* The request ends: forget it. */
void call_detach(struct request *req);

/* A reply of the guest: 0, -EPROTO if nobody asked. */
int calls_on_reply(struct api_sandbox *sb, uint32_t id, uint32_t errnum, const uint8_t *data,
		   size_t len);

/* The sandbox is over or reset: no more answers.  Who waits hears it from sandbox->changed. */
void calls_drop(struct api_sandbox *sb);

#endif
