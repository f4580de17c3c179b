/* SPDX-License-Identifier: ISC */
/* types.h: basic types of the kernel; no libc header is used. */
#ifndef SYS_TYPES_H
#define SYS_TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef long ssize_t;
typedef uint64_t paddr_t; /* guest-physical address */
typedef uint64_t vaddr_t; /* virtual address, user or kernel */
typedef uint64_t vsize_t;
typedef int32_t pid_t;
typedef uint32_t uid_t;
typedef uint32_t gid_t;
typedef uint32_t mode_t;
typedef int64_t off_t;
typedef uint64_t ino_t;
typedef uint64_t dev_t;
typedef uint64_t sigset_t; /* bit n - 1 = signal n, as Linux */
typedef uint64_t nsec_t;   /* nanoseconds */

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096UL
#define PAGE_MASK (PAGE_SIZE - 1)
#define trunc_page(x) ((x) & ~PAGE_MASK)
#define round_page(x) (((x) + PAGE_MASK) & ~PAGE_MASK)
#define atop(x) ((x) >> PAGE_SHIFT)
#define ptoa(x) ((uint64_t)(x) << PAGE_SHIFT)

#define nitems(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define rounddown(x, y) ((x) / (y) * (y))
#define roundup(x, y) ((((x) + (y)-1) / (y)) * (y))
#define howmany(x, y) (((x) + (y)-1) / (y))
#define __unused __attribute__((unused))
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
/*
 * Each page that a clone writes to is one of its own, and each that it touches costs it a nested
 * page fault.  What is touched whenever one goes on and comes to rest lies together in one page,
 * and what little else nearly every program has the kernel write; large tables and stacks lie
 * behind all other variables.
 */
#define __resume_data __attribute__((section(".data..resume")))
#define __large_bss __attribute__((section(".bss..large")))
#define __cold __attribute__((cold)) /* what leads to a call of it is kept apart from the rest */
#define __noreturn __attribute__((noreturn))
#define __printflike(f, a) __attribute__((format(printf, f, a)))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#endif
