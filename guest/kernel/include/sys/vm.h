/* SPDX-License-Identifier: ISC */
/*
 * vm.h: frames, objects, region maps, address spaces.
 *
 * Anonymous private memory has no object: its frames hang in the page-table tree alone (pmap.h),
 * which fork shares by reference.  Objects hold what several mappings must agree on: files and
 * shared anonymous memory.
 */
#ifndef SYS_VM_H
#define SYS_VM_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/systm.h>
#include <machine/pmap.h> /* struct pmap; VM_USER_MIN, VM_USER_MAX; PHYS_TO_DM(pa), DM_TO_PHYS(va) */
#include <machine/stats.h>

/*
 * ---- page frames (vm_page.c): buddy allocator over a frame table whose all-zero state means
 * "never used, content zero", so that neither boot nor a clone touches it ----
 */
struct page {
	uint32_t pg_refs; /* mappings (one per page-table page that maps it) + object and kernel
			     references; for a page-table page: parents that point at it */
	uint8_t pg_flags; /* PG_* */
	uint8_t pg_order; /* of the free or allocated block this page heads */
	uint16_t pg_pad;
	union {
		struct {
			uint32_t next, prev;
		} pg_list;                  /* free lists: frame numbers, 0 = none */
		struct page *pg_next;       /* stack of frames just freed */
		void *pg_owner;             /* slab etc. */
		struct {                    /* page-table page: */
			uint16_t pg_lo;     /* lowest and ... */
			uint16_t pg_hi;     /* ... highest valid slot + 1 (lo == hi: empty) */
			uint16_t pg_nvalid; /* valid slots */
		};
	};
#ifdef TINE_DEBUG
	uint32_t pg_check; /* scratch of pmap_check_all(): references found; else 0 */
	uint32_t pg_pad2[3];
#endif
};
_Static_assert((sizeof(struct page) & (sizeof(struct page) - 1)) == 0, "found by a shift");
#define PG_DIRTY 0x01 /* has been handed out: content is not known to be zero */
#define PG_FREE 0x02
#define PG_TABLE 0x04  /* page-table page */
#define PG_KERNEL 0x08 /* kernel data, never mapped to users */
#define PG_SEEN 0x10   /* head of a free block: vm_return.c has seen it */

void vm_page_init(void); /* uses md_ram_ranges() */
#define PGA_ZERO 0x1     /* content must be zero */
#define PGA_KERNEL 0x2   /* may use the reserve that users may not */
/* One frame with pg_refs = 1, or NULL. */
struct page *vm_page_alloc(int flags);
/* 2^order contiguous frames (refs of the first = 1). */
struct page *vm_pages_alloc(unsigned order, int flags);
void vm_pages_free(struct page *, unsigned order);
/* Free a frame whose only reference is the caller's and whose content is all zero again. */
void vm_page_free_clean(struct page *);

static inline void
vm_page_hold(struct page *pg)
{
	KASSERT(pg->pg_refs > 0);
	if (pg->pg_refs++ == 1)
		STAT_INC(frames_shared);
}
/* Drop a reference; frees at zero. */
static inline void
vm_page_release(struct page *pg)
{
	KASSERT(pg->pg_refs > 0);
	if (--pg->pg_refs == 1)
		STAT_ADD(frames_shared, -1);
	else if (pg->pg_refs == 0)
		vm_pages_free(pg, 0);
}

/*
 * The frame table has an entry for each frame of low RAM and, right after them, for each from 4 GiB
 * on: what lies between the two costs nothing.
 */
extern struct page *vm_frames;
extern uint64_t vm_low_frames;
struct page *pa_to_page_high(paddr_t);
paddr_t page_to_pa_high(const struct page *);
/* NULL for addresses that are not managed RAM (root image, shared region): those need no reference.
 */
static inline struct page *
pa_to_page(paddr_t pa)
{
	return likely(atop(pa) < vm_low_frames) ? &vm_frames[atop(pa)] : pa_to_page_high(pa);
}
static inline paddr_t
page_to_pa(const struct page *pg)
{
	return likely(pg < &vm_frames[vm_low_frames]) ? ptoa(pg - vm_frames) : page_to_pa_high(pg);
}
static inline void *
page_to_dm(const struct page *pg)
{
	return PHYS_TO_DM(page_to_pa(pg));
}
/* Reference by address; no-op for unmanaged memory. */
void pa_hold(paddr_t);
void pa_release(paddr_t);
uint64_t vm_frames_free(void), vm_frames_total(void);
uint64_t vm_frames_for_files(void); /* what write() may take of the free ones; then ENOSPC */
#define VM_MAX_ORDER 10
void vm_page_drain(void); /* merge the frames that are kept aside for a quick start */
/* Free blocks of 2^order frames, for vm_return.c: the first after NULL; NULL after the last. */
struct page *vm_free_block(unsigned order, const struct page *after);
#define VM_RETURN_ORDER 8           /* blocks of at least so much go back to the host */
void vm_return_init(void);          /* vm_return.c; before it nothing is given back */
void vm_return_soon(void);          /* such a block has become free */
extern uint64_t vm_frames_returned; /* since boot */
void vm_zero_page(void *dm);
void vm_copy_page(void *dst, const void *src);

/*
 * ---- objects (vm_object.c): pages of a file or of shared anonymous memory ----
 *
 * Backing memory is page aligned and holds zeroes from ob_backing_len to the end of its last page.
 */
struct vm_object {
	uint32_t ob_refs;
	uint32_t ob_flags;
	uint64_t ob_size;   /* bytes; pages past it: SIGBUS when mapped */
	paddr_t ob_backing; /* contiguous image memory behind pages not held as frames, 0 = none */
	uint64_t ob_backing_len;
	void *ob_tree;      /* radix tree page index -> frame (private to vm_object.c) */
	uint64_t ob_npages; /* frames held */
	uint32_t ob_nmaps;  /* regions that map it (sum over all maps) */
	uint32_t ob_nwrite; /* MAP_SHARED writable regions */
};
struct vm_object *vm_object_create(uint64_t size); /* refs 1, or NULL */
void vm_object_hold(struct vm_object *);
void vm_object_release(struct vm_object *);
/*
 * Physical address of page idx, with a reference the caller drops by pa_release() (held by the
 * object anyway; the extra one protects it across changes).  write: page must be a private frame of
 * the object (copied from backing if needed).  Holes: zero frame allocated when write or alloc,
 * else *pa = the shared zero frame.  EFAULT past the end of ob_size rounded up; ENOMEM.
 */
int vm_object_page(struct vm_object *, uint64_t idx, bool write, paddr_t *pa);
/* The same for a page that is there already (frame or backing, not a hole) and without changing
 * anything; frames_only leaves out the backing.  False: not there, or past the end. */
bool vm_object_resident(struct vm_object *, uint64_t idx, bool frames_only, paddr_t *pa);
int vm_object_truncate(struct vm_object *,
		       uint64_t size); /* frees pages, zeroes the tail, unmaps */
/* Drop frames wholly inside [start, end) and zero partial ones (hole punching). */
int vm_object_punch(struct vm_object *, uint64_t start, uint64_t end);
/* Copy between the object and kernel memory or user memory (user = true: copyin/copyout may
 * sleep-free fault). */
int vm_object_rw(struct vm_object *, uint64_t off, void *buf, size_t len, bool write, bool user);
/* Remove every mapping of pages [first, last) from all address spaces. */
void vm_object_unmap(struct vm_object *, uint64_t first, uint64_t last);
/* ob_flags: pages that are not frames of the object have been mapped; set by who maps them. */
#define OB_LOANED 0x1
extern paddr_t vm_zero_pa; /* one frame of zeroes, mapped read-only for read faults */

/* ---- regions and maps (vm_map.c) ---- */
#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define PROT_ALL 7
#define VM_MAX_REGIONS 65530
#define VM_MIN_ADDR 0x10000UL          /* lowest address chosen by the kernel */
#define VM_STACK_GAP (256 * PAGE_SIZE) /* kept free below a stack */

struct region {
	vaddr_t r_start, r_end; /* page aligned, [start, end) */
	uint8_t r_prot;
	uint8_t r_maxprot;
	uint16_t r_flags; /* R_* */
	uint32_t r_pad;
	struct vm_object *r_object; /* NULL = anonymous private */
	uint64_t r_offset;          /* byte offset of r_start in the object */
	struct vnode *r_vnode;      /* for /proc/PID/maps; referenced; may be NULL */
};
#define R_SHARED 0x01 /* MAP_SHARED */
#define R_STACK 0x02  /* grows down to the limit */
#define R_HEAP 0x04   /* brk area */
#define R_DONTFORK 0x08
#define R_WIPEONFORK 0x10
#define R_LOCKED 0x20
#define R_TEXT 0x40
#define R_NORESERVE 0x80

/* Sorted array of regions; shared by reference between forked address spaces, copied before a
 * change. */
struct vm_map {
	uint32_t m_refs;
	uint32_t m_count, m_capacity;
	uint64_t m_dsize, m_ssize, m_tsize; /* pages of data, stack, text regions */
	uint64_t m_total;                   /* pages of all regions */
	uint32_t m_nfork; /* regions that fork treats specially: R_DONTFORK, R_WIPEONFORK */
	uint32_t m_pad;
	struct region m_region[];
};

struct vmspace {
	uint32_t vm_refs; /* processes that share it */
	struct vm_map *vm_map;
	struct pmap vm_pmap;
	vaddr_t vm_brk_start, vm_brk; /* program break: [start, brk) */
	vaddr_t vm_stack_top;
	vaddr_t vm_mmap_base; /* top-down mmap starts below this */
	vaddr_t vm_text_start, vm_text_end, vm_data_start, vm_data_end;
	uint64_t vm_locked; /* pages */
	uint64_t vm_maxrss; /* highest that vmspace_rss() has seen */
	/* Search for free space: between vm_hint and vm_mmap_base no hole is larger than vm_hole.
	 */
	vaddr_t vm_hint;
	vsize_t vm_hole;
};
#define vm_dsize(vm) ((vm)->vm_map->m_dsize)
#define vm_ssize(vm) ((vm)->vm_map->m_ssize)

struct vmspace *vmspace_create(void); /* empty; refs 1; NULL = no memory */
/* Copy-on-write, constant time; NULL = no memory.  hot: see pmap_fork(). */
struct vmspace *vmspace_fork(struct vmspace *, vaddr_t hot);
struct vmspace *vmspace_share(struct vmspace *);
void vmspace_release(
    struct vmspace *); /* last one frees everything; must not be the active pmap's last */
uint64_t vmspace_rss(struct vmspace *); /* pages present, by walking the tree */

/* Region containing va, or NULL.  Valid until the map changes or the caller sleeps. */
const struct region *vm_map_lookup(const struct vm_map *, vaddr_t va);
/* First region with r_end > va (it may start above va), or NULL. */
const struct region *vm_map_lookup_ge(const struct vm_map *, vaddr_t va);

struct map_args {
	vaddr_t addr; /* hint or fixed address */
	vsize_t len;  /* page multiple, > 0 */
	int prot, maxprot;
	uint32_t rflags;          /* R_* */
	bool fixed;               /* exactly addr, replacing what is there */
	bool noreplace;           /* with fixed: EEXIST if anything is there */
	bool low32;               /* MAP_32BIT */
	struct vm_object *object; /* referenced by the map on success */
	uint64_t offset;
	struct vnode *vnode;
};
/* mmap: place a region; *addr = where.  ENOMEM (no space, limits), EINVAL, EEXIST. Merges with
 * neighbours. */
int vm_map_enter(struct vmspace *, const struct map_args *, vaddr_t *addr);
int vm_map_remove(struct vmspace *, vaddr_t start, vaddr_t end);
int vm_map_protect(struct vmspace *, vaddr_t start, vaddr_t end,
		   int prot); /* ENOMEM if a hole is inside, EACCES over maxprot */
/* mremap; what is mapped at the destination goes first, even if the move then fails. */
int vm_map_move(struct vmspace *, vaddr_t from, vsize_t oldlen, vaddr_t to, vsize_t newlen,
		bool keep_old);
int vm_map_advise_free(struct vmspace *, vaddr_t start, vaddr_t end); /* MADV_DONTNEED */
int vm_map_setflags(struct vmspace *, vaddr_t start, vaddr_t end, uint32_t set, uint32_t clear);
vaddr_t vm_map_findspace(struct vmspace *, vaddr_t hint, vsize_t len, bool low32); /* 0 = none */
int vm_brk(struct vmspace *, vaddr_t newbrk); /* moves vm_brk; ENOMEM */
/* Grow the stack region down to include va if it is one, within limit bytes below vm_stack_top.
 * true if grown. */
bool vm_map_growstack(struct vmspace *, vaddr_t va, uint64_t limit);

/* ---- faults (vm_fault.c) ---- */
#define VMF_READ 0x1
#define VMF_WRITE 0x2
#define VMF_EXEC 0x4
/*
 * Resolve a user page fault in vm.  0 = retry the instruction; else EFAULT (no region:
 * SEGV_MAPERR), EACCES (protection: SEGV_ACCERR), EIO (past the end of the object: SIGBUS), ENOMEM
 * (no frame: caller kills the process with a message).
 */
int vm_fault(struct vmspace *, vaddr_t va, int access);
/* Copy to/from another address space (ptrace, /proc/PID/mem, exec set-up); force: ignore write
 * protection, as ptrace may. */
int vmspace_rw(struct vmspace *, vaddr_t va, void *kbuf, size_t len, bool write, bool force);

void vm_init(void);
extern int vm_check_interval; /* debug kernels: pmap_check_all() at every n-th fork and exit */
#ifdef TINE_DEBUG
void vm_check(void); /* called by fork and exit */
#else
#define vm_check() ((void)0)
#endif

#endif
