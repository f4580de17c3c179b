/* SPDX-License-Identifier: ISC */
/* host_launch.c: programs that the host launches: from the LAUNCH message to exec, and their end.
 */
#include <sys/exec.h>
#include <sys/file.h>
#include <sys/host.h>
#include <sys/kmem.h>
#include <sys/launch.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/tty.h>
#include <sys/vnode.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define PATH_MAX 4096

static LIST_HEAD(, host_launch) launches;

struct host_launch *
launch_find(uint32_t id)
{
	struct host_launch *l;

	LIST_FOREACH (l, &launches, l_link)
		if (l->l_id == id)
			return l;
	return NULL;
}

void
host_room(void)
{
	struct host_launch *l;

	LIST_FOREACH (l, &launches, l_link)
		stream_room(l);
}

uint32_t
launch_id(const struct host_launch *l)
{
	return l != NULL ? l->l_id : 0;
}

static void
launch_free_args(struct host_launch *l)
{
	exec_args_free(&l->l_args);
	kfree(l->l_path);
	l->l_path = NULL;
}

void
launch_release(struct host_launch *l)
{
	if (--l->l_refs > 0)
		return;
	launch_free_args(l);
	streams_free(l);
	LIST_REMOVE(l, l_link);
	kfree(l);
}

/* ---- decoding ---- */

struct strings {
	const char *p, *end;
};

/* Next NUL-terminated string of the message, or NULL. */
static const char *
next_string(struct strings *s)
{
	const char *str = s->p;
	size_t n = strnlen(str, (size_t)(s->end - str));

	if (str == s->end || str + n == s->end)
		return NULL;
	s->p = str + n + 1;
	return str;
}

static int
decode_args(struct host_launch *l, struct strings *s)
{
	uint32_t n = l->l_msg.argc + l->l_msg.envc;
	int error;

	for (uint32_t i = 0; i < n; i++) {
		const char *str = next_string(s);

		if (str == NULL)
			return EINVAL;
		if ((error = exec_args_add(&l->l_args, str, i >= l->l_msg.argc)) != 0)
			return error;
	}
	return s->p == s->end ? 0 : EINVAL;
}

/* Keeps one copy of "path NUL cwd NUL"; argv and env go to exec's argument block. */
static int
decode(struct host_launch *l, const void *payload, size_t len)
{
	struct strings s;
	const char *path, *cwd;

	if (len < sizeof(l->l_msg))
		return EINVAL;
	memcpy(&l->l_msg, payload, sizeof(l->l_msg));
	s.p = (const char *)payload + sizeof(l->l_msg);
	s.end = (const char *)payload + len;
	if (l->l_msg.strings != (size_t)(s.end - s.p) || l->l_msg.argc == 0 ||
	    l->l_msg.argc > len || l->l_msg.envc > len)
		return EINVAL;
	if (len - sizeof(l->l_msg) > TINE_LAUNCH_ARGS_MAX + 2 * PATH_MAX)
		return E2BIG;
	path = next_string(&s);
	cwd = path != NULL ? next_string(&s) : NULL;
	if (cwd == NULL)
		return EINVAL;
	if (strlen(path) >= PATH_MAX || strlen(cwd) >= PATH_MAX)
		return ENAMETOOLONG;
	if ((l->l_path = kmalloc((size_t)(s.p - path), 0)) == NULL)
		return ENOMEM;
	memcpy(l->l_path, path, (size_t)(s.p - path));
	l->l_cwd = l->l_path + strlen(path) + 1;
	return decode_args(l, &s);
}

/* ---- in the new process ---- */

static int
set_cred(struct process *ps, uid_t uid, gid_t gid)
{
	struct cred *cr = crcopy(ps->ps_cred);
	int error;

	if (cr == NULL)
		return ENOMEM;
	if ((error = cr_setruid(cr, uid)) != 0) {
		crfree(cr);
		return error;
	}
	cr->cr_uid = cr->cr_svuid = cr->cr_fsuid = uid;
	cr->cr_gid = cr->cr_rgid = cr->cr_svgid = cr->cr_fsgid = gid;
	cr->cr_ngroups = 0;
	chgproccnt(ps->ps_cred->cr_uidinfo, -1, 0);
	chgproccnt(cr->cr_uidinfo, 1, 0);
	crfree(ps->ps_cred);
	ps->ps_cred = cr;
	return 0;
}

static int
set_cwd(struct thread *td, struct exec_args *args, const char *path)
{
	struct fsinfo *fs = td->td_proc->ps_fs;
	struct vnode *vp;
	int error;

	if (path[0] == '\0')
		return 0;
	exec_why(args, "working directory %s", path);
	if ((error = lookup_path(td, path, true, &vp)) != 0)
		return error;
	if (!S_ISDIR(vp->v_type)) {
		vrele(vp);
		return ENOTDIR;
	}
	vrele(fs->fs_cwd);
	fs->fs_cwd = vp;
	exec_why(args, "%s", "");
	return 0;
}

/* Replace the image; the argument block is used up, whatever happens. */
static int
exec_vnode(struct thread *td, struct host_launch *l, struct vnode *vp, const char *path)
{
	int error = kern_execve(td, vp, path, &l->l_args);

	vrele(vp);
	return error;
}

static int
exec_path(struct thread *td, struct host_launch *l, const char *path)
{
	struct vnode *vp;
	int error = lookup_path(td, path, true, &vp);

	return error != 0 ? error : exec_vnode(td, l, vp, path);
}

/* Value of PATH among the env strings that follow argv in the argument block. */
static const char *
env_path(const struct exec_args *ea)
{
	const char *p = ea->buf;

	for (uint32_t i = 0; i < ea->argc + ea->envc; i++, p += strlen(p) + 1)
		if (i >= ea->argc && strncmp(p, "PATH=", 5) == 0)
			return p + 5;
	return DEFAULT_PATH;
}

/* Is there an executable file at path? */
static int
find_program(struct thread *td, const char *path, struct vnode **vpp)
{
	int error = lookup_path(td, path, true, vpp);

	if (error != 0)
		return error;
	if (!S_ISREG((*vpp)->v_type) || vaccess(*vpp, X_OK, td->td_proc->ps_cred) != 0) {
		vrele(*vpp);
		return EACCES;
	}
	return 0;
}

/* As execvp(3): the first directory of PATH that has the program; EACCES is remembered over ENOENT.
 */
static int
exec_search(struct thread *td, struct host_launch *l)
{
	const char *name = l->l_args.buf, *dir = env_path(&l->l_args), *end;
	int error = ENOENT, result = ENOENT;
	struct vnode *vp;
	char *path;

	if (strchr(name, '/') != NULL)
		return exec_path(td, l, name);
	if ((path = kmalloc(PATH_MAX, 0)) == NULL)
		return ENOMEM;
	for (;; dir = end + 1) {
		size_t n;

		end = strchr(dir, ':');
		n = end != NULL ? (size_t)(end - dir) : strlen(dir);
		if (n + 1 + strlen(name) < PATH_MAX) {
			memcpy(path, dir, n);
			path[n] = '/';
			strlcpy(path + n + 1, name, PATH_MAX - n - 1);
			if ((error = find_program(td, n == 0 ? path + 1 : path, &vp)) == 0)
				result = exec_vnode(td, l, vp, path);
			else if (error == EACCES)
				result = EACCES;
		}
		if (error == 0 || end == NULL)
			break;
	}
	kfree(path);
	return result;
}

static int
launch_setup(struct thread *td, struct host_launch *l)
{
	struct process *ps = td->td_proc;
	pid_t sid;
	int error;

	if ((error = setsid_process(ps, &sid)) != 0 || (error = streams_install(l, td)) != 0)
		return error;
	if ((l->l_msg.uid != 0 || l->l_msg.gid != 0) &&
	    (error = set_cred(ps, l->l_msg.uid, l->l_msg.gid)) != 0)
		return error;
	if ((error = set_cwd(td, &l->l_args, l->l_cwd)) != 0)
		return error;
	return l->l_path[0] != '\0' ? exec_path(td, l, l->l_path) : exec_search(td, l);
}

/* The new process's first function; returning from it enters the program. */
static void
launch_start(void *arg)
{
	struct host_launch *l = arg;
	struct thread *td = curthread;
	struct tine_launched done = {.pid = td->td_proc->ps_pid};
	int error;

	l->l_args.why = l->l_why;
	error = launch_setup(td, l);
	launch_free_args(l);
	if (error != 0) {
		host_send_wait(TINE_MSG_REPLY, l->l_id, (uint32_t)error, l->l_why,
			       strlen(l->l_why));
		td->td_proc->ps_launch = NULL;
		streams_close(l);
		launch_release(l);
		exit1(td, W_EXITCODE(127, 0), true);
	}
	host_send_wait(TINE_MSG_REPLY, l->l_id, 0, &done, sizeof(done));
}

/* ---- in process 1 ---- */

static int
launch_fork(struct host_launch *l)
{
	struct fork_args fa = {.flags = FORK_LAUNCH | FORK_FRESHFILES,
			       .exitsig = SIGCHLD,
			       .func = launch_start,
			       .arg = l,
			       .name = "launch"};
	struct thread *td;
	pid_t pid;
	int error = fork1(curthread, &fa, &td, &pid);

	if (error == 0)
		td->td_proc->ps_launch = l; /* takes over our reference */
	return error;
}

/* Begin a launch; the new process answers the host.  An error is answered by the caller. */
int
launch_begin(uint32_t id, const void *payload, size_t len)
{
	struct host_launch *l;
	int error;

	if (id == 0 || launch_find(id) != NULL)
		return EINVAL;
	if ((l = kmalloc(sizeof(*l), M_ZERO)) == NULL)
		return ENOMEM;
	l->l_id = id;
	l->l_refs = 1;
	LIST_INSERT_HEAD(&launches, l, l_link);
	if ((error = decode(l, payload, len)) != 0 || (error = streams_create(l)) != 0 ||
	    (error = launch_fork(l)) != 0) {
		streams_close(l);
		launch_release(l);
	}
	return error;
}

static void
export_rusage(const struct process *ps, struct tine_rusage *ru)
{
	ru->utime_ns = ps->ps_ru.utime + ps->ps_cru.utime;
	ru->stime_ns = ps->ps_ru.stime + ps->ps_cru.stime;
	ru->maxrss = MAX(ps->ps_ru.maxrss, ps->ps_cru.maxrss) * PAGE_SIZE;
	ru->minflt = ps->ps_ru.minflt + ps->ps_cru.minflt;
	ru->majflt = ps->ps_ru.majflt + ps->ps_cru.majflt;
	ru->nvcsw = ps->ps_ru.nvcsw + ps->ps_cru.nvcsw;
	ru->nivcsw = ps->ps_ru.nivcsw + ps->ps_cru.nivcsw;
}

/* By reap_one(), in process 1, with ring space assured. */
void
host_launch_exited(struct process *ps, int status)
{
	struct host_launch *l = ps->ps_launch;
	struct tine_exited ex = {.pid = ps->ps_pid, .status = status};

	export_rusage(ps, &ex.ru);
	ps->ps_launch = NULL;
	if (hostchan_send(TINE_MSG_EXITED, l->l_id, 0, &ex, sizeof(ex)) != 0)
		panic("no room for the exit of launch %u", l->l_id);
	hostchan_tell(); /* now: nobody waits for what is left to clean up */
	launch_release(l);
}
