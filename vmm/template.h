/* SPDX-License-Identifier: ISC */
/*
 * template.h: a frozen sandbox: one file (memfd or on disk) and, unless that holds it, its root
 * image.
 *
 * Layout: struct template_head as far as its last launch, then from TEMPLATE_DATA on page-aligned
 * pieces of RAM.  RAM is counted from 0 through low and high RAM without the hole ("RAM offset").
 * In a memfd a piece lies at TEMPLATE_DATA plus its RAM offset; in a saved file pieces follow each
 * other, then the image, then the note of whoever saved it.
 */
#ifndef TINE_VMM_TEMPLATE_H
#define TINE_VMM_TEMPLATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto.h"
#include "vcpu_state.h"
#include "vmm.h"
#include "workset.h"

#define TEMPLATE_MAGIC "tine-tm"
#define TEMPLATE_VERSION 4u
#define TEMPLATE_DATA 0x10000u
#define TEMPLATE_EXTENTS 128u
#define TEMPLATE_LAUNCHES 256u
#define TEMPLATE_NOTE_MAX (16u << 20)

#define TEMPLATE_BASE 0x1u         /* no root is mounted: a clone brings its own */
#define TEMPLATE_ROOTFS_APART 0x2u /* the root image lies in rootfs_fd */

struct template_extent {
	uint64_t start, len; /* RAM offset, bytes; page multiples */
	uint64_t offset;     /* in the file */
	uint32_t crc;        /* saved files only */
	uint32_t pad;
};

struct template_stamp { /* which version of a file; for the cache */
	uint64_t dev, ino, size, mtime_ns;
};

struct template_head {
	char magic[8];
	uint32_t version, abi_version;
	uint32_t size; /* of this structure */
	uint32_t crc;  /* of what the file has of it, with 0 here */
	uint32_t flags;
	uint32_t cpu_hash;
	uint64_t ram_low, ram_high;
	uint64_t rootfs_size;   /* 0: none */
	uint64_t rootfs_offset; /* in the file, or in one of its own */
	uint32_t rootfs_crc;    /* saved files only */
	uint32_t kernel_crc;    /* of the kernel's image file */
	uint64_t kernel_size;
	uint64_t kernel_start, kernel_data, kernel_end; /* guest-physical; struct kernel_image */
	uint64_t tsc_khz;
	uint64_t generation; /* clones have one more */
	struct template_stamp kernel, program;
	uint64_t note_offset; /* saved files only, as are its size and checksum */
	uint32_t note_size, note_crc;
	uint32_t nextents, nlaunches;
	struct vcpu_state cpu;
	struct tine_stats stats;
	struct template_extent extent[TEMPLATE_EXTENTS]; /* ascending */
	struct proto_launch launch[TEMPLATE_LAUNCHES];   /* the file has nlaunches of them */
};

_Static_assert(sizeof(struct template_head) <= TEMPLATE_DATA, "the head fits before the data");

/* Only templates that a pool has been told to prefer have a use for a working set. */
enum workset_state { WORKSET_UNWANTED, WORKSET_WANTED, WORKSET_ASKED, WORKSET_KNOWN };

struct tine_template {
	atomic_uint refs;
	int fd;        /* owned */
	int rootfs_fd; /* owned; -1: none, or in fd */
	void *note;    /* owned; of a loaded one, head.note_size bytes */
	struct template_head head;
	/* In the process that made the clones; not part of the file. */
	atomic_int workset_state; /* enum workset_state */
	struct workset workset;   /* written by who has asked, before it is KNOWN */
};

/* Take over the descriptors (also on failure) of a template whose maker is not trusted; the head is
 * read and checked.  rootfs_fd -1: none. */
int template_open(int fd, int rootfs_fd, struct tine_template **out, struct tine_error *error);
/* Fill in what follows from the rest, and write it to the file. */
int template_write_head(int fd, struct template_head *head, struct tine_error *error);
/* How much of it the file has; nlaunches has been checked. */
size_t template_head_len(const struct template_head *head);
/* The extents of RAM that fd, a sparse file in the layout of a memfd, has data in. */
int template_find_extents(int fd, struct template_head *head, struct tine_error *error);
/* Checksums of RAM and image (saved files). */
int template_verify_data(const struct tine_template *tmpl, struct tine_error *error);
/* The descriptors that make it up, for template_open() in another process; how many. */
int template_fds(const struct tine_template *tmpl, int fds[2]);
/* Its clones will be waited for: the next one that answers is asked for its working set. */
void template_want_workset(struct tine_template *tmpl);
/* NULL as long as it is not known. */
const struct workset *template_workset(const struct tine_template *tmpl);
/* The file of the root image. */
int template_rootfs_fd(const struct tine_template *tmpl);
uint64_t template_data_bytes(const struct template_head *head);

/* template_base.c: template_base() for a kernel that is open already, or -1. */
int template_base_of(uint64_t memory_mib, const char *kernel, int kernel_fd,
		     struct tine_template **out, struct tine_error *error);
/* template_base.c: checksum and size of the kernel image at path. */
int template_kernel_sum(const char *path, uint32_t *crc, uint64_t *size, struct tine_error *error);
int template_file_sum(int fd, uint32_t *crc, uint64_t *size, struct tine_error *error);

#endif
