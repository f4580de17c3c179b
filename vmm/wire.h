/* SPDX-License-Identifier: ISC */
/* wire.h: the control socket between a VMM process and the daemon: one record per packet. */
#ifndef TINE_VMM_WIRE_H
#define TINE_VMM_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rings.h"

struct tine_error;

#define WIRE_FDS 4

/* Send header and payload (adjacent, n bytes) with nfds descriptors: 0, -EAGAIN, -EPIPE. */
int wire_send(int fd, const uint8_t *bytes, size_t n, const int *fds, int nfds);
/* The same for one whose payload of hdr->len bytes lies apart. */
int wire_send_record(int fd, const struct tine_msg *hdr, const void *payload);
/* Receive one record: 1, 0 when nothing is there, -EPIPE at the end, -EPROTO.  *nfds descriptors
 * come with it, close-on-exec; with fds NULL any that come are closed. */
int wire_recv(int fd, struct record *rec, int fds[WIRE_FDS], int *nfds, struct tine_error *error);
/* The same, waiting for it. */
int wire_recv_wait(int fd, struct record *rec, int fds[WIRE_FDS], int *nfds);

#endif
