/* SPDX-License-Identifier: ISC */
/*
 * kern_exec.c: replace the image of a process.
 *
 * The new address space is built beside the old one and everything the process will need is
 * allocated first; from the commit point on nothing fails.  An error before it leaves the process
 * as it was, but for the other threads: they must be gone before credentials and files are looked
 * at for the last time, so a lack of memory right then is reported to a process that is now
 * single-threaded.
 */
#include <sys/exec_image.h>
#include <sys/exit.h>
#include <sys/file.h>
#include <sys/fork.h>
#include <sys/forkwatch.h>
#include <sys/futex.h>
#include <sys/host.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/observe.h>
#include <sys/pmap.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>
#include <machine/stats.h>
#include <machine/trace.h>

#define ADDR_NO_RANDOMIZE 0x0040000 /* personality(2) */
#define MS_NOSUID 2
#define MS_NOEXEC 8
#define PATH_MAX 4096
#define PARGS_MAX 32768UL /* longer command lines are cut short in /proc */
#define STACK_RANDOM_PAGES (1u << 16)
#define MMAP_RANDOM_PAGES (1u << 16)
#define STACK_ROOM_MIN (128UL << 20)         /* address space kept for the stack, at least ... */
#define STACK_ROOM_MAX (VM_USER_MAX / 6 * 5) /* ... and at most */

int exec_aslr = 2;

uint64_t
exec_random_pages(const struct exec_image *x, uint32_t limit)
{
	if (exec_aslr == 0 || x->td->td_proc->ps_personality & ADDR_NO_RANDOMIZE)
		return 0;
	return ptoa(arc4random_uniform(limit));
}

/* ---- the arguments block ---- */

void
pargs_free(struct pargs *pa)
{
	if (pa != NULL && --pa->ar_refs == 0)
		kfree(pa);
}

static struct pargs *
pargs_new(const struct exec_args *ea)
{
	size_t len = MIN(exec_args_argvlen(ea), PARGS_MAX);
	struct pargs *pa = kmalloc(sizeof(*pa) + len, 0);

	if (pa == NULL)
		return NULL;
	pa->ar_refs = 1;
	pa->ar_len = (uint32_t)len;
	memcpy(pa->ar_args, ea->buf, len);
	return pa;
}

/* ---- the file ---- */

static int
may_exec(struct exec_image *x, struct vnode *vp)
{
	int error;

	if (!S_ISREG(vp->v_type))
		return EACCES;
	if (vp->v_mount != NULL && vp->v_mount->mnt_flags & MS_NOEXEC)
		return EACCES;
	if ((error = vaccess(vp, X_OK, x->td->td_proc->ps_cred)) != 0 ||
	    (error = vn_stat(vp, &x->st)) != 0)
		return error;
	if ((x->st.st_mode & 0111) == 0)
		return EACCES;
	return vp->v_writecount > 0 ? ETXTBSY : 0;
}

/* Make vp the file of the image: checked, counted as text, its head read. */
static int
image_file(struct exec_image *x, struct vnode *vp)
{
	int error = may_exec(x, vp);

	if (error != 0)
		return error;
	if (x->vp != NULL)
		vrele_text(x->vp);
	x->vp = vhold_text(vp);
	return vn_read(vp, x->head, sizeof(x->head), 0, &x->headlen);
}

static int
image_interp(struct exec_image *x, const char *path)
{
	struct nameidata nd;
	int error = namei(x->td, AT_FDCWD, path, NI_FOLLOW | NI_KERNEL, &nd);

	if (error == 0) {
		error = image_file(x, nd.ni_vp);
		namei_done(&nd);
	}
	if (error != 0)
		exec_why(x->args, "its interpreter %s", path);
	return error;
}

/* Follow "#!" lines to a file that is not a script. */
static int
resolve_scripts(struct exec_image *x)
{
	char *script = NULL, *interp;
	int error;

	for (unsigned depth = 0;; depth++) {
		error = exec_script(x, script != NULL ? script : x->path, &interp);
		if (error != 0)
			break;
		kfree(script);
		script = interp;
		if (depth == EXEC_SCRIPT_DEPTH)
			error = ELOOP;
		else
			error = image_interp(x, interp);
		if (error != 0)
			break;
	}
	kfree(script);
	/* ENOEXEC with a file in hand: it is no script. */
	return error == ENOEXEC ? 0 : error;
}

/* ---- the address space ---- */

static int
image_vmspace(struct exec_image *x)
{
	vsize_t room = lim_cur(x->td->td_proc, RLIMIT_STACK);
	struct vmspace *vm = vmspace_create();

	if (vm == NULL)
		return ENOMEM;
	x->vm = vm;
	room = MIN(MAX(room, STACK_ROOM_MIN), STACK_ROOM_MAX);
	vm->vm_stack_top = VM_STACK_TOP - exec_random_pages(x, STACK_RANDOM_PAGES);
	/* No mapping shares a directory with the stack: fork copies that one at once. */
	vm->vm_mmap_base = rounddown(vm->vm_stack_top - room, VM_DIRECTORY_SPAN) -
			   exec_random_pages(x, MMAP_RANDOM_PAGES);
	vm->vm_hint = vm->vm_mmap_base;
	vm->vm_hole = 0;
	return exec_elf(x);
}

/* ---- credentials ---- */

/* Who the program runs as: set-id bits count unless somebody could misuse them. */
static void
setid(const struct exec_image *x, const struct process *ps, uid_t *uid, gid_t *gid)
{
	const struct stat *st = &x->st;
	const struct mount *mnt = x->vp->v_mount;

	*uid = ps->ps_cred->cr_uid;
	*gid = ps->ps_cred->cr_gid;
	if ((mnt != NULL && mnt->mnt_flags & MS_NOSUID) || ps->ps_nonewprivs ||
	    ps->ps_flags & PS_TRACED)
		return;
	if (st->st_mode & S_ISUID)
		*uid = st->st_uid;
	if ((st->st_mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
		*gid = st->st_gid;
}

static int
image_cred(struct exec_image *x, struct process *ps)
{
	const struct cred *old = ps->ps_cred;
	struct cred *cr;
	uid_t uid;
	gid_t gid;

	setid(x, ps, &uid, &gid);
	x->secure = uid != old->cr_ruid || gid != old->cr_rgid;
	if (uid == old->cr_uid && uid == old->cr_svuid && uid == old->cr_fsuid &&
	    gid == old->cr_gid && gid == old->cr_svgid && gid == old->cr_fsgid) {
		x->cred = crhold(ps->ps_cred);
		return 0;
	}
	if ((cr = crcopy(old)) == NULL)
		return ENOMEM;
	cr->cr_uid = cr->cr_svuid = cr->cr_fsuid = uid;
	cr->cr_gid = cr->cr_svgid = cr->cr_fsgid = gid;
	x->cred = cr;
	return 0;
}

/* ---- everything else that has to be there before the commit point ---- */

static int
image_exepath(struct exec_image *x)
{
	char *buf = kmalloc(PATH_MAX, 0);

	if (buf == NULL)
		return ENOMEM;
	x->exepath = exepath_new(vnode_path(x->vp, buf, PATH_MAX) == 0 ? buf : x->path);
	kfree(buf);
	return x->exepath != NULL ? 0 : ENOMEM;
}

/* Handlers and descriptors shared with other processes are not theirs any more after exec. */
static int
image_unshare(struct exec_image *x, struct process *ps)
{
	if (ps->ps_sigacts->sa_refs > 1 && (x->sigacts = sigacts_copy(ps->ps_sigacts)) == NULL)
		return ENOMEM;
	if (ps->ps_fd->fd_refs > 1 && (x->fd = fd_copy(ps->ps_fd)) == NULL)
		return ENOMEM;
	return 0;
}

static int
image_prepare(struct exec_image *x, struct process *ps)
{
	int error;

	if ((x->pargs = pargs_new(x->args)) == NULL)
		return ENOMEM;
	if ((error = image_exepath(x)) != 0 || (error = image_cred(x, ps)) != 0 ||
	    (error = image_unshare(x, ps)) != 0)
		return error;
	return exec_stack(x);
}

/* Drop what the image still owns: all of it after an error, the old things after a commit. */
static void
image_free(struct exec_image *x)
{
	if (x->vm != NULL)
		vmspace_release(x->vm);
	if (x->cred != NULL)
		crfree(x->cred);
	if (x->sigacts != NULL)
		sigacts_release(x->sigacts);
	if (x->fd != NULL)
		fd_release(x->fd);
	pargs_free(x->pargs);
	exepath_free(x->exepath);
	if (x->vp != NULL)
		vrele_text(x->vp);
	exec_args_free(x->args);
}

/* ---- the commit: nothing below fails ---- */

#define swap(a, b)                                                                                 \
	do {                                                                                       \
		__typeof__(a) tmp_ = (a);                                                          \
		(a) = (b);                                                                         \
		(b) = tmp_;                                                                        \
	} while (0)

/* The image gets the old parts in exchange and image_free() drops them. */
static void
commit_parts(struct exec_image *x, struct process *ps)
{
	swap(ps->ps_vmspace, x->vm);
	pmap_activate(&ps->ps_vmspace->vm_pmap);
	if (x->vm != NULL && x->vm->vm_refs == 1)
		ps->ps_ru.maxrss = MAX(ps->ps_ru.maxrss, x->vm->vm_maxrss);
	swap(ps->ps_cred, x->cred);
	swap(ps->ps_args, x->pargs);
	swap(ps->ps_exepath, x->exepath);
	swap(ps->ps_textvp, x->vp);
	if (x->sigacts != NULL)
		swap(ps->ps_sigacts, x->sigacts);
	if (x->fd != NULL)
		swap(ps->ps_fd, x->fd);
}

static void
commit_process(struct exec_image *x, struct process *ps)
{
	const char *slash = strrchr(x->path, '/');

	strlcpy(ps->ps_comm, slash != NULL ? slash + 1 : x->path, sizeof(ps->ps_comm));
	memcpy(ps->ps_args->ar_auxv, x->auxv, sizeof(x->auxv));
	ps->ps_args->ar_argv = x->argv_addr;
	ps->ps_args->ar_argv_end = ps->ps_args->ar_env = x->env_addr;
	ps->ps_args->ar_env_end = x->env_end;
	ps->ps_flags = (ps->ps_flags & ~PS_SUGID) | PS_EXEC | (x->secure ? PS_SUGID : 0);
	ps->ps_acflag &= ~AFORK;
	ps->ps_exitsig = SIGCHLD;
	ps->ps_dumpable_off = x->secure;
	if (x->secure)
		ps->ps_pdeathsig = 0;
	itimers_exit(ps);
	sigacts_exec(ps);
	fd_closeexec(ps->ps_fd);
}

static void
commit_thread(struct exec_image *x, struct thread *td)
{
	strlcpy(td->td_name, td->td_proc->ps_comm, sizeof(td->td_name));
	td->td_sigstk = (struct sigaltstack){.ss_flags = SS_DISABLE};
	td->td_clear_tid = td->td_set_tid = 0;
	td->td_robust_list = td->td_robust_len = 0;
	td->td_restart = NULL;
	cpu_exec(td, x->start, x->sp);
	signotify(td);
}

static void
image_commit(struct exec_image *x, struct thread *td, uint64_t began)
{
	struct process *ps = td->td_proc;

	if (ps->ps_vmspace != NULL)
		futex_thread_exit(td); /* robust futexes are in the old memory */
	commit_parts(x, ps);
	vfork_done(ps);
	commit_process(x, ps);
	commit_thread(x, td);
	STAT_INC(execs);
	hist_add(&kstats->exec, cpu_cycles() - began);
	KTRACE(EXEC, x->start, x->sp);
	host_event_exec(ps);
	forkwatch_exec(ps);
}

int
kern_execve(struct thread *td, struct vnode *vp, const char *path, struct exec_args *args)
{
	struct exec_image x = {.td = td, .path = path, .args = args};
	struct process *ps = td->td_proc;
	uint64_t began = cpu_cycles();
	pid_t tid = td->td_tid;
	int error;

	if ((error = image_file(&x, vp)) != 0 || (error = resolve_scripts(&x)) != 0 ||
	    (error = image_vmspace(&x)) != 0)
		goto out;
	if ((ps->ps_nthreads > 1 || td->td_tid != ps->ps_pid) && (error = single_thread(td)) != 0)
		goto out;
	if ((error = image_prepare(&x, ps)) == 0)
		image_commit(&x, td, began);
out:
	image_free(&x);
	if (error == 0)
		observe_exec(td, tid);
	return error;
}
