/* SPDX-License-Identifier: ISC */
/* calls.c: what kinds of arguments each system call takes, for the fuzzer; kinds as in values.h. */
#define _GNU_SOURCE
#include "calls.h"
#include <sys/syscall.h>

#define CALL(name, kinds)                                                                          \
	{                                                                                          \
		SYS_##name, kinds                                                                  \
	}

/* Calls without an entry get arguments of any kind. */
static const struct {
	int nr;
	const char *kinds;
} calls[] = {
    CALL(read, "fbn"),
    CALL(write, "fbn"),
    CALL(open, "pgm"),
    CALL(close, "f"),
    CALL(stat, "pb"),
    CALL(fstat, "fb"),
    CALL(lstat, "pb"),
    CALL(poll, "bii"),
    CALL(lseek, "foi"),
    CALL(mmap, "aniigo"),
    CALL(mmap, "aniifo"),
    CALL(mprotect, "ani"),
    CALL(munmap, "an"),
    CALL(brk, "a"),
    CALL(rt_sigaction, "sbbi"),
    CALL(rt_sigprocmask, "ibbi"),
    CALL(ioctl, "fcb"),
    CALL(ioctl, "fci"),
    CALL(pread64, "fbno"),
    CALL(pwrite64, "fbno"),
    CALL(readv, "fbi"),
    CALL(writev, "fbi"),
    CALL(access, "pi"),
    CALL(pipe, "b"),
    CALL(select, "ibbbt"),
    CALL(sched_yield, ""),
    CALL(mremap, "annia"),
    CALL(msync, "ani"),
    CALL(mincore, "anb"),
    CALL(madvise, "ani"),
    CALL(dup, "f"),
    CALL(dup2, "ff"),
    CALL(nanosleep, "tb"),
    CALL(getitimer, "ib"),
    CALL(alarm, "i"),
    CALL(setitimer, "itb"),
    CALL(getpid, ""),
    CALL(sendfile, "ffbn"),
    CALL(socket, "DTi"),
    CALL(connect, "fNL"),
    CALL(accept, "fbb"),
    CALL(sendto, "fbngNL"),
    CALL(recvfrom, "fbngbb"),
    CALL(sendmsg, "fMg"),
    CALL(recvmsg, "fMg"),
    CALL(shutdown, "fi"),
    CALL(bind, "fNL"),
    CALL(listen, "fi"),
    CALL(getsockname, "fbb"),
    CALL(getpeername, "fbb"),
    CALL(socketpair, "DTib"),
    CALL(setsockopt, "flibn"),
    CALL(getsockopt, "flibb"),
    CALL(clone, "FSbbb"),
    CALL(fork, ""),
    CALL(vfork, ""),
    CALL(execve, "pvv"),
    CALL(wait4, "Pbgb"),
    CALL(kill, "Ps"),
    CALL(uname, "b"),
    CALL(fcntl, "fib"),
    CALL(fcntl, "fii"),
    CALL(flock, "fi"),
    CALL(fsync, "f"),
    CALL(truncate, "po"),
    CALL(ftruncate, "fo"),
    CALL(getdents64, "fbn"),
    CALL(getcwd, "bn"),
    CALL(chdir, "p"),
    CALL(fchdir, "f"),
    CALL(rename, "pp"),
    CALL(mkdir, "pm"),
    CALL(rmdir, "p"),
    CALL(creat, "pm"),
    CALL(link, "pp"),
    CALL(unlink, "p"),
    CALL(symlink, "pp"),
    CALL(readlink, "pbn"),
    CALL(chmod, "pm"),
    CALL(fchmod, "fm"),
    CALL(chown, "puu"),
    CALL(fchown, "fuu"),
    CALL(lchown, "puu"),
    CALL(umask, "m"),
    CALL(gettimeofday, "bb"),
    CALL(getrlimit, "ib"),
    CALL(getrusage, "ib"),
    CALL(sysinfo, "b"),
    CALL(times, "b"),
    CALL(syslog, "ibn"),
    CALL(setuid, "u"),
    CALL(setgid, "u"),
    CALL(setpgid, "PP"),
    CALL(setsid, ""),
    CALL(setreuid, "uu"),
    CALL(setregid, "uu"),
    CALL(getgroups, "ib"),
    CALL(setgroups, "ib"),
    CALL(setresuid, "uuu"),
    CALL(getresuid, "bbb"),
    CALL(setresgid, "uuu"),
    CALL(getpgid, "P"),
    CALL(setfsuid, "u"),
    CALL(getsid, "P"),
    CALL(capget, "bb"),
    CALL(capset, "bb"),
    CALL(rt_sigpending, "bi"),
    CALL(rt_sigtimedwait, "bbti"),
    CALL(rt_sigqueueinfo, "Psb"),
    CALL(rt_sigsuspend, "bi"),
    CALL(sigaltstack, "bb"),
    CALL(utime, "pb"),
    CALL(mknod, "pmo"),
    CALL(personality, "g"),
    CALL(statfs, "pb"),
    CALL(fstatfs, "fb"),
    CALL(getpriority, "iP"),
    CALL(setpriority, "iPi"),
    CALL(sched_setparam, "Pb"),
    CALL(sched_getparam, "Pb"),
    CALL(sched_setscheduler, "Pib"),
    CALL(sched_getscheduler, "P"),
    CALL(sched_rr_get_interval, "Pb"),
    CALL(mlock, "an"),
    CALL(munlock, "an"),
    CALL(mlockall, "i"),
    CALL(prctl, "iibbb"),
    CALL(arch_prctl, "ib"),
    CALL(setrlimit, "ib"),
    CALL(chroot, "p"),
    CALL(sync, ""),
    CALL(mount, "pppgb"),
    CALL(umount2, "pg"),
    CALL(sethostname, "bn"),
    CALL(gettid, ""),
    CALL(readahead, "fon"),
    CALL(getxattr, "ppbn"),
    CALL(setxattr, "ppbni"),
    CALL(tkill, "Ps"),
    CALL(time, "b"),
    CALL(futex, "biitbi"),
    CALL(futex, "aiitai"),
    CALL(sched_setaffinity, "Pnb"),
    CALL(sched_getaffinity, "Pnb"),
    CALL(epoll_create, "i"),
    CALL(set_tid_address, "b"),
    CALL(fadvise64, "foni"),
    CALL(timer_create, "ibb"),
    CALL(timer_settime, "iitb"),
    CALL(timer_gettime, "ib"),
    CALL(timer_getoverrun, "i"),
    CALL(timer_delete, "i"),
    CALL(clock_gettime, "ib"),
    CALL(clock_getres, "ib"),
    CALL(clock_nanosleep, "iitb"),
    CALL(epoll_wait, "fbii"),
    CALL(epoll_ctl, "fifb"),
    CALL(tgkill, "PPs"),
    CALL(utimes, "pt"),
    CALL(waitid, "iPbgb"),
    CALL(openat, "fpgm"),
    CALL(mkdirat, "fpm"),
    CALL(mknodat, "fpmo"),
    CALL(fchownat, "fpuug"),
    CALL(futimesat, "fpt"),
    CALL(newfstatat, "fpbg"),
    CALL(unlinkat, "fpg"),
    CALL(renameat, "fpfp"),
    CALL(linkat, "fpfpg"),
    CALL(symlinkat, "pfp"),
    CALL(readlinkat, "fpbn"),
    CALL(fchmodat, "fpm"),
    CALL(faccessat, "fpi"),
    CALL(pselect6, "ibbbtb"),
    CALL(ppoll, "bitbi"),
    CALL(unshare, "F"),
    CALL(set_robust_list, "bn"),
    CALL(get_robust_list, "Pbb"),
    CALL(splice, "fbfbng"),
    CALL(tee, "ffng"),
    CALL(sync_file_range, "fong"),
    CALL(vmsplice, "fbig"),
    CALL(utimensat, "fptg"),
    CALL(epoll_pwait, "fbiibn"),
    CALL(signalfd, "fbn"),
    CALL(timerfd_create, "ig"),
    CALL(eventfd, "i"),
    CALL(fallocate, "fioo"),
    CALL(timerfd_settime, "fitb"),
    CALL(timerfd_gettime, "fb"),
    CALL(accept4, "fbbg"),
    CALL(signalfd4, "fbng"),
    CALL(eventfd2, "ig"),
    CALL(epoll_create1, "g"),
    CALL(dup3, "ffg"),
    CALL(pipe2, "bg"),
    CALL(preadv, "fbio"),
    CALL(pwritev, "fbio"),
    CALL(rt_tgsigqueueinfo, "PPsb"),
    CALL(prlimit64, "Pibb"),
    CALL(sendmmsg, "fbig"),
    CALL(recvmmsg, "fbigt"),
    CALL(getcpu, "bbb"),
    CALL(process_vm_readv, "Pbibig"),
    CALL(kcmp, "PPiff"),
    CALL(renameat2, "fpfpi"),
    CALL(getrandom, "bng"),
    CALL(memfd_create, "pg"),
    CALL(execveat, "fpvvg"),
    CALL(membarrier, "iii"),
    CALL(mlock2, "ani"),
    CALL(copy_file_range, "fbfbni"),
    CALL(preadv2, "fbioog"),
    CALL(pwritev2, "fbioog"),
    CALL(statx, "fpggb"),
    CALL(rseq, "bnii"),
    CALL(pidfd_send_signal, "fsbi"),
    CALL(pidfd_open, "Pg"),
    CALL(clone3, "bn"),
    CALL(close_range, "iii"),
    CALL(pidfd_getfd, "ffi"),
    CALL(faccessat2, "fpig"),
    CALL(epoll_pwait2, "fbitbn"),
    CALL(shmget, "ing"),
    CALL(shmat, "iag"),
    CALL(shmdt, "a"),
    CALL(shmctl, "iib"),
    CALL(semget, "iig"),
    CALL(semop, "ibi"),
    CALL(semctl, "iiib"),
    CALL(semtimedop, "ibit"),
    CALL(ptrace, "iPbb"),
};

void
call_choose(struct call *c)
{
	const char *kinds;
	size_t i;

	*c = (struct call){.nr = (int)below(NATIVE_END)};
	if (one_in(32)) {
		kinds = "xxxxxx";
	} else {
		i = below(sizeof(calls) / sizeof(calls[0]));
		c->nr = calls[i].nr;
		kinds = calls[i].kinds;
	}
	for (i = 0; i < 6 && kinds[i] != '\0'; i++)
		c->arg[i] = value(one_in(24) ? 'x' : kinds[i]);
}

bool
call_forks(int nr)
{
	return nr == SYS_fork || nr == SYS_vfork || nr == SYS_clone || nr == SYS_clone3 ||
	       nr >= NATIVE_FIRST;
}

/* What would reach beyond the processes under test: not for a privileged one. */
bool
call_reaches_out(const struct call *c)
{
	switch (c->nr) {
	case SYS_kill:
		return (int)c->arg[0] < 0;
	case SYS_reboot:
	case SYS_clock_settime:
	case SYS_settimeofday:
	case SYS_clock_adjtime:
	case SYS_adjtimex:
	case SYS_mount:
	case SYS_umount2:
		return true;
	default:
		return c->nr >= NATIVE_FIRST;
	}
}
