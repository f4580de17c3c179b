/* SPDX-License-Identifier: ISC */
/* marks.h: what a page is filled with so that it says who wrote it; of inside.c and pages.c. */
#ifndef MARKS_H
#define MARKS_H

#define MARK_PAGES 64u
#define PAGE_BYTES 4096u
/* No constant of the program is like one: it would be found in its text. */
#define MARK_MAGIC(salt) (0x6d61726b00000000ull ^ ((uint64_t)(salt) << 48))
#define MARK(who, page) (MARK_MAGIC(0x55aa) | (uint64_t)(who) << 16 | (page))

#define TOUCHED 0xa5 /* every byte of what "touch" leaves */

#endif
