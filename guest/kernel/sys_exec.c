/* SPDX-License-Identifier: ISC */
/* sys_exec.c: execve and execveat. */
#include <sys/exec.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vnode.h>

#define PATH_MAX 4096

/* The name a program opened through a descriptor is given: scripts are read again by it. */
static void
fd_path(char *buf, size_t size, int dirfd, const char *path)
{
	ksnprintf(buf, size, "/dev/fd/%d%s%s", dirfd, path[0] != '\0' ? "/" : "", path);
}

static int
exec_vnode(struct thread *td, struct vnode *vp, const char *path, vaddr_t argv, vaddr_t envp)
{
	struct exec_args args = {0};
	int error = exec_args_add_user(&args, argv, envp);

	if (error != 0) {
		exec_args_free(&args);
		return error;
	}
	error = kern_execve(td, vp, path, &args);
	return error != 0 ? error : EJUSTRETURN;
}

/* name: PATH_MAX bytes for the path, and 16 + PATH_MAX for what it is called. */
static int
exec_at(struct thread *td, int dirfd, const uint64_t *a, int flags, char *name, size_t size)
{
	unsigned ni = NI_KERNEL | (flags & AT_SYMLINK_NOFOLLOW ? 0 : NI_FOLLOW) |
		      (flags & AT_EMPTY_PATH ? NI_EMPTY : 0);
	struct nameidata nd;
	char *path = name;
	size_t len;
	int error = copyinstr((const void *)a[0], path, PATH_MAX, &len);

	if (error != 0)
		return error;
	if (len == 1 && !(flags & AT_EMPTY_PATH))
		return ENOENT;
	if ((error = namei(td, dirfd, path, ni, &nd)) != 0)
		return error;
	if (dirfd != AT_FDCWD && path[0] != '/') {
		fd_path(name + PATH_MAX, size - PATH_MAX, dirfd, path);
		path = name + PATH_MAX;
	}
	error = S_ISLNK(nd.ni_vp->v_type) ? ELOOP : exec_vnode(td, nd.ni_vp, path, a[1], a[2]);
	namei_done(&nd);
	return error;
}

static int
sys_exec(struct thread *td, int dirfd, const uint64_t *a, int flags)
{
	size_t size = dirfd == AT_FDCWD ? PATH_MAX : 2 * PATH_MAX + 32;
	char *name = kmalloc(size, 0);
	int error;

	if (name == NULL)
		return ENOMEM;
	error = exec_at(td, dirfd, a, flags, name, size);
	kfree(name);
	return error;
}

SYSCALL(execve)
{
	return sys_exec(td, AT_FDCWD, a, 0);
}

SYSCALL(execveat)
{
	int flags = (int)a[4];

	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return EINVAL;
	return sys_exec(td, (int)a[0], a + 1, flags);
}
