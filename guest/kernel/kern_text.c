/* SPDX-License-Identifier: ISC */
/* kern_text.c: what a process keeps of its executable: the busy text and its path, shared by fork.
 */
#include <sys/fork.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/vnode.h>

struct vnode *
vhold_text(struct vnode *vp)
{
	vp->v_execcount++;
	return vhold(vp);
}

void
vrele_text(struct vnode *vp)
{
	KASSERT(vp->v_execcount > 0);
	vp->v_execcount--;
	vrele(vp);
}

/* The string lies behind its count; holders know only the string. */
struct exepath {
	uint64_t refs;
	char path[];
};

char *
exepath_new(const char *path)
{
	size_t n = strlen(path) + 1;
	struct exepath *ep = kmalloc(sizeof(*ep) + n, 0);

	if (ep == NULL)
		return NULL;
	ep->refs = 1;
	memcpy(ep->path, path, n);
	return ep->path;
}

char *
exepath_hold(char *path)
{
	if (path != NULL)
		container_of(path, struct exepath, path)->refs++;
	return path;
}

void
exepath_free(char *path)
{
	struct exepath *ep;

	if (path == NULL)
		return;
	ep = container_of(path, struct exepath, path);
	if (--ep->refs == 0)
		kfree(ep);
}
