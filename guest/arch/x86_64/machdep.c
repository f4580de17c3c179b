/* SPDX-License-Identifier: ISC */
/* machdep.c: from the entry point to kernel_main(): the boot block, memory, identity. */
#include <sys/systm.h>
#include <sys/host.h>
#include <sys/main.h>
#include <sys/md.h>
#include <sys/time.h>
#include <sys/vmfork.h>
#include <machine/asm.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/fpu.h>
#include <machine/pmap.h>
#include <machine/stats.h>
#include "abi/abi.h"
#include "abi/boot.h"
#include "abi/hypercall.h"

_Static_assert(KSTACK_BYTES == KSTACK_SIZE, "asm.h");

static const struct {
	uint32_t namesz, descsz, type;
	char name[8];
	uint32_t version;
} abi_note __attribute__((used, section(".note.tine"), aligned(4))) = {
    sizeof(TINE_NOTE_NAME), sizeof(uint32_t), TINE_NOTE_ABI, TINE_NOTE_NAME, TINE_ABI_VERSION,
};

char boot_stack[KSTACK_SIZE] __aligned(PAGE_SIZE) __large_bss;
uintptr_t __stack_chk_guard __resume_data;

static struct tine_bootblock boot __resume_data;
static char boot_params[TINE_BOOT_PARAMS_MAX] __large_bss;
static paddr_t first_free; /* behind the kernel and its page tables */

struct tine_stats *kstats = SHARED_REGION(TINE_SHARED_STATS);

static void __noreturn
boot_refuse(const char *why)
{
	console_write(why, strlen(why));
	md_halt(TINE_HALT_BOOT);
}

/* The boot block is copied before it is looked at, and wiped: it holds a seed. */
static bool
bootblock_take(struct tine_bootblock *bb)
{
	if (bb->magic != TINE_BOOT_MAGIC)
		return false;
	memcpy(&boot, bb, sizeof(boot));
	boot.params_len = MIN(boot.params_len, TINE_BOOT_PARAMS_MAX);
	memcpy(boot_params, bb->params, boot.params_len);
	memset(bb, 0, sizeof(*bb) + boot.params_len);
	if (boot.abi_version != TINE_ABI_VERSION || boot.size != sizeof(boot))
		boot_refuse("boot block of another version\n");
	boot.hostname[TINE_HOSTNAME_MAX - 1] = '\0';
	return true;
}

static void
bootblock_check(void)
{
	if (((boot.ram_low | boot.ram_high | boot.kernel_end) & PAGE_MASK) != 0 ||
	    boot.ram_low > TINE_GPA_LOW_MAX || boot.ram_high > (uint64_t)TINE_RAM_MAX_MIB << 20 ||
	    boot.kernel_end < kva_to_pa(__kernel_end) || boot.kernel_end > boot.ram_low)
		boot_refuse("boot block: memory ranges make no sense\n");
	if (boot.rootfs_size > TINE_ROOTFS_MAX)
		boot_refuse("boot block: root image too large\n");
	/* Page tables of the direct map: with 2 MiB pages one per GiB, and a few for the edges. */
	if (boot.ram_low - boot.kernel_end <
	    ptoa(32 + ((boot.ram_low + boot.ram_high + boot.rootfs_size) >> 30)))
		boot_refuse("boot block: not enough memory\n");
}

/* What makes this sandbox different from its clones. */
static void
identity_set(void)
{
	random_seed(boot.seed, sizeof(boot.seed));
	memset(boot.seed, 0, sizeof(boot.seed));
	__asm__ volatile("" : : "r"(boot.seed) : "memory"); /* the store must happen */
	memcpy(hostname, boot.hostname, sizeof(boot.hostname));
}

static void
stats_init(void)
{
	kstats->magic = TINE_STATS_MAGIC;
	kstats->version = TINE_ABI_VERSION;
	kstats->tsc_khz = clock_tsc_khz();
}

/* What the host has put into RAM to start with and the kernel has replaced: no template carries it,
 * and all RAM that is free is zero. */
static void
boot_tables_wipe(void)
{
	const size_t len = TINE_GPA_BOOT_END - TINE_GPA_BOOT_GDT;

	if (md_discard(TINE_GPA_BOOT_GDT, len) != 0)
		memset(PHYS_TO_DM(TINE_GPA_BOOT_GDT), 0, len);
}

/* Not instrumented by the stack protector: this is where its guard comes from. */
void __noreturn
md_start(paddr_t bootblock)
{
	uint64_t entry_tsc = rdtsc();

	if (!bootblock_take(PHYS_TO_DM(bootblock)))
		boot_refuse("no boot block\n");
	bootblock_check();
	cpu_identify();
	cpu_patch_smap();
	first_free = kmap_init(&boot, boot.kernel_end);
	segments_init();
	boot_tables_wipe();
	cpu_enable();
	fpu_init();
	clock_init(boot.tsc_khz, boot.realtime_ns, boot.kvmclock_ns, entry_tsc);
	stats_init();
	trace_init((boot.flags & TINE_BOOT_TRACE) != 0);
	identity_set();
	md_new_stack_guard();
	kernel_main();
}

/* Only where no function returns that was called before: its frame holds the old guard. */
void
md_new_stack_guard(void)
{
	uintptr_t guard; /* the generator's own frames have to end with the old one */

	arc4random_buf(&guard, sizeof(guard));
	__stack_chk_guard = guard & ~0xffUL; /* a zero byte stops string overruns */
}

static uint32_t params_refused __resume_data;

/* "name=value" strings back to back, each with its NUL. */
static void
params_apply(void)
{
	char *p = boot_params, *end = p + boot.params_len;

	params_refused = 0;
	for (uint32_t number = 1; p < end; number++) {
		size_t len = strnlen(p, (size_t)(end - p));
		char *eq = memchr(p, '=', len);

		if (p + len == end)
			return; /* not terminated */
		if (eq != NULL) {
			int error;

			*eq = '\0';
			error = sysctl_set_boot(p, eq + 1);
			if (error != 0 && params_refused == 0)
				params_refused = number << 16 | (uint32_t)error;
		}
		p += len + 1;
	}
}

void
md_init(void)
{
	fpu_pool_init();
	apic_init();
	hostchan_init();
	params_apply();
}

static void
clone_resume(void)
{
	identity_set();
	clock_rebase(boot.tsc_khz, boot.realtime_ns, boot.kvmclock_ns);
	stats_init();
	if (!kmap_rootfs(boot.rootfs_size))
		boot_refuse("no memory to map the root image\n");
	apic_resume();
	hostchan_init();
	vmfork_resumed(boot.generation);
	params_apply();
	clock_resume();
}

/* A rehearsal has the memory of the way back ready when the clone is wanted: it is then a matter of
 * running this once more. */
bool
md_ready(void)
{
	fpu_flush();
	hostchan_tell(); /* a clone would have to, of what its original has said */
	do {
		hypercall(TINE_HC_READY, 0, 0);
		if (!bootblock_take(SHARED_REGION(TINE_SHARED_BOOT)))
			return false;
		clone_resume();
	} while ((boot.flags & TINE_BOOT_REHEARSAL) != 0);
	return true;
}

uint32_t
md_boot_refused(void)
{
	return params_refused;
}

bool
md_boot_events(void)
{
	return (boot.flags & TINE_BOOT_EVENTS) != 0;
}

int
md_ram_ranges(struct ramrange *out, int max)
{
	const struct ramrange all[] = {
	    {first_free, boot.ram_low},
	    {0, TINE_GPA_SHARED},
	    {TINE_GPA_KERNEL_MIN, boot.kernel_start},
	    {TINE_GPA_HIGH, TINE_GPA_HIGH + boot.ram_high},
	};
	int n = 0;

	for (size_t i = 0; i < nitems(all) && n < max; i++)
		if (all[i].start < all[i].end)
			out[n++] = all[i];
	return n;
}

paddr_t
md_rootfs(uint64_t *size)
{
	*size = boot.rootfs_size;
	return boot.rootfs_size != 0 ? TINE_GPA_ROOTFS : 0;
}
