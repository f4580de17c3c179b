/* SPDX-License-Identifier: ISC */
/* memory.h: guest-physical memory of a sandbox. */
#ifndef TINE_VMM_MEMORY_H
#define TINE_VMM_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tine_error;

/* A guest-physical address.  An integer, so that dereferencing it cannot compile. */
typedef uint64_t gpa_t;

enum mem_slot { MEM_LOW, MEM_HIGH, MEM_ROOTFS, MEM_NSLOTS };

#define MEM_WRITTEN 4u

/* What KVM's log of written pages is kept for. */
enum mem_log {
	MEM_LOG_OFF,
	MEM_LOG_FREEZE, /* what changes behind a copy: nothing may be given back */
	MEM_LOG_RESET,  /* what may differ from the template */
};

struct mem_region {
	gpa_t gpa;
	uint64_t size; /* 0 = not present */
	uint8_t *hva;
	bool readonly; /* for the guest */
	void *map;     /* what has been mapped for it */
	uint64_t map_len;
};

struct guest_mem {
	struct mem_region region[MEM_NSLOTS];
	uint8_t *shared; /* the shared region, which lies in MEM_LOW; NULL: not there yet */
	int shared_fd;   /* memfd behind it */
	int rootfs_fd;   /* behind MEM_ROOTFS, from rootfs_offset on */
	uint64_t rootfs_offset;
	uint64_t rootfs_size; /* exact; the region's is rounded up */
	bool file_backed;     /* RAM is a file's: the maker of a base template */
	/* Pieces of RAM with a template's content; offsets as if there were no hole. */
	struct mem_piece {
		uint64_t start, end;
	} * overlaid;
	uint32_t noverlaid;
	atomic_int log; /* enum mem_log */
	/* With MEM_LOG_RESET, pages that this process has written to: KVM does not know of them.
	 * Beyond MEM_WRITTEN it is not known which. */
	gpa_t written[MEM_WRITTEN];
	uint32_t nwritten;
};

/* Map bytes of zero RAM (a multiple of the page size) and the shared region.  Unless fd is -1, RAM
 * is what lies in that file from offset on, shared. */
int mem_create(struct guest_mem *mem, uint64_t bytes, int fd, uint64_t offset,
	       struct tine_error *error);
/* The two parts of it.  RAM without a shared region may be mapped ahead of time, and come to a
 * child by fork(). */
int mem_create_ram(struct guest_mem *mem, uint64_t bytes, int fd, uint64_t offset,
		   struct tine_error *error);
int mem_add_shared(struct guest_mem *mem, struct tine_error *error);
/* Let len bytes of RAM from RAM offset start (as if there were no hole) be private copies of those
 * at offset in fd. */
int mem_overlay(struct guest_mem *mem, uint64_t start, uint64_t len, int fd, uint64_t offset,
		struct tine_error *error);
/* The same, and the copies are made now. */
int mem_copy(struct guest_mem *mem, uint64_t start, uint64_t len, int fd, uint64_t offset,
	     struct tine_error *error);
/* Map the root image, size bytes of fd at a page-aligned offset, for reading.  The caller may close
 * fd afterwards. */
int mem_attach_rootfs(struct guest_mem *mem, int fd, uint64_t offset, uint64_t size,
		      struct tine_error *error);
/* Make every region a memory slot of the VM. */
int mem_register(const struct guest_mem *mem, int vm_fd, struct tine_error *error);
/* Have KVM keep a log of the pages of RAM that the guest writes to, an empty one at first, or stop
 * it.  What this process writes is not in it. */
int mem_log_writes(struct guest_mem *mem, enum mem_log log, int vm_fd, struct tine_error *error);
/* That of a region which is present: a bit for each page, in whole words. */
int mem_read_log(const struct guest_mem *mem, enum mem_slot slot, int vm_fd, uint64_t *bits,
		 struct tine_error *error);
void mem_destroy(struct guest_mem *mem);
/* What from holds is to's from now on; from holds nothing. */
void mem_move(struct guest_mem *to, struct guest_mem *from);

/* The one way from a guest-physical range to host memory: NULL unless [gpa, gpa + len) lies within
 * one region of RAM, and not in the shared region.  len 0 is refused. */
void *mem_at(const struct guest_mem *mem, gpa_t gpa, uint64_t len);
/* The same over every region, for readers such as the debugger. */
const void *mem_at_any(const struct guest_mem *mem, gpa_t gpa, uint64_t len);
/* Copy from or to RAM: 0 or -EFAULT. */
int mem_read(const struct guest_mem *mem, gpa_t gpa, void *buf, size_t len);
int mem_write(const struct guest_mem *mem, gpa_t gpa, const void *buf, size_t len);
/* A write that the guest has asked for, at an address of its choice, has been done: vCPU thread. */
void mem_note_write(struct guest_mem *mem, gpa_t gpa, uint64_t len);
/* Give the host pages of a page-aligned range of RAM back; they read as zero afterwards.
 * -EOPNOTSUPP where they would not, a file or a template having content for them, and during a
 * freeze. */
int mem_discard(const struct guest_mem *mem, gpa_t gpa, uint64_t len);

#endif
