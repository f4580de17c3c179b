/* SPDX-License-Identifier: ISC */
/* kern_unshare.c: a process parts with what it shares with others (rfork without RFPROC). */
#include <sys/file.h>
#include <sys/forkvar.h>
#include <sys/pmap.h>
#include <sys/systm.h>
#include <sys/vm.h>

static void
replace_vmspace(struct process *ps, struct vmspace *vm)
{
	struct vmspace *old = ps->ps_vmspace;

	ps->ps_vmspace = vm;
	pmap_activate(&vm->vm_pmap);
	vmspace_release(old);
}

static void
replace_files(struct process *ps, struct filedesc *fd)
{
	struct filedesc *old = ps->ps_fd;

	ps->ps_fd = fd;
	fd_release(old);
}

static void
replace_fs(struct process *ps, struct fsinfo *fs)
{
	struct fsinfo *old = ps->ps_fs;

	ps->ps_fs = fs;
	fsinfo_release(old);
}

/* All or nothing: the parts are made first. */
int
kern_unshare(struct thread *td, uint32_t what)
{
	struct process *ps = td->td_proc;
	bool vm = what & UNSHARE_VM && ps->ps_vmspace->vm_refs > 1;
	bool files = what & UNSHARE_FILES && ps->ps_fd->fd_refs > 1;
	bool fs = what & UNSHARE_FS && ps->ps_fs->fs_refs > 1;
	struct fsinfo *newfs = NULL;
	struct filedesc *newfd = NULL;
	struct vmspace *newvm = NULL;

	forktest_begin();
	if (fs && (newfs = fsinfo_copy(ps->ps_fs)) == NULL)
		goto fail;
	if (files && (newfd = fd_copy(ps->ps_fd)) == NULL)
		goto fail_fs;
	if (what & UNSHARE_NOFILES && (newfd = fd_new()) == NULL)
		goto fail_fs;
	if (vm && (newvm = vmspace_fork(ps->ps_vmspace, VM_USER_MAX)) == NULL)
		goto fail_fd;

	forktest_end();
	if (newvm != NULL)
		replace_vmspace(ps, newvm);
	if (newfs != NULL)
		replace_fs(ps, newfs);
	if (newfd != NULL)
		replace_files(ps, newfd);
	return 0;

fail_fd:
	if (newfd != NULL)
		fd_release(newfd);
fail_fs:
	if (newfs != NULL)
		fsinfo_release(newfs);
fail:
	forktest_end();
	return ENOMEM;
}
