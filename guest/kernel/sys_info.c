/* SPDX-License-Identifier: ISC */
/* sys_info.c: what the system tells about itself: uname, sysinfo, its log; host name; random bytes.
 */
#include <sys/kmem.h>
#include <sys/msgbuf.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/sysctl.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/vm.h>

#define UTS_LEN 65

struct utsname {
	char sysname[UTS_LEN], nodename[UTS_LEN], release[UTS_LEN], version[UTS_LEN];
	char machine[UTS_LEN], domainname[UTS_LEN];
};

SYSCALL(uname)
{
	struct utsname u;

	memset(&u, 0, sizeof(u));
	strlcpy(u.sysname, ostype, UTS_LEN);
	strlcpy(u.nodename, hostname, UTS_LEN);
	strlcpy(u.release, osrelease, UTS_LEN);
	strlcpy(u.version, osversion, UTS_LEN);
	strlcpy(u.machine, "x86_64", UTS_LEN);
	strlcpy(u.domainname, "(none)", UTS_LEN);
	return copyout(&u, (void *)a[0], sizeof(u));
}

SYSCALL(sethostname)
{
	char name[sizeof(hostname)] = {0};
	int error;

	if (!suser(td))
		return EPERM;
	if (a[1] >= sizeof(name))
		return EINVAL;
	if ((error = copyin((const void *)a[0], name, a[1])) != 0)
		return error;
	memcpy(hostname, name, sizeof(hostname));
	return 0;
}

struct sysinfo {
	int64_t uptime;
	uint64_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad;
	uint32_t pad2;
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit, pad3;
};
_Static_assert(sizeof(struct sysinfo) == 112, "struct sysinfo");

SYSCALL(sysinfo)
{
	struct sysinfo si;

	memset(&si, 0, sizeof(si));
	si.uptime = (int64_t)(nanouptime() / NSEC_PER_SEC);
	si.totalram = ptoa(vm_frames_total());
	si.freeram = ptoa(vm_frames_free());
	si.procs = (uint16_t)MIN(nthreads, UINT16_MAX);
	si.mem_unit = 1;
	return copyout(&si, (void *)a[0], sizeof(si));
}

/* ---- syslog ---- */

enum syslog_action {
	SYSLOG_CLOSE = 0,
	SYSLOG_OPEN = 1,
	SYSLOG_READ_ALL = 3,
	SYSLOG_READ_CLEAR = 4,
	SYSLOG_CLEAR = 5,
	SYSLOG_CONSOLE_OFF = 6,
	SYSLOG_CONSOLE_ON = 7,
	SYSLOG_CONSOLE_LEVEL = 8,
	SYSLOG_SIZE_UNREAD = 9,
	SYSLOG_SIZE_BUFFER = 10
};

/* The newest len bytes of the log, in pieces that fit the stack. */
static int
log_copyout(vaddr_t uaddr, size_t len, long *retval)
{
	size_t used = msgbuf_used(), done = 0, n;
	size_t skip = used - MIN(len, used);
	char piece[256];
	int error;

	for (; done < len; done += n) {
		n = msgbuf_read(piece, MIN(sizeof(piece), len - done), skip + done);
		if (n == 0)
			break;
		if ((error = copyout(piece, (char *)uaddr + done, n)) != 0)
			return error;
	}
	*retval = (long)done;
	return 0;
}

SYSCALL(syslog)
{
	int action = (int)a[0], len = (int)a[2], error;

	if (action == SYSLOG_SIZE_BUFFER) {
		*retval = MSGBUF_SIZE;
		return 0;
	}
	if (!suser(td) && action != SYSLOG_READ_ALL)
		return EPERM;
	switch (action) {
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN:
	case SYSLOG_CONSOLE_OFF:
	case SYSLOG_CONSOLE_ON:
	case SYSLOG_CONSOLE_LEVEL: /* the host decides what its console shows */
		return 0;
	case SYSLOG_SIZE_UNREAD:
		*retval = (long)msgbuf_used();
		return 0;
	case SYSLOG_CLEAR:
		msgbuf_clear();
		return 0;
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
		if (a[1] == 0 || len < 0)
			return EINVAL;
		error = log_copyout(a[1], (size_t)len, retval);
		if (error == 0 && action == SYSLOG_READ_CLEAR)
			msgbuf_clear();
		return error;
	default:
		return EINVAL;
	}
}

/* ---- random bytes ---- */

#define GRND_FLAGS 7u               /* NONBLOCK, RANDOM, INSECURE: all the same here */
#define RANDOM_MAX 33554431UL       /* bytes one call gives at most, as on Linux */
#define RANDOM_STRETCH (64UL << 10) /* bytes between two looks at who else wants to run */

SYSCALL(getrandom)
{
	size_t len = MIN(a[1], RANDOM_MAX), done = 0, n;
	uint8_t piece[256];
	int error = 0;

	if ((uint32_t)a[2] & ~GRND_FLAGS)
		return EINVAL;
	for (; done < len && error == 0; done += n) {
		if (done > 0 && done % RANDOM_STRETCH == 0) {
			sched_yield_thread(td);
			if (signal_pending(td))
				break;
		}
		n = MIN(sizeof(piece), len - done);
		arc4random_buf(piece, n);
		error = copyout(piece, (char *)a[0] + done, n);
	}
	memset(piece, 0, sizeof(piece));
	*retval = (long)done;
	return error;
}
