/* SPDX-License-Identifier: ISC */
/*
 * clock.c: uptime and wall clock from kvmclock, or else from the TSC.
 *
 * kvmclock (Documentation/virt/kvm/x86/msr.rst of Linux) is a page the host keeps up to date: a
 * time, the TSC at that time, and the scale from there.
 */
#include <sys/systm.h>
#include <sys/md.h>
#include <sys/time.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>

struct pvclock {
	uint32_t version; /* odd while the host writes */
	uint32_t pad0;
	uint64_t tsc_timestamp;
	uint64_t system_time; /* ns */
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags;
	uint8_t pad[2];
};
_Static_assert(sizeof(struct pvclock) == 32, "layout");

#define KVM_SYSTEM_TIME_ENABLE 1

static volatile struct pvclock pvclock __aligned(64) __resume_data;
static bool have_kvmclock __resume_data;

static uint64_t tsc_khz __resume_data;
static uint64_t ns_per_cycle __resume_data; /* 32.32 fixed point */
static uint64_t cycles_per_ns __resume_data;

static nsec_t uptime_base __resume_data; /* source time at uptime 0 (mod 2^64) */
static nsec_t wall_base __resume_data;   /* wall clock at uptime 0 */
static nsec_t uptime_last __resume_data; /* the clock never goes back */

/* a * b / 2^32 without overflow of the product. */
static uint64_t
scale32(uint64_t a, uint64_t b)
{
	return (uint64_t)((unsigned __int128)a * b >> 32);
}

static uint64_t
shifted(uint64_t v, int shift)
{
	return shift < 0 ? v >> -shift : v << shift;
}

static nsec_t
kvmclock_read(void)
{
	uint32_t version;
	uint64_t tsc, start;
	nsec_t ns;

	do {
		version = __atomic_load_n(&pvclock.version, __ATOMIC_ACQUIRE);
		start = pvclock.tsc_timestamp;
		tsc = rdtsc();
		tsc = tsc > start ? tsc - start : 0;
		ns = pvclock.system_time +
		     scale32(shifted(tsc, pvclock.tsc_shift), pvclock.tsc_to_system_mul);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while ((version & 1) != 0 || version != pvclock.version);
	return ns;
}

static void
kvmclock_init(void)
{
	if (!cpu_has.kvmclock)
		return;
	wrmsr(MSR_KVM_SYSTEM_TIME,
	      kva_to_pa((const void *)(uintptr_t)&pvclock) | KVM_SYSTEM_TIME_ENABLE);
	have_kvmclock = pvclock.version != 0 && pvclock.tsc_to_system_mul != 0;
}

/* The TSC's frequency as the host's scale has it. */
static uint64_t
kvmclock_khz(void)
{
	if (!have_kvmclock)
		return 0;
	return shifted((1000000UL << 32) / pvclock.tsc_to_system_mul, -pvclock.tsc_shift);
}

static nsec_t
source_read(void)
{
	return have_kvmclock ? kvmclock_read() : cpu_cycles_to_ns(rdtsc());
}

/* The boot block's wall clock is of the moment `at' on kvmclock, or else of now. */
static void
set_wall_base(nsec_t realtime, nsec_t at, nsec_t uptime_now)
{
	wall_base = realtime - (have_kvmclock && at != 0 ? at - uptime_base : uptime_now);
}

static void
set_frequency(uint64_t khz)
{
	tsc_khz = khz != 0 ? khz : kvmclock_khz();
	if (tsc_khz == 0)
		panic("no clock: neither a TSC frequency nor kvmclock");
	ns_per_cycle = (1000000UL << 32) / tsc_khz;
	cycles_per_ns = (tsc_khz << 32) / 1000000;
}

void
clock_init(uint64_t khz, nsec_t realtime, nsec_t at, uint64_t entry_tsc)
{
	kvmclock_init();
	set_frequency(khz);
	uptime_base = source_read() - cpu_cycles_to_ns(rdtsc() - entry_tsc);
	set_wall_base(realtime, at, 0);
}

/* This is a clone: uptime goes on where it stood, the wall clock is now the host's.  The host has
 * registered the page of kvmclock anew. */
void
clock_rebase(uint64_t khz, nsec_t realtime, nsec_t at)
{
	set_frequency(khz);
	uptime_base = source_read() - uptime_last;
	set_wall_base(realtime, at, uptime_last);
}

nsec_t
nanouptime(void)
{
	nsec_t now;

	if (unlikely(tsc_khz == 0))
		return 0;
	now = source_read() - uptime_base;
	if ((int64_t)(now - uptime_last) > 0)
		uptime_last = now;
	return uptime_last;
}

nsec_t
nanotime(void)
{
	return wall_base + nanouptime();
}

nsec_t
wall_offset(void)
{
	return wall_base;
}

/* As on Linux: the epoch is not after boot, and the clock can go on for 30 years. */
int
settime(nsec_t realtime)
{
	nsec_t up = nanouptime();

	if (realtime < up || realtime > NSEC_MAX - 30 * 365 * 24 * 3600 * NSEC_PER_SEC)
		return EINVAL;
	wall_base = realtime - up;
	return 0;
}

uint64_t
cpu_cycles(void)
{
	return rdtsc();
}

uint64_t
cpu_cycles_to_ns(uint64_t cycles)
{
	return scale32(cycles, ns_per_cycle);
}

uint64_t
clock_ns_to_cycles(nsec_t ns)
{
	return scale32(ns, cycles_per_ns);
}

uint64_t
clock_tsc_khz(void)
{
	return tsc_khz;
}
