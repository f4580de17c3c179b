/* SPDX-License-Identifier: ISC */
/* apic.c: the local APIC, and its timer as the kernel's only source of timed events. */
#include <sys/systm.h>
#include <sys/md.h>
#include <sys/time.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/pmap.h>

#define APIC_GPA 0xfee00000UL
#define APIC_BASE_ENABLE 0x800UL
#define APIC_BASE_X2 0x400UL
#define MSR_X2APIC 0x800 /* register r of the MMIO page is MSR 0x800 + r / 16 */

#define APIC_TPR 0x080
#define APIC_EOI 0x0b0
#define APIC_SVR 0x0f0
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TIMER_COUNT 0x380
#define APIC_TIMER_NOW 0x390
#define APIC_TIMER_DIVIDE 0x3e0

#define SVR_ENABLE 0x100
#define LVT_MASKED 0x10000
#define LVT_ONE_SHOT 0
#define LVT_TSC_DEADLINE 0x40000
#define DIVIDE_BY_1 0xb

#define TIMER_OFF (~(nsec_t)0)
#define TIMER_MAX ((nsec_t)1 << 58) /* nine years: keeps the arithmetic in range */

static bool apic_up __resume_data;
static uint64_t apic_khz __resume_data; /* of the one-shot timer; unused with TSC deadlines */
static nsec_t timer_deadline __resume_data =
    TIMER_OFF; /* what is programmed, or is to be once apic_up */

static void
apic_write(uint32_t reg, uint32_t val)
{
	if (cpu_has.x2apic)
		wrmsr(MSR_X2APIC + reg / 16, val);
	else
		*(volatile uint32_t *)PHYS_TO_DM(APIC_GPA + reg) = val;
}

static uint32_t
apic_read(uint32_t reg)
{
	if (cpu_has.x2apic)
		return (uint32_t)rdmsr(MSR_X2APIC + reg / 16);
	return *(volatile uint32_t *)PHYS_TO_DM(APIC_GPA + reg);
}

void
apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

/* Counts in one millisecond of nanouptime(). */
static uint64_t
one_shot_calibrate(void)
{
	nsec_t start = nanouptime();

	apic_write(APIC_TIMER_COUNT, ~0U);
	while (nanouptime() - start < NSEC_PER_SEC / 1000)
		__asm__ volatile("pause");
	start = ~0U - apic_read(APIC_TIMER_NOW);
	apic_write(APIC_TIMER_COUNT, 0);
	return MAX(start, 1);
}

static void
timer_init(void)
{
	if (cpu_has.tsc_deadline) {
		apic_write(APIC_LVT_TIMER, VECTOR_TIMER | LVT_TSC_DEADLINE);
		full_fence(); /* orders the MMIO write before the first deadline (SDM 11.5.4.1) */
		return;
	}
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, LVT_MASKED);
	if (apic_khz == 0)
		apic_khz = one_shot_calibrate();
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER | LVT_ONE_SHOT);
}

/* A deadline of before is to be programmed: set before the APIC was up, or by whom this is a clone
 * of. A clone's registers are as they were, but for the deadline itself. */
void
apic_resume(void)
{
	nsec_t deadline = timer_deadline;

	timer_deadline = TIMER_OFF;
	cpu_set_timer(deadline);
}

void
apic_init(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	wrmsr(MSR_APIC_BASE, base);
	if (cpu_has.x2apic)
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, LVT_MASKED);
	apic_write(APIC_LVT_ERROR, LVT_MASKED);
	apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	timer_init();
	apic_up = true;
	apic_resume();
}

static void
timer_stop(void)
{
	if (cpu_has.tsc_deadline)
		wrmsr(MSR_TSC_DEADLINE, 0);
	else
		apic_write(APIC_TIMER_COUNT, 0);
}

static void
timer_start(nsec_t delta)
{
	if (cpu_has.tsc_deadline)
		wrmsr(MSR_TSC_DEADLINE, rdtsc() + clock_ns_to_cycles(delta) + 1);
	else
		apic_write(APIC_TIMER_COUNT,
			   (uint32_t)MIN(MIN(delta, NSEC_PER_SEC) * apic_khz / 1000000 + 1, ~0U));
}

/* Each programming is an exit to the host: nothing is done when the deadline is the same. */
void
cpu_set_timer(nsec_t deadline)
{
	nsec_t now;

	if (deadline == timer_deadline)
		return;
	timer_deadline = deadline;
	if (!apic_up)
		return;
	if (deadline == TIMER_OFF) {
		timer_stop();
		return;
	}
	now = nanouptime();
	timer_start(deadline > now ? MIN(deadline - now, TIMER_MAX) : 0);
}

/* The timer has gone off, perhaps early (clamped above): whoever wants another event sets it. */
void
apic_timer_fired(void)
{
	timer_deadline = TIMER_OFF;
}
