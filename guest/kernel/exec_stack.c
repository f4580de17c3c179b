/* SPDX-License-Identifier: ISC */
/*
 * exec_stack.c: the first pages of a program's stack, written through the direct map.
 *
 * From the top down, as Linux lays it out: a null word, the file name, environment and argument
 * strings, platform name, 16 random bytes; then, upwards from the stack pointer, argc, argv[],
 * envp[] and the auxiliary vector.
 */
#include <sys/exec_image.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/pmap.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/systm.h>
#include <sys/vm.h>

#define STACK_SLACK (32 * PAGE_SIZE) /* mapped below the arguments from the start */
#define NFASTPAGES 4

enum auxv_type {
	AT_NULL = 0,
	AT_PHDR = 3,
	AT_PHENT = 4,
	AT_PHNUM = 5,
	AT_PAGESZ = 6,
	AT_BASE = 7,
	AT_FLAGS = 8,
	AT_ENTRY = 9,
	AT_UID = 11,
	AT_EUID = 12,
	AT_GID = 13,
	AT_EGID = 14,
	AT_PLATFORM = 15,
	AT_HWCAP = 16,
	AT_CLKTCK = 17,
	AT_SECURE = 23,
	AT_RANDOM = 25,
	AT_HWCAP2 = 26,
	AT_EXECFN = 31,
	AT_MINSIGSTKSZ = 51
};
#define NAUX 20 /* entries made below, AT_NULL included */
_Static_assert(NAUX <= NAUXV, "ar_auxv is too small");

/* Where everything goes. */
struct stack_layout {
	vaddr_t top, execfn, strings, platform, random, sp;
	uint64_t words; /* at sp: argc, pointers, auxv */
};

/* The pages from base up, while they are not mapped yet. */
struct stack_pages {
	vaddr_t base;
	size_t n;
	struct page **pages;
	struct page *fast[NFASTPAGES];
};

/* ---- layout ---- */

static int
stack_place(const struct exec_image *x, struct stack_layout *sl)
{
	const struct exec_args *ea = x->args;
	vaddr_t p = x->vm->vm_stack_top;

	sl->top = p;
	p -= sizeof(uint64_t) + (exec_random_pages(x, 32) >> PAGE_SHIFT) * 16;
	p -= strlen(x->path) + 1;
	sl->execfn = p;
	p -= ea->len;
	sl->strings = p;
	p -= strlen(cpu_platform()) + 1;
	sl->platform = p;
	p = (p - 16) & ~15UL;
	sl->random = p;
	sl->words = 1 + (uint64_t)ea->argc + 1 + ea->envc + 1 + 2 * NAUX;
	sl->sp = (p - sl->words * sizeof(uint64_t)) & ~15UL;
	/* The program must have most of its stack left. */
	return sl->top - sl->sp <= lim_cur(x->td->td_proc, RLIMIT_STACK) / 2 ? 0 : E2BIG;
}

static void
aux(struct exec_image *x, enum auxv_type type, uint64_t value)
{
	x->auxv[x->nauxv++] = type;
	x->auxv[x->nauxv++] = value;
}

static void
make_auxv(struct exec_image *x, const struct stack_layout *sl)
{
	const struct cred *cr = x->cred;

	x->nauxv = 0;
	aux(x, AT_HWCAP, cpu_hwcap());
	aux(x, AT_PAGESZ, PAGE_SIZE);
	aux(x, AT_CLKTCK, 100);
	aux(x, AT_PHDR, x->phdr);
	aux(x, AT_PHENT, 56);
	aux(x, AT_PHNUM, x->phnum);
	aux(x, AT_BASE, x->base);
	aux(x, AT_FLAGS, 0);
	aux(x, AT_ENTRY, x->entry);
	aux(x, AT_UID, cr->cr_ruid);
	aux(x, AT_EUID, cr->cr_uid);
	aux(x, AT_GID, cr->cr_rgid);
	aux(x, AT_EGID, cr->cr_gid);
	aux(x, AT_SECURE, x->secure);
	aux(x, AT_RANDOM, sl->random);
	aux(x, AT_HWCAP2, cpu_hwcap2());
	aux(x, AT_EXECFN, sl->execfn);
	aux(x, AT_PLATFORM, sl->platform);
	aux(x, AT_MINSIGSTKSZ, cpu_minsigstksz());
	aux(x, AT_NULL, 0);
	KASSERT(x->nauxv == 2 * NAUX);
}

/* ---- pages ---- */

static void
pages_release(struct stack_pages *sp)
{
	for (size_t i = 0; i < sp->n; i++)
		if (sp->pages[i] != NULL)
			vm_page_release(sp->pages[i]);
	if (sp->pages != sp->fast)
		kfree(sp->pages);
}

static int
pages_alloc(struct stack_pages *sp, vaddr_t from, vaddr_t top)
{
	*sp = (struct stack_pages){.base = trunc_page(from), .pages = sp->fast};
	sp->n = (top - sp->base) >> PAGE_SHIFT;
	if (sp->n > NFASTPAGES &&
	    (sp->pages = kmalloc(sp->n * sizeof(sp->pages[0]), M_ZERO)) == NULL)
		return ENOMEM;
	for (size_t i = 0; i < sp->n; i++)
		if ((sp->pages[i] = vm_page_alloc(0)) == NULL) {
			pages_release(sp);
			return ENOMEM;
		}
	return 0;
}

static char *
page_at(const struct stack_pages *sp, vaddr_t va)
{
	return (char *)page_to_dm(sp->pages[(va - sp->base) >> PAGE_SHIFT]) + (va & PAGE_MASK);
}

/* Write len bytes at va, zeroes if src is NULL; returns the address after them. */
static vaddr_t
put(const struct stack_pages *sp, vaddr_t va, const void *src, size_t len)
{
	const char *from = src;

	while (len > 0) {
		size_t n = MIN(len, PAGE_SIZE - (va & PAGE_MASK));

		if (from != NULL) {
			memcpy(page_at(sp, va), from, n);
			from += n;
		} else {
			memset(page_at(sp, va), 0, n);
		}
		va += n;
		len -= n;
	}
	return va;
}

static vaddr_t
put_word(const struct stack_pages *sp, vaddr_t va, uint64_t word)
{
	*(uint64_t *)(void *)page_at(sp, va) = word;
	return va + sizeof(word);
}

/* Pointers to n strings that lie back to back, then a null. */
static vaddr_t
put_pointers(const struct stack_pages *sp, vaddr_t va, uint32_t n, const char **str, vaddr_t *uaddr)
{
	while (n-- > 0) {
		size_t len = strlen(*str) + 1;

		va = put_word(sp, va, *uaddr);
		*str += len;
		*uaddr += len;
	}
	return put_word(sp, va, 0);
}

/* Frames come with old contents: every byte is written, gaps with zeroes. */
static void
stack_write(struct exec_image *x, const struct stack_pages *sp, const struct stack_layout *sl)
{
	const struct exec_args *ea = x->args;
	const char *str = ea->buf;
	vaddr_t va = sl->sp, uaddr = sl->strings;
	uint8_t random[16];

	put(sp, sp->base, NULL, sl->sp - sp->base);
	va = put_word(sp, va, ea->argc);
	x->argv_addr = uaddr;
	va = put_pointers(sp, va, ea->argc, &str, &uaddr);
	x->env_addr = uaddr;
	va = put_pointers(sp, va, ea->envc, &str, &uaddr);
	x->env_end = uaddr;
	va = put(sp, va, x->auxv, 2 * NAUX * sizeof(uint64_t));
	put(sp, va, NULL, sl->random - va);
	arc4random_buf(random, sizeof(random));
	va = put(sp, sl->random, random, sizeof(random));
	put(sp, va, NULL, sl->platform - va);
	put(sp, sl->platform, cpu_platform(), strlen(cpu_platform()) + 1);
	put(sp, sl->strings, ea->buf, ea->len);
	va = put(sp, sl->execfn, x->path, strlen(x->path) + 1);
	put(sp, va, NULL, sl->top - va);
}

static int
stack_map(struct exec_image *x, const struct stack_pages *sp)
{
	vaddr_t top = x->vm->vm_stack_top, at;
	vsize_t limit = trunc_page(MIN(lim_cur(x->td->td_proc, RLIMIT_STACK), VM_USER_MAX / 4));
	vsize_t len = MIN(top - sp->base + STACK_SLACK, MAX(limit, top - sp->base));
	struct map_args ma = {.addr = top - len,
			      .len = len,
			      .prot = PROT_READ | PROT_WRITE | (x->exec_stack ? PROT_EXEC : 0),
			      .maxprot = PROT_ALL,
			      .rflags = R_STACK,
			      .fixed = true,
			      .noreplace = true};

	return vm_map_enter(x->vm, &ma, &at);
}

static int
pages_enter(struct exec_image *x, struct stack_pages *sp)
{
	int prot = PROT_READ | PROT_WRITE | (x->exec_stack ? PROT_EXEC : 0), error;

	for (size_t i = 0; i < sp->n; i++) {
		error = pmap_enter(&x->vm->vm_pmap, sp->base + ptoa(i), page_to_pa(sp->pages[i]),
				   prot, 0);
		if (error != 0)
			return error;
		sp->pages[i] = NULL; /* the mapping's now */
	}
	return 0;
}

int
exec_stack(struct exec_image *x)
{
	struct stack_layout sl;
	struct stack_pages sp;
	int error;

	if ((error = stack_place(x, &sl)) != 0 || (error = pages_alloc(&sp, sl.sp, sl.top)) != 0)
		return error;
	make_auxv(x, &sl);
	stack_write(x, &sp, &sl);
	if ((error = stack_map(x, &sp)) == 0)
		error = pages_enter(x, &sp);
	pages_release(&sp);
	x->sp = sl.sp;
	return error;
}
