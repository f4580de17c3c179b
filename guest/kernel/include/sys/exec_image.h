/* SPDX-License-Identifier: ISC */
/* exec_image.h: an image under construction; private to exec (kern_exec.c, exec_*.c). */
#ifndef SYS_EXEC_IMAGE_H
#define SYS_EXEC_IMAGE_H

#include <sys/exec.h>
#include <sys/proc.h>
#include <sys/stat.h>

#define EXEC_HEAD 256 /* bytes of a file that say what it is; also the longest #! line */
#define EXEC_SCRIPT_DEPTH 4

struct cred;
struct filedesc;
struct pargs;
struct sigacts;
struct vmspace;

struct exec_image {
	struct thread *td;
	struct exec_args *args;
	const char *path; /* as the caller named the program: AT_EXECFN */

	/* The file: the program itself or, for a script, its interpreter. */
	struct vnode *vp; /* held as text */
	struct stat st;
	uint8_t head[EXEC_HEAD];
	size_t headlen;

	/* The new address space. */
	struct vmspace *vm;
	vaddr_t start; /* first instruction: the interpreter's, else the program's */
	vaddr_t sp;
	vaddr_t entry, phdr; /* AT_ENTRY, AT_PHDR */
	vaddr_t base;        /* AT_BASE: of the ELF interpreter, 0 = none */
	uint16_t phnum;
	bool exec_stack;
	vaddr_t argv_addr, env_addr, env_end; /* strings, in the new image */
	uint64_t auxv[2 * NAUXV];
	unsigned nauxv;

	/* What the process gets at the commit point. */
	struct cred *cred;
	bool secure;             /* set-id: AT_SECURE */
	struct sigacts *sigacts; /* own copies of what is shared now, else NULL */
	struct filedesc *fd;
	struct pargs *pargs;
	char *exepath;
};

extern int exec_aslr; /* kern.randomize_va_space: 0 = addresses are the same in every run */
uint64_t exec_random_pages(const struct exec_image *, uint32_t limit); /* bytes below limit pages */

/* exec_elf.c: map the program and its interpreter.  ENOEXEC, ELIBBAD, ENOMEM, errors of lookup. */
int exec_elf(struct exec_image *);
/* exec_stack.c: map the stack and write arguments and auxiliary vector to it. */
int exec_stack(struct exec_image *);
/* exec_script.c: is it "#! interpreter [argument]"?  Then rewrite the arguments and return the
 * interpreter's path in *interp (to be freed by the caller). ENOEXEC if it is not. */
int exec_script(struct exec_image *, const char *script, char **interp);
/* exec_args.c: put n strings in the place of argv[0]. */
int exec_args_replace0(struct exec_args *, const char *const *strings, unsigned n);
size_t exec_args_argvlen(const struct exec_args *); /* bytes of the argv strings */

#endif
