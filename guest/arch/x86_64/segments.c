/* SPDX-License-Identifier: ISC */
/* segments.c: segment and interrupt descriptors, the task state segment and its stacks. */
#include <sys/md.h>
#include <machine/asm.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>

#define IST_PANIC 1 /* stack of exceptions that may come when the kernel's own is not usable */
#define IST_STACK_SIZE 8192

#define VECTOR_NMI 2
#define VECTOR_BREAKPOINT 3
#define VECTOR_OVERFLOW 4
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_MACHINE_CHECK 18

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t iomap; /* offset past the end: no I/O port is the user's */
} __packed;
_Static_assert(sizeof(struct tss) == 104, "task state segment");
_Static_assert(offsetof(struct tss, rsp) == TSS_RSP0, "asm.h");

struct gate {
	uint16_t offset0;
	uint16_t selector;
	uint8_t ist;
	uint8_t type; /* present, DPL, interrupt gate */
	uint16_t offset1;
	uint32_t offset2;
	uint32_t reserved;
};
_Static_assert(sizeof(struct gate) == 16, "interrupt gate");
#define GATE_KERNEL 0x8e
#define GATE_USER 0xee

extern struct tss tss; /* trap_entry.S reads rsp[0] */
struct tss tss __resume_data;
static char ist_stack[IST_STACK_SIZE] __aligned(16) __large_bss;
static struct gate idt[256] __aligned(PAGE_SIZE) __large_bss;
static uint64_t gdt[10] __aligned(16) = {
    [SEL_KCODE / 8] = 0x00af9b000000ffff,
    [SEL_KDATA / 8] = 0x00cf93000000ffff,
    [SEL_UDATA / 8] = 0x00cff3000000ffff,
    [SEL_UCODE / 8] = 0x00affb000000ffff,
};

void
segments_set_kstack(vaddr_t top)
{
	tss.rsp[0] = top;
}

static void
tss_init(void)
{
	uint64_t base = (uintptr_t)&tss, limit = sizeof(tss) - 1;

	tss.iomap = sizeof(tss);
	tss.ist[IST_PANIC - 1] = (uintptr_t)ist_stack + sizeof(ist_stack);
	segments_set_kstack((uintptr_t)boot_stack + KSTACK_SIZE);
	gdt[SEL_TSS / 8] =
	    limit | (base & 0xffffff) << 16 | 0x89UL << 40 | (base >> 24 & 0xff) << 56;
	gdt[SEL_TSS / 8 + 1] = base >> 32;
}

static void
gate_set_entry(int vector, const char *entry, uint8_t ist, uint8_t type)
{
	uint64_t pc = (uintptr_t)entry;

	idt[vector] = (struct gate){
	    .offset0 = (uint16_t)pc,
	    .selector = SEL_KCODE,
	    .ist = ist,
	    .type = type,
	    .offset1 = (uint16_t)(pc >> 16),
	    .offset2 = (uint32_t)(pc >> 32),
	};
}

static void
gate_set(int vector, uint8_t ist, uint8_t type)
{
	gate_set_entry(vector, trap_stubs + vector * TRAP_STUB_SIZE, ist, type);
}

static void
idt_init(void)
{
	for (int v = 0; v < 256; v++)
		gate_set(v, 0, GATE_KERNEL);
	gate_set_entry(T_DEBUG, debug_entry, IST_PANIC, GATE_KERNEL);
	gate_set(VECTOR_NMI, IST_PANIC, GATE_KERNEL);
	gate_set(VECTOR_DOUBLE_FAULT, IST_PANIC, GATE_KERNEL);
	gate_set(VECTOR_MACHINE_CHECK, IST_PANIC, GATE_KERNEL);
	gate_set(VECTOR_BREAKPOINT, 0, GATE_USER);
	gate_set(VECTOR_OVERFLOW, 0, GATE_USER);
}

void
segments_init(void)
{
	struct desc_ptr gp = {sizeof(gdt) - 1, (uintptr_t)gdt};
	struct desc_ptr ip = {sizeof(idt) - 1, (uintptr_t)idt};

	tss_init();
	idt_init();
	__asm__ volatile("lgdt %0" : : "m"(gp));
	__asm__ volatile("pushq %0\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl %1, %%ss\n\t"
			 "movl %2, %%ds\n\t"
			 "movl %2, %%es\n\t"
			 "movl %2, %%fs\n\t"
			 "movl %2, %%gs"
			 :
			 : "i"(SEL_KCODE), "r"(SEL_KDATA), "r"(0)
			 : "rax", "memory");
	__asm__ volatile("lidt %0" : : "m"(ip));
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
}
