/* SPDX-License-Identifier: ISC */
/* host.h: refuse a host that cannot run sandboxes. */
#ifndef TINE_VMM_HOST_H
#define TINE_VMM_HOST_H

struct tine_error;

/* 0 if this host is capable, else -ENODEV: no-kvm, kvm-not-permitted, no-nested-paging,
 * kvm-capability. */
int host_require(struct tine_error *error);
/* The same, and *kvm_fd is /dev/kvm, opened for the caller. */
int host_open(int *kvm_fd, struct tine_error *error);

#endif
