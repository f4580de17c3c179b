/* SPDX-License-Identifier: ISC */
/*
 * kern_pledge.c: pledge: a process promises what it will still do, and which files it will still
 * use.
 *
 * As OpenBSD had it in 2017: promises can only be given up, a broken one ends the process by
 * SIGABRT, fork passes them on, exec starts a program without any.
 */
#include <sys/kmem.h>
#include <sys/observe.h>
#include <sys/pledge.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vnode.h>

#define REQUEST_MAX 1024
#define PATHS_MAX 64       /* of a list ... */
#define PATHS_SIZE 16384UL /* ... and bytes of all of them */

static const char *const promise_names[PLEDGE_NBITS] = {
#define PLEDGE_NAME(name, text) [PLEDGE_BIT_##name] = text,
    PLEDGE_PROMISES(PLEDGE_NAME)
#undef PLEDGE_NAME
};

/* ---- promises ---- */

static uint32_t
promise_by_name(const char *name, size_t len)
{
	for (unsigned i = 0; i < PLEDGE_NBITS; i++)
		if (strlen(promise_names[i]) == len && memcmp(promise_names[i], name, len) == 0)
			return 1u << i;
	return 0;
}

static int
parse_promises(const char *p, uint32_t *promises)
{
	for (*promises = PLEDGE_ALWAYS; *p != '\0';) {
		const char *end = p;
		uint32_t bit;

		while (*end != '\0' && *end != ' ')
			end++;
		if (end != p) {
			if ((bit = promise_by_name(p, (size_t)(end - p))) == 0)
				return EINVAL;
			*promises |= bit;
		}
		p = *end == ' ' ? end + 1 : end;
	}
	return 0;
}

static int
copyin_promises(vaddr_t uaddr, uint32_t *promises)
{
	char *request = kmalloc(REQUEST_MAX, 0);
	size_t len;
	int error;

	if (request == NULL)
		return ENOMEM;
	error = copyinstr((const void *)uaddr, request, REQUEST_MAX, &len);
	if (error == ENAMETOOLONG)
		error = EINVAL;
	if (error == 0)
		error = parse_promises(request, promises);
	kfree(request);
	return error;
}

/* ---- paths ---- */

static void
paths_release(struct pledge_paths *wl)
{
	if (wl != NULL && --wl->wl_ref == 0)
		kfree(wl);
}

/* What a program names is kept as the name it really has: links in it are followed now. */
static int
paths_add(struct thread *td, struct pledge_paths *wl, vaddr_t uaddr)
{
	size_t room = MIN(PATHS_SIZE - wl->wl_size, (size_t)PATH_MAX);
	struct nameidata nd;
	int error;

	if ((error = namei(td, AT_FDCWD, (const char *)uaddr, NI_PARENT | NI_FOLLOW, &nd)) != 0)
		return error;
	error =
	    pledge_name_path(nd.ni_lastdot && nd.ni_vp != NULL ? nd.ni_vp : nd.ni_dvp, nd.ni_name,
			     nd.ni_lastdot ? 0 : nd.ni_namelen, wl->wl_path + wl->wl_size, room);
	namei_done(&nd);
	if (error != 0)
		return room < PATH_MAX ? E2BIG : error;
	wl->wl_size += (uint32_t)strlen(wl->wl_path + wl->wl_size) + 1;
	wl->wl_count++;
	return 0;
}

static int
paths_fill(struct thread *td, struct pledge_paths *wl, vaddr_t upaths)
{
	for (;; upaths += sizeof(vaddr_t)) {
		vaddr_t path;
		int error = copyin((const void *)upaths, &path, sizeof(path));

		if (error != 0 || path == 0)
			return error;
		if (wl->wl_count == PATHS_MAX)
			return E2BIG;
		if ((error = paths_add(td, wl, path)) != 0)
			return error;
	}
}

/* A list given once stays. */
static int
paths_new(struct thread *td, vaddr_t upaths, struct pledge_paths **wlp)
{
	struct pledge_paths *wl;
	int error;

	*wlp = NULL;
	if (upaths == 0)
		return 0;
	if (td->td_proc->ps_pledgepaths != NULL)
		return EPERM;
	if ((wl = kmalloc(sizeof(*wl) + PATHS_SIZE, M_ZERO)) == NULL)
		return ENOMEM;
	wl->wl_ref = 1;
	if ((error = paths_fill(td, wl, upaths)) != 0) {
		kfree(wl);
		return error;
	}
	*wlp = wl;
	return 0;
}

static bool
below(const char *path, const char *top)
{
	size_t len = strlen(top);

	if (len == 1)
		return true; /* "/" */
	return strncmp(path, top, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static bool
paths_allow(const struct pledge_paths *wl, const char *path)
{
	const char *p = wl->wl_path;

	for (uint32_t i = 0; i < wl->wl_count; i++, p += strlen(p) + 1)
		if (below(path, p))
			return true;
	return false;
}

int
pledge_lookup(struct vnode *dir, const char *name, size_t len, struct vnode *vp)
{
	const struct pledge_paths *wl = curthread->td_proc->ps_pledgepaths;
	char *path;
	int error;

	if (wl == NULL)
		return 0;
	if (len == 0 || (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))) {
		dir = vp;
		len = 0;
	}
	if ((path = kmalloc(PATH_MAX, 0)) == NULL)
		return ENOMEM;
	error = pledge_name_path(dir, name, len, path, PATH_MAX);
	if (error == 0 && !paths_allow(wl, path))
		error = ENOENT;
	kfree(path);
	return error;
}

/* ---- the call ---- */

/* pledge(promises, paths): paths is a NULL-terminated array, or NULL. */
SYSCALL(pledge)
{
	struct process *ps = td->td_proc;
	struct pledge_paths *wl;
	uint32_t promises;
	int error;

	if ((error = copyin_promises(a[0], &promises)) != 0)
		return error;
	if (ps->ps_flags & PS_PLEDGE && promises & ~ps->ps_pledge)
		return EPERM;
	if ((error = paths_new(td, a[1], &wl)) != 0)
		return error;
	if (wl != NULL)
		ps->ps_pledgepaths = wl;
	ps->ps_pledge = promises;
	ps->ps_flags |= PS_PLEDGE;
	observe_update_process(ps);
	return 0;
}

/* ---- fork, exec, exit ---- */

void
pledge_fork(struct process *child)
{
	if (child->ps_pledgepaths != NULL)
		child->ps_pledgepaths->wl_ref++;
}

void
pledge_free(struct process *ps)
{
	paths_release(ps->ps_pledgepaths);
	ps->ps_pledgepaths = NULL;
}

void
pledge_exec(struct process *ps)
{
	pledge_free(ps);
	ps->ps_pledge = 0;
	ps->ps_flags &= ~PS_PLEDGE;
	observe_update_process(ps);
}
