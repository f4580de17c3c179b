/* SPDX-License-Identifier: ISC */
/* kern_sysctl.c: named variables of the kernel, for programs, the host and the boot parameters. */
#include <sys/atfork.h>
#include <sys/exec_image.h>
#include <sys/forkvar.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vmfork.h>
#include <machine/stats.h>

#define OSRELEASE "6.1.0-tine"

char hostname[64 + 1] __resume_data = "tine";
const char ostype[] = "Linux"; /* whose system calls these are */
const char osrelease[] = OSRELEASE;
const char osversion[] = "#1 tine";

/* A node is an integer with bounds, a string, or has handlers of its own. */
struct sysctl_node {
	const char *name;
	int *integer;
	int64_t min, max;
	const char *text;
	int (*get)(char *buf, size_t size); /* ERANGE */
	int (*set)(const char *value);      /* EINVAL */
	bool writable;
};

/* ---- handlers ---- */

static int
put_text(char *buf, size_t size, const char *text)
{
	return strlcpy(buf, text, size) < size ? 0 : ERANGE;
}

static int
put_integer(char *buf, size_t size, int64_t value)
{
	return (size_t)ksnprintf(buf, size, "%lld", (long long)value) < size ? 0 : ERANGE;
}

static int
parse_int(const char *value, int64_t min, int64_t max, int *out)
{
	int64_t v;

	if (!strtoi64(value, 0, &v) || v < min || v > max)
		return EINVAL;
	*out = (int)v;
	return 0;
}

static const char *const pidpolicies[] = {
    [PIDPOLICY_RANDOM] = "random",
    [PIDPOLICY_SEQUENTIAL] = "sequential",
    [PIDPOLICY_MODULUS] = "modulus",
};

static int
get_pidpolicy(char *buf, size_t size)
{
	return put_text(buf, size, pidpolicies[pidpolicy]);
}

static int
set_pidpolicy(const char *value)
{
	for (size_t i = 0; i < nitems(pidpolicies); i++)
		if (strcmp(value, pidpolicies[i]) == 0) {
			pidpolicy = (int)i;
			return 0;
		}
	return EINVAL;
}

static int
get_randompid(char *buf, size_t size)
{
	return put_integer(buf, size, randompid);
}

static int
set_randompid(const char *value)
{
	int v, error = parse_int(value, INT32_MIN, INT32_MAX, &v);

	if (error == 0)
		randompid = pid_clamp_randompid(v);
	return error;
}

static int
get_pid_max(char *buf, size_t size)
{
	return put_integer(buf, size, pid_max);
}

static int
set_pid_max(const char *value)
{
	int v, error = parse_int(value, 301, PID_MAX_LIMIT, &v);

	return error != 0 ? error : pid_set_max(v);
}

static int
set_maxproc(const char *value)
{
	int error = parse_int(value, 1, PID_MAX_LIMIT, &maxprocess);

	if (error == 0)
		STAT_SET(maxproc, maxprocess);
	return error;
}

static int
get_maxproc(char *buf, size_t size)
{
	return put_integer(buf, size, maxprocess);
}

static int
set_maxthread(const char *value)
{
	int error = parse_int(value, 1, PID_MAX_LIMIT, &maxthread);

	if (error == 0)
		STAT_SET(maxthread, maxthread);
	return error;
}

static int
get_maxthread(char *buf, size_t size)
{
	return put_integer(buf, size, maxthread);
}

static int
set_hostname(const char *value)
{
	if (strlen(value) >= sizeof(hostname))
		return EINVAL;
	strlcpy(hostname, value, sizeof(hostname));
	return 0;
}

static int
get_frames_total(char *buf, size_t size)
{
	return put_integer(buf, size, (int64_t)vm_frames_total());
}

static int
get_frames_free(char *buf, size_t size)
{
	return put_integer(buf, size, (int64_t)vm_frames_free());
}

static int
get_frames_returned(char *buf, size_t size)
{
	return put_integer(buf, size, (int64_t)vm_frames_returned);
}

static int
get_generation(char *buf, size_t size)
{
	return put_integer(buf, size, (int64_t)vm_generation);
}

static int
get_objects(char *buf, size_t size)
{
	return put_integer(buf, size, (int64_t)kmem_objects_out());
}

static int
get_atfork_calls(char *buf, size_t size)
{
	return put_integer(buf, size, (int64_t)atfork_calls);
}

static int
get_atfork_hooks(char *buf, size_t size)
{
	return put_integer(buf, size, (int64_t)atfork_hooks);
}

#ifdef TINE_DEBUG
static int
get_fail_at(char *buf, size_t size)
{
	return put_integer(buf, size, (int64_t)kmem_fail_at);
}

static int
set_fail_at(const char *value)
{
	int64_t v;

	if (!strtoi64(value, 0, &v) || v < 0)
		return EINVAL;
	kmem_fail_at = (uint64_t)v;
	return 0;
}

static int
get_kstack_used(char *buf, size_t size)
{
	return put_integer(buf, size, (int64_t)kstack_used());
}

static int
get_kthread_test(char *buf, size_t size)
{
	return put_integer(buf, size, forktest_kthread_pid());
}

/* "high": as with RFHIGHPID.  The value read back is the thread's pid. */
static int
set_kthread_test(const char *value)
{
	return forktest_kthread(strcmp(value, "high") == 0);
}
#endif

/* ---- the table ---- */

#define INT_RW(n, p, lo, hi)                                                                       \
	{                                                                                          \
		.name = n, .integer = p, .min = lo, .max = hi, .writable = true                    \
	}
#define INT_RO(n, p)                                                                               \
	{                                                                                          \
		.name = n, .integer = p                                                            \
	}
#define TEXT(n, t)                                                                                 \
	{                                                                                          \
		.name = n, .text = t                                                               \
	}
#define HANDLED(n, g, s)                                                                           \
	{                                                                                          \
		.name = n, .get = g, .set = s, .writable = (s) != NULL                             \
	}
#define NOSET ((int (*)(const char *))NULL)

static const struct sysctl_node nodes[] = {
    TEXT("kern.ostype", ostype),
    TEXT("kern.osrelease", osrelease),
    TEXT("kern.version", osversion),
    {.name = "kern.hostname", .text = hostname, .set = set_hostname, .writable = true},
    HANDLED("kern.maxproc", get_maxproc, set_maxproc),
    HANDLED("kern.maxthread", get_maxthread, set_maxthread),
    INT_RW("kern.maxproc_reserve", &fork_reserve, 0, 1000),
    INT_RO("kern.nprocs", &nprocesses),
    INT_RO("kern.nthreads", &nthreads),
    INT_RW("kern.lastpid", &lastpid, 0, PID_MAX_LIMIT),
    HANDLED("kern.pid_max", get_pid_max, set_pid_max),
    HANDLED("kern.pidpolicy", get_pidpolicy, set_pidpolicy),
    HANDLED("kern.randompid", get_randompid, set_randompid),
    INT_RW("kern.fast_vfork", &fast_vfork, 0, 1),
    INT_RW("kern.randomize_va_space", &exec_aslr, 0, 2),
    HANDLED("kern.objects", get_objects, NOSET), /* kernel objects in use: tests look for leaks */
    HANDLED("kern.atfork.hooks", get_atfork_hooks, NOSET), /* registered by at_fork() */
    HANDLED("kern.atfork.calls", get_atfork_calls, NOSET), /* of all of them since boot */
#ifdef TINE_DEBUG
    HANDLED("kern.fail_at", get_fail_at, set_fail_at),
    INT_RW("kern.fork_fail_at", &fork_fail_at, 0, INT32_MAX),
    INT_RW("kern.fork_pause", &fork_pause_ms, 0, 10000),
    HANDLED("kern.kthread_test", get_kthread_test, set_kthread_test),
    HANDLED("kern.kstack_used", get_kstack_used, NOSET),
    INT_RW("kern.check_interval", &vm_check_interval, 0, INT32_MAX),
#endif
    INT_RW("kern.vmfork", &vmfork_limit, 0, INT32_MAX), /* vmfork() and tine_freeze() left */
    HANDLED("kern.generation", get_generation, NOSET),
    TEXT("vm.overcommit_memory", "1"),
    TEXT("vm.max_map_count", "65530"),
    HANDLED("vm.frames_total", get_frames_total, NOSET),
    HANDLED("vm.frames_free", get_frames_free, NOSET),
    HANDLED("vm.frames_returned", get_frames_returned, NOSET),
};

static const struct sysctl_node *
node_find(const char *name)
{
	for (size_t i = 0; i < nitems(nodes); i++)
		if (strcmp(nodes[i].name, name) == 0)
			return &nodes[i];
	return NULL;
}

const char *
sysctl_name(size_t n)
{
	return n < nitems(nodes) ? nodes[n].name : NULL;
}

int
sysctl_get(const char *name, char *buf, size_t size)
{
	const struct sysctl_node *node = node_find(name);

	if (node == NULL)
		return ENOENT;
	if (node->get != NULL)
		return node->get(buf, size);
	if (node->integer != NULL)
		return put_integer(buf, size, *node->integer);
	return put_text(buf, size, node->text);
}

int
sysctl_set(struct thread *td, const char *name, const char *value)
{
	const struct sysctl_node *node = node_find(name);

	if (node == NULL)
		return ENOENT;
	if (!node->writable || (td != NULL && !suser(td)))
		return EPERM;
	if (node->set != NULL)
		return node->set(value);
	return parse_int(value, node->min, node->max, node->integer);
}

int
sysctl_set_boot(const char *name, const char *value)
{
	return sysctl_set(NULL, name, value);
}
