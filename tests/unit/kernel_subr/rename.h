/* SPDX-License-Identifier: ISC */
/* rename.h: names of the kernel's functions while they are linked with the host's C library. */
#define strlen kern_strlen
#define strnlen kern_strnlen
#define strcmp kern_strcmp
#define strncmp kern_strncmp
#define strchr kern_strchr
#define strrchr kern_strrchr
#define strlcpy kern_strlcpy
#define memchr kern_memchr
#define arc4random kern_arc4random
#define arc4random_buf kern_arc4random_buf
#define arc4random_uniform kern_arc4random_uniform
