/* SPDX-License-Identifier: ISC */
/*
 * dev_vmgenid.c: /dev/vmgenid: which clone of its template this sandbox is, to read, map and poll.
 *
 * One frame of an object holds the record; who maps the device sees that frame, also in private
 * mappings, since none may ever be written.  It is made when the device is first opened: sandboxes
 * whose programs do not ask have nothing to keep up to date.
 */
#include <sys/anonfile.h>
#include <sys/devices.h>
#include <sys/native.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vmfork.h>
#include <sys/vnode.h>

_Static_assert(sizeof(struct tine_generation) == 32, "programs know this layout");

static struct vm_object *object;                      /* of the device; one page, for good */
static struct tine_generation *current __resume_data; /* in that page */
static struct pollhead pollers __resume_data;

/* A file remembers what was read from it last, plus 1: it starts out as not read. */
static bool
file_unread(const struct file *fp)
{
	return (uint64_t)fp->f_data != vm_generation + 1;
}

static void
record_renew(void)
{
	current->generation = vm_generation;
	arc4random_buf(current->id, sizeof(current->id));
}

static int
record_make(void)
{
	struct vm_object *ob = vm_object_create(PAGE_SIZE);
	paddr_t pa;

	if (ob == NULL)
		return ENOMEM;
	if (vm_object_page(ob, 0, true, &pa) != 0) {
		vm_object_release(ob);
		return ENOMEM;
	}
	pa_release(pa); /* the object keeps the frame, and we the object */
	object = ob;
	current = PHYS_TO_DM(pa);
	record_renew();
	return 0;
}

void
vmgenid_changed(void)
{
	if (current != NULL)
		record_renew();
}

void
vmgenid_wakeup(void)
{
	wakeup(&pollers);
	pollwakeup(&pollers, POLLIN | POLLRDNORM);
}

static int
vmgenid_read(struct file *fp, struct uio *uio, struct thread *td __unused)
{
	int error;

	if (uio->uio_resid < sizeof(current->generation))
		return EINVAL;
	while (!file_unread(fp))
		if ((error = anonfile_sleep(fp, &pollers, "vmgenid")) != 0)
			return error;
	if ((error = uiomove(current, sizeof(*current), uio)) == 0)
		fp->f_data = (void *)(vm_generation + 1);
	return error;
}

static int
vmgenid_poll(struct file *fp, int events __unused, struct pollctx *ctx)
{
	poll_record(ctx, &pollers);
	return file_unread(fp) ? POLLIN | POLLRDNORM : 0;
}

static int
vmgenid_stat(struct file *fp, struct stat *st)
{
	return vn_stat(fp->f_vnode, st);
}

static int
vmgenid_mmap(struct file *fp, int prot, int flags __unused, uint64_t off, int *maxprot,
	     struct vm_object **objp, struct vnode **vpp)
{
	if (off != 0)
		return ENXIO;
	if (prot & ~PROT_READ)
		return EACCES;
	*maxprot = PROT_READ;
	vm_object_hold(object);
	*objp = object;
	*vpp = vhold(fp->f_vnode);
	return 0;
}

static const struct fileops vmgenid_fileops = {
    .fo_read = vmgenid_read,
    .fo_poll = vmgenid_poll,
    .fo_stat = vmgenid_stat,
    .fo_mmap = vmgenid_mmap,
    .fo_name = "vmgenid",
};

int
vmgenid_open(struct vnode *vp __unused, struct file *fp, int flags __unused,
	     struct thread *td __unused)
{
	int error = current == NULL ? record_make() : 0;

	if (error == 0)
		fp->f_ops = &vmgenid_fileops;
	return error;
}
