/* SPDX-License-Identifier: ISC */
/* sock_unix.c: names of Unix-domain sockets: files, and the abstract names of Linux. */
#include <sys/proc.h>
#include <sys/socketvar.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include <sys/vnode.h>

#define PATHOFF ((uint32_t)offsetof(struct sockaddr_un, sun_path))

static LIST_HEAD(, socket) abstract_names;

static bool
is_abstract(const struct sockname *name)
{
	return name->sn_len > PATHOFF && name->sn_un.sun_path[0] == '\0';
}

static int
check(const struct sockname *name)
{
	if (name->sn_family != AF_UNIX)
		return EINVAL;
	return name->sn_len > sizeof(struct sockaddr_un) ? EINVAL : 0;
}

/* The path with a NUL, which the program need not have written: room for one byte more. */
static void
path_of(const struct sockname *name, char path[sizeof(name->sn_un.sun_path) + 1])
{
	uint32_t len = name->sn_len - PATHOFF;

	memcpy(path, name->sn_un.sun_path, len);
	path[len] = '\0';
}

static struct socket *
abstract_find(const struct sockname *name, int type)
{
	struct socket *so;

	LIST_FOREACH (so, &abstract_names, so_bound)
		if (so->so_type == type && sockname_equal(&so->so_name, name))
			return so;
	return NULL;
}

static int
abstract_bind(struct socket *so, const struct sockname *name)
{
	if (abstract_find(name, so->so_type) != NULL)
		return EADDRINUSE;
	so->so_name = *name;
	so->so_flags |= SS_BOUND;
	LIST_INSERT_HEAD(&abstract_names, so, so_bound);
	return 0;
}

/* Five hexadecimal digits, as on Linux. */
int
unix_autobind(struct socket *so)
{
	static uint32_t next;
	struct sockname name = {.sn_len = PATHOFF + 6, .sn_family = AF_UNIX};
	char digits[8];

	for (uint32_t i = 0; i <= 0xfffff; i++) {
		ksnprintf(digits, sizeof(digits), "%05x", next++ & 0xfffff);
		memcpy(name.sn_un.sun_path + 1, digits, 5);
		if (abstract_bind(so, &name) == 0)
			return 0;
	}
	return ENOSPC;
}

static int
path_bind(struct thread *td, struct socket *so, const struct sockname *name)
{
	char path[sizeof(name->sn_un.sun_path) + 1];
	struct vnode *vp;
	int error;

	path_of(name, path);
	error = vfs_makenode(td, AT_FDCWD, path, S_IFSOCK | 0777, 0, NI_KERNEL, &vp);
	if (error != 0)
		return error == EEXIST ? EADDRINUSE : error;
	vp->v_special = so;
	so->so_vnode = vp;
	so->so_name = *name;
	so->so_name.sn_len = PATHOFF + (uint32_t)strlen(path) + 1;
	if (so->so_name.sn_len > sizeof(struct sockaddr_un))
		so->so_name.sn_len = sizeof(struct sockaddr_un);
	so->so_flags |= SS_BOUND;
	return 0;
}

int
unix_bind(struct thread *td, struct socket *so, const struct sockname *name)
{
	int error = check(name);

	if (error != 0)
		return error;
	if (name->sn_len == PATHOFF)
		return unix_autobind(so);
	return is_abstract(name) ? abstract_bind(so, name) : path_bind(td, so, name);
}

static int
path_lookup(struct thread *td, const struct sockname *name, struct socket **top)
{
	char path[sizeof(name->sn_un.sun_path) + 1];
	struct nameidata ni;
	int error;

	path_of(name, path);
	error = namei(td, AT_FDCWD, path, NI_FOLLOW | NI_KERNEL, &ni);
	if (error != 0)
		return error;
	error = vaccess(ni.ni_vp, W_OK, td->td_proc->ps_cred);
	if (error == 0) {
		*top = S_ISSOCK(ni.ni_vp->v_type) ? ni.ni_vp->v_special : NULL;
		error = *top != NULL ? 0 : ECONNREFUSED;
	}
	namei_done(&ni);
	return error;
}

int
unix_lookup(struct thread *td, struct socket *so, const struct sockname *name, struct socket **top)
{
	int error = check(name);

	if (error != 0)
		return error;
	if (name->sn_len == PATHOFF)
		return EINVAL;
	if (is_abstract(name)) {
		*top = abstract_find(name, so->so_type);
		error = *top != NULL ? 0 : ECONNREFUSED;
	} else {
		error = path_lookup(td, name, top);
	}
	if (error == 0 && (*top)->so_type != so->so_type)
		error = EPROTOTYPE;
	if (error == 0)
		(*top)->so_refs++;
	return error;
}
