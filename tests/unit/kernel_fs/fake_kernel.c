/* SPDX-License-Identifier: ISC */
/* fake_kernel.c: the rest of the kernel, as little of it as the files need: frames, memory, one
 * thread in two processes. */
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/pledge.h>
#include <sys/pmap.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>
#include "../../../guest/kernel/fs/memfs.h"
#include "hosted.h"

#define NFRAMES 4096
#define RAM_BASE PAGE_SIZE /* frame 0 is never handed out: address 0 means none */
#define IMAGE_MAX (64UL << 20)

void *malloc(size_t), *calloc(size_t, size_t), *realloc(void *, size_t);
void free(void *);
int vfprintf(void *, const char *, va_list);
int fputc(int, void *);
void __noreturn abort(void);
extern void *stderr;

static char ram[(NFRAMES + 1) * PAGE_SIZE + IMAGE_MAX] __aligned(PAGE_SIZE);
char *hosted_ram = ram;
static struct page pages[NFRAMES + 1];
struct page *vm_frames = pages;
uint64_t vm_low_frames = NFRAMES + 1;
static uint64_t image_size, nobjects, nframes;
static unsigned last_frame;
paddr_t vm_zero_pa;
static struct tine_stats stats_page;
struct tine_stats *kstats = &stats_page;
int64_t hosted_fail_at;
int hosted_signals, hosted_quiet;

static struct uidinfo uidinfo;
static struct plimit limits;
static struct process procs[2];
static struct thread threads[2];
struct thread *curthread;
struct process_list allprocess;

/* ---- allocation ---- */

static bool
should_fail(void)
{
	return hosted_fail_at > 0 && --hosted_fail_at == 0;
}

void *
kmalloc(size_t size, int flags)
{
	void *p;

	if (should_fail())
		return NULL;
	p = flags & M_ZERO ? calloc(1, size) : malloc(size);
	nobjects += p != NULL;
	return p;
}

void
kfree(void *p)
{
	nobjects -= p != NULL;
	free(p);
}

void *
pool_get(struct pool *pl, int flags)
{
	void *p = kmalloc(pl->pl_size, flags);

	if (p != NULL)
		pl->pl_nout++;
	return p;
}

void
pool_put(struct pool *pl, void *obj)
{
	pl->pl_nout--;
	kfree(obj);
}

/* ---- frames ---- */

struct page *
vm_page_alloc(int flags)
{
	if (should_fail())
		return NULL;
	for (unsigned i = 0; i < NFRAMES; i++) {
		struct page *pg = &pages[1 + (last_frame + i) % NFRAMES];

		if (pg->pg_refs != 0)
			continue;
		last_frame = (unsigned)(pg - pages);
		pg->pg_refs = 1;
		nframes++;
		memset(page_to_dm(pg), flags & PGA_ZERO ? 0 : 0xa5, PAGE_SIZE);
		return pg;
	}
	return NULL;
}

paddr_t
page_to_pa_high(const struct page *pg)
{
	panic("page %p is not in the table", (const void *)pg);
}

static struct page *
managed(paddr_t pa)
{
	return atop(pa) >= 1 && atop(pa) <= NFRAMES && pa != vm_zero_pa ? &pages[atop(pa)] : NULL;
}

void
vm_pages_free(struct page *pg, unsigned order)
{
	KASSERT(pg->pg_refs == 0 && order == 0);
	nframes--;
}

void
pa_hold(paddr_t pa)
{
	if (managed(pa) != NULL)
		vm_page_hold(managed(pa));
}

void
pa_release(paddr_t pa)
{
	if (managed(pa) != NULL)
		vm_page_release(managed(pa));
}

void
vm_copy_page(void *dst, const void *src)
{
	memcpy(dst, src, PAGE_SIZE);
}

uint64_t
vm_frames_total(void)
{
	return NFRAMES;
}

uint64_t
vm_frames_for_files(void)
{
	return NFRAMES - nframes;
}

void
pmap_zap(struct pmap *pm __unused, vaddr_t start __unused, vaddr_t end __unused)
{
}

/* ---- printing ---- */

void
kprintf(enum klevel level, const char *fmt, ...)
{
	va_list ap;

	if (level > LOG_ERR || hosted_quiet)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void
panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

size_t
strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size > 0) {
		memcpy(dst, src, MIN(len, size - 1));
		dst[MIN(len, size - 1)] = '\0';
	}
	return len;
}

/* ---- user memory is the host program's; the first page stands for what is not mapped ---- */

int
copyin(const void *uaddr, void *kaddr, size_t len)
{
	if ((vaddr_t)uaddr < PAGE_SIZE && len > 0)
		return EFAULT;
	memcpy(kaddr, uaddr, len);
	return 0;
}

int
copyout(const void *kaddr, void *uaddr, size_t len)
{
	if ((vaddr_t)uaddr < PAGE_SIZE && len > 0)
		return EFAULT;
	memcpy(uaddr, kaddr, len);
	return 0;
}

int
copyinstr(const void *uaddr, void *kaddr, size_t max, size_t *done)
{
	size_t len = 0;

	if ((vaddr_t)uaddr < PAGE_SIZE)
		return EFAULT;
	while (len < max && ((const char *)uaddr)[len] != '\0')
		len++;
	if (len == max)
		return ENAMETOOLONG;
	memcpy(kaddr, uaddr, len + 1);
	*done = len + 1;
	return 0;
}

/* ---- processes ---- */

uint32_t
arc4random(void)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)x;
}

nsec_t
nanotime(void)
{
	static nsec_t now = 1700000000ULL * NSEC_PER_SEC;

	return now += 1000;
}

bool
groupmember(const struct cred *cr, gid_t gid)
{
	return cr->cr_gid == gid;
}

struct cred *
crhold(struct cred *cr)
{
	cr->cr_refs++;
	return cr;
}

void
crfree(struct cred *cr)
{
	if (--cr->cr_refs == 0)
		kfree(cr);
}

struct cred *
crcopy(const struct cred *cr)
{
	struct cred *new = kmalloc(sizeof(*new), 0);

	if (new != NULL) {
		*new = *cr;
		new->cr_refs = 1;
	}
	return new;
}

void
psignal(struct process *p __unused, int sig __unused)
{
	hosted_signals++;
}

bool
signal_pending(struct thread *td __unused)
{
	return false;
}

int
tsleep(const void *chan __unused, int flags __unused, const char *wmesg __unused,
       nsec_t deadline __unused)
{
	return EINTR;
}

void
wakeup(const void *chan __unused)
{
}

/* Something to mount on /dev; /dev/shm is mounted on top of it. */
struct vnode *
devfs_root(void)
{
	struct vnode *root = memfs_create(NULL, 0, 0755), *vp;

	if (root->v_ops->vop_create(root, "shm", 3, S_IFDIR | 0755, 0, curthread->td_proc->ps_cred,
				    &vp) == 0)
		vrele(vp);
	return root;
}

paddr_t
md_rootfs(uint64_t *size)
{
	*size = image_size;
	return image_size != 0 ? ptoa(NFRAMES + 1) : 0;
}

void
epoll_file_gone(struct file *fp __unused)
{
}

/* ---- for the tests ---- */

void
hosted_set_ids(unsigned uid, unsigned gid)
{
	struct cred *cr = curthread->td_proc->ps_cred;

	cr->cr_uid = cr->cr_ruid = cr->cr_svuid = cr->cr_fsuid = uid;
	cr->cr_gid = cr->cr_rgid = cr->cr_svgid = cr->cr_fsgid = gid;
}

void
hosted_switch_process(int n)
{
	curthread = &threads[n];
}

static void
boot_process(int n, struct filedesc *fd)
{
	struct process *p = &procs[n];
	struct cred *cr = kmalloc(sizeof(*cr), M_ZERO);

	cr->cr_refs = 1;
	cr->cr_uidinfo = &uidinfo;
	p->ps_pid = n + 1;
	p->ps_cred = cr;
	p->ps_limit = &limits;
	p->ps_fd = fd;
	p->ps_fs = fsinfo_boot();
	threads[n].td_proc = p;
}

void
hosted_boot(const void *image, size_t size)
{
	for (int i = 0; i < RLIM_NLIMITS; i++)
		limits.pl_rlimit[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
	limits.pl_rlimit[RLIMIT_NOFILE].rlim_cur = 1024;
	if (vm_zero_pa == 0)
		vm_zero_pa = page_to_pa(vm_page_alloc(PGA_ZERO));
	image_size = size;
	if (image != NULL)
		memcpy(PHYS_TO_DM(ptoa(NFRAMES + 1)), image, size);
	mountlist = NULL;
	rootvnode = NULL;
	curthread = &threads[0];
	boot_process(0, fd_new());
	vfs_prepare();
	vfs_init();
	boot_process(1, fd_copy(procs[0].ps_fd));
}

void
hosted_leave_chroot(void)
{
	struct fsinfo *fs = curthread->td_proc->ps_fs;

	vrele(fs->fs_root);
	fs->fs_root = vhold(rootvnode);
}

/* No process here has pledged anything. */
int
pledge_lookup(struct vnode *dir, const char *name, size_t len, struct vnode *vp)
{
	(void)dir;
	(void)name;
	(void)len;
	(void)vp;
	return 0;
}

uint64_t
hosted_objects(void)
{
	return nobjects;
}

uint64_t
hosted_frames(void)
{
	return nframes;
}

int
hosted_put(const char *path, const void *data, size_t len)
{
	return vn_put(path, data, len, 0755, 0, 0);
}

long
hosted_call(hosted_sys *fn, const uint64_t *a)
{
	long retval = 0;
	int error = fn(curthread, a, &retval);

	return error != 0 ? -(long)error : retval;
}
