/* SPDX-License-Identifier: ISC */
/*
 * fakeguest.c: a guest kernel without processes, for tests of the VMM.
 *
 * It speaks the contract of abi/ and "runs" a few built-in programs named by argv[0]; most of them
 * misbehave in one particular way, as a hostile guest would.
 */
#include <stdbool.h>

#include "abi/abi.h"
#include "abi/boot.h"
#include "abi/hypercall.h"
#include "abi/msg.h"
#include "abi/ring.h"
#include "abi/stats.h"
#include "fakeguest.h"

#define SHARED(off) ((void *)(uintptr_t)(TINE_GPA_SHARED + (off)))

/* The ELF note that the loader looks for. */
static const struct {
	uint32_t namesz, descsz, type;
	char name[8];
	uint32_t version;
} abi_note __attribute__((section(".note.tine"), used, aligned(4))) = {
    sizeof(TINE_NOTE_NAME), sizeof(uint32_t), TINE_NOTE_ABI, TINE_NOTE_NAME, TINE_ABI_VERSION};

volatile uint32_t interrupted, protection_faults, nmis, nmi_stay;
void channel_interrupt(void);
void general_protection(void);
void wait_for_interrupt(void);
void guest_main(struct tine_bootblock *bb);

static struct tine_rings *const rings = SHARED(TINE_SHARED_RINGS);
static uint8_t *const h2g = SHARED(TINE_SHARED_H2G), *const g2h = SHARED(TINE_SHARED_G2H);
static uint64_t credit[3], tsc_khz;
static uint32_t launch_id;
static char args[65536];
static struct tine_launch launch;
static uint8_t payload[TINE_MSG_FRAG];

struct gate {
	uint16_t low, cs;
	uint8_t ist, type;
	uint16_t mid;
	uint32_t high, zero;
};
static struct gate idt[256];

void *memcpy(void *dst, const void *src, unsigned long n);
void *memset(void *dst, int c, unsigned long n);

void *
memcpy(void *dst, const void *src, unsigned long n)
{
	void *d = dst;

	__asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(n) : : "memory");
	return dst;
}

void *
memset(void *dst, int c, unsigned long n)
{
	void *d = dst;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return dst;
}

static uint64_t
len_of(const char *s)
{
	uint64_t n = 0;

	while (s[n] != '\0')
		n++;
	return n;
}

static bool
same(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b)
		a++, b++;
	return *a == *b;
}

static void
outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

int32_t
hypercall(uint32_t nr, uint64_t a0, uint64_t a1)
{
	static struct tine_hypercall hc __attribute__((aligned(8)));

	hc = (struct tine_hypercall){.nr = nr, .arg = {a0, a1}};
	outl(TINE_PORT_HYPERCALL, (uint32_t)PHYS(&hc));
	return *(volatile int32_t *)&hc.status;
}

static void
say(const char *s)
{
	static char buf[256];
	uint64_t n = len_of(s);

	memcpy(buf, s, n);
	hypercall(TINE_HC_CONSOLE, PHYS(buf), n);
}

static void
ring_out(uint32_t pos, const void *src, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		g2h[(pos + i) % TINE_SHARED_G2H_SIZE] = ((const uint8_t *)src)[i];
}

static void
doorbell(void)
{
	outl(TINE_PORT_DOORBELL, 1);
}

/* Wait until the ring has room, then send one record. */
static void
send_raw(const struct tine_msg *m, const void *data)
{
	uint32_t size = 16 + ((m->len + 7) & ~7u), tail = rings->g2h_tail.pos;

	while (TINE_SHARED_G2H_SIZE -
		   (tail - __atomic_load_n(&rings->g2h_head.pos, __ATOMIC_ACQUIRE)) <
	       size) {
		rings->g2h_tail.flag = 1;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	}
	rings->g2h_tail.flag = 0;
	ring_out(tail, m, 16);
	ring_out(tail + 16, data, m->len);
	__atomic_store_n(&rings->g2h_tail.pos, tail + size, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (rings->g2h_head.flag == 1)
		doorbell();
}

static void
send(uint16_t type, uint32_t id, uint32_t arg, const void *data, uint32_t len)
{
	struct tine_msg m = {.len = len, .type = type, .id = id, .arg = arg};

	send_raw(&m, data);
}

static bool
receive(struct tine_msg *m)
{
	uint32_t head = rings->h2g_head.pos;

	if (__atomic_load_n(&rings->h2g_tail.pos, __ATOMIC_ACQUIRE) == head)
		return false;
	for (uint32_t i = 0; i < 16; i++)
		((uint8_t *)m)[i] = h2g[(head + i) % TINE_SHARED_H2G_SIZE];
	for (uint32_t i = 0; i < m->len; i++)
		payload[i] = h2g[(head + 16 + i) % TINE_SHARED_H2G_SIZE];
	__atomic_store_n(&rings->h2g_head.pos, head + 16 + ((m->len + 7) & ~7u), __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (rings->h2g_tail.flag == 1)
		doorbell();
	return true;
}

static void note(const struct tine_msg *m);

/* Sleep until a message comes; credit is accounted on the way. */
static void __attribute__((noinline)) /* a place for a breakpoint */
next_message(struct tine_msg *m)
{
	while (!receive(m)) {
		rings->h2g_head.flag = 1;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (__atomic_load_n(&rings->h2g_tail.pos, __ATOMIC_ACQUIRE) == rings->h2g_head.pos)
			wait_for_interrupt();
		rings->h2g_head.flag = 0;
	}
	note(m);
}

static void
note(const struct tine_msg *m)
{
	if (m->type == TINE_MSG_CREDIT)
		credit[m->arg] += *(uint32_t *)payload;
	else if (m->type == TINE_MSG_SIGNAL)
		send(TINE_MSG_REPLY, m->id, 0, "", 0);
}

static void
output(uint32_t stream, const void *data, uint32_t len)
{
	const uint8_t *p = data;
	struct tine_msg m;

	while (len > 0) {
		uint32_t n = len < TINE_MSG_FRAG ? len : TINE_MSG_FRAG;

		while (credit[stream] == 0)
			next_message(&m);
		if (n > credit[stream])
			n = (uint32_t)credit[stream];
		send(TINE_MSG_OUT, launch_id, stream, p, n);
		credit[stream] -= n;
		p += n;
		len -= n;
	}
}

void
say_out(const char *s)
{
	output(1, s, (uint32_t)len_of(s));
}

static void
exited(int status)
{
	struct tine_exited e = {.pid = 100, .status = status};

	send(TINE_MSG_OUT, launch_id, 1, "", 0);
	if ((launch.flags & (TINE_LAUNCH_TTY | TINE_LAUNCH_MERGE)) == 0)
		send(TINE_MSG_OUT, launch_id, 2, "", 0);
	send(TINE_MSG_EXITED, launch_id, 0, &e, sizeof(e));
}

/* ---- programs ---- */

static void
prog_echo(const char *arg)
{
	output(1, arg, (uint32_t)len_of(arg));
	output(1, "\n", 1);
	output(2, "done\n", 5);
	exited(7 << 8);
}

static void
prog_cat(const char *arg)
{
	static uint8_t copy[TINE_MSG_FRAG];
	struct tine_msg m;

	(void)arg;
	do {
		next_message(&m);
		if (m.type == TINE_MSG_STDIN && m.len > 0) {
			uint32_t n = m.len;

			memcpy(copy, payload, n);
			output(1, copy, n);
			send(TINE_MSG_CREDIT, launch_id, 0, &n, 4);
		}
	} while (m.type != TINE_MSG_STDIN || m.len != 0);
	exited(0);
}

static uint64_t
rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* Gives credit for 64 MiB of input, reads none of it for a second after the first that does not fit
 * into the ring, and then all. */
static void
prog_greedy(const char *arg)
{
	uint32_t bytes = 64u << 20;
	struct tine_msg m;
	uint64_t begin;

	(void)arg;
	send(TINE_MSG_CREDIT, launch_id, 0, &bytes, sizeof(bytes));
	while (!__atomic_load_n(&rings->h2g_tail.flag, __ATOMIC_ACQUIRE))
		__asm__ volatile("pause");
	for (begin = rdtsc(); rdtsc() - begin < tsc_khz * 1000;)
		__asm__ volatile("pause");
	do
		next_message(&m);
	while (m.type != TINE_MSG_STDIN || m.len != 0);
	exited(0);
}

static void
prog_yes(const char *arg)
{
	static char line[TINE_MSG_FRAG];

	(void)arg;
	memset(line, 'y', sizeof(line));
	for (int i = 0; i < 4096; i++)
		output(1, line, sizeof(line));
	exited(0);
}

/* Runs until a signal comes, and dies of it. */
static void
prog_sleep(const char *arg)
{
	struct tine_msg m;

	(void)arg;
	output(1, "ready\n", 6);
	do
		next_message(&m);
	while (m.type != TINE_MSG_SIGNAL);
	exited(((struct tine_signal *)payload)->sig);
}

static void
prog_spin(const char *arg)
{
	(void)arg;
	for (;;)
		__asm__ volatile("pause");
}

static void
prog_triple(const char *arg)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = {0, 0};

	(void)arg;
	__asm__ volatile("lidt %0; ud2" : : "m"(none));
}

static void
prog_panic(const char *arg)
{
	static struct tine_panic p;

	(void)arg;
	p.rip = (uint64_t)(uintptr_t)prog_panic + 4;
	p.vector = ~0u;
	p.pid = 100;
	memcpy(p.message, "as asked\033[31m", 13);
	p.nframes = 0xffffffff; /* must be clamped */
	p.frames[0] = (uint64_t)(uintptr_t)prog_panic + 1;
	hypercall(TINE_HC_PANIC, PHYS(&p), 0);
}

static void
prog_mmio(const char *arg)
{
	(void)arg;
	*(volatile uint32_t *)0xe0000000ull = 1;
}

static void
prog_port(const char *arg)
{
	(void)arg;
	outl(0x80, 1);
}

static void
prog_hypercall_address(const char *arg)
{
	(void)arg;
	outl(TINE_PORT_HYPERCALL, 0xfffffff8u);
}

static void
prog_long_record(const char *arg)
{
	struct tine_msg m = {.len = 0xfffffff0u, .type = TINE_MSG_OUT, .id = launch_id, .arg = 1};

	(void)arg;
	ring_out(rings->g2h_tail.pos, &m, 16);
	rings->g2h_tail.pos += 16;
	doorbell();
}

static void
prog_position(const char *arg)
{
	(void)arg;
	rings->g2h_tail.pos += TINE_SHARED_G2H_SIZE + 8;
	doorbell();
}

/* A ring full of what a broken kernel may have in its memory; argument: the seed. */
static void
prog_garbage(const char *arg)
{
	uint64_t x = (uint64_t)*arg * 0x9e3779b97f4a7c15u;
	uint32_t pos = rings->g2h_tail.pos;

	for (uint32_t n = 0; n < TINE_SHARED_G2H_SIZE; n += sizeof(x)) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		ring_out(pos + n, &x, sizeof(x));
	}
	rings->g2h_tail.pos = pos + TINE_SHARED_G2H_SIZE;
	doorbell();
}

static void
prog_type(const char *arg)
{
	(void)arg;
	send(TINE_MSG_LAUNCH, 1, 0, "", 0);
}

static void
prog_credit(const char *arg)
{
	static uint8_t zeros[TINE_MSG_FRAG];

	(void)arg;
	for (;;)
		send(TINE_MSG_OUT, launch_id, 1, zeros, sizeof(zeros));
}

/* Argument: how many small messages it sends before; the statistics tell when they are in the ring.
 */
static void
prog_halt(const char *arg)
{
	struct tine_stats *st = SHARED(TINE_SHARED_STATS);
	uint32_t n = 0;

	while (*arg != '\0')
		n = n * 10 + (uint32_t)(*arg++ - '0');
	for (uint32_t i = 0; i < n; i++)
		output(1, "y", 1);
	st->cntfork += n;
	say("halts\n");
	hypercall(TINE_HC_HALT, TINE_HALT_SHUTDOWN, 0);
}

static bool
wrmsr_refused(uint32_t msr)
{
	protection_faults = 0;
	__asm__ volatile("wrmsr" : : "c"(msr), "a"(0), "d"(0) : "memory");
	return protection_faults != 0;
}

/* Only the MSRs of the clock that CPUID has: how many are not as they should be? */
static void
prog_msrs(const char *arg)
{
	/* asynchronous page faults, stolen time, end of interrupt, polling, acknowledgement,
	 * migration; the clock's old numbers */
	static const uint32_t refused[] = {0x4b564d02, 0x4b564d03, 0x4b564d04,
					   0x4b564d05, 0x4b564d06, 0x4b564d07,
					   0x4b564d08, 0x11,       0x12};
	int wrong = wrmsr_refused(0x4b564d01);

	(void)arg;
	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		wrong += !wrmsr_refused(refused[i]);
	exited(wrong << 8);
}

static const struct program {
	const char *name;
	void (*run)(const char *arg);
} programs[] = {
    {"/echo", prog_echo},        {"/cat", prog_cat},
    {"/yes", prog_yes},          {"/sleep", prog_sleep},
    {"/spin", prog_spin},        {"/triple", prog_triple},
    {"/panic", prog_panic},      {"/mmio", prog_mmio},
    {"/port", prog_port},        {"/hypercall", prog_hypercall_address},
    {"/long", prog_long_record}, {"/position", prog_position},
    {"/type", prog_type},        {"/overcredit", prog_credit},
    {"/garbage", prog_garbage},  {"/halt", prog_halt},
    {"/msrs", prog_msrs},        {"/halted", prog_halted},
    {"/dirty", prog_dirty},      {"/nmi", prog_nmi},
    {"/greedy", prog_greedy},
};

static void
do_launch(const struct tine_msg *m)
{
	struct tine_launched reply = {.pid = 100};
	const char *s = args;

	memcpy(&launch, payload, sizeof(launch));
	memcpy(args, payload + sizeof(launch), m->len - sizeof(launch));
	launch_id = m->id;
	for (int i = 0; i < 3; i++)
		credit[i] = TINE_STREAM_CREDIT;
	s += len_of(s) + 1; /* path */
	s += len_of(s) + 1; /* cwd */
	for (unsigned i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (same(s, programs[i].name)) {
			send(TINE_MSG_REPLY, m->id, 0, &reply, sizeof(reply));
			programs[i].run(launch.argc > 1 ? s + len_of(s) + 1 : "");
			return;
		}
	send(TINE_MSG_REPLY, m->id, 2, "", 0);
}

static struct gate
gate_to(void (*handler)(void))
{
	uint64_t h = (uint64_t)(uintptr_t)handler;

	return (struct gate){(uint16_t)h,         TINE_BOOT_CS,        0, 0x8e,
			     (uint16_t)(h >> 16), (uint32_t)(h >> 32), 0};
}

void
set_gate(unsigned vector, void (*handler)(void))
{
	idt[vector] = gate_to(handler);
}

static void __attribute__((noinline)) /* a place for a breakpoint */
set_up_interrupts(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr = {sizeof(idt) - 1, (uint64_t)(uintptr_t)idt};

	set_gate(13, general_protection);
	set_gate(TINE_VECTOR_CHANNEL, channel_interrupt);
	__asm__ volatile("lidt %0" : : "m"(idtr));
	APIC(0xf0) = 0x1ff; /* enabled, spurious vector 0xff */
}

static void __attribute__((noinline)) /* a place for a breakpoint */
publish_stats(const struct tine_bootblock *bb)
{
	struct tine_stats *st = SHARED(TINE_SHARED_STATS);

	st->seq = 1;
	st->magic = TINE_STATS_MAGIC;
	st->version = TINE_ABI_VERSION;
	st->tsc_khz = bb->tsc_khz;
	st->cntfork = 42;
	st->fork.count = 1;
	st->fork.sum = 1000;
	st->fork.bucket[9] = 1;
	st->enosys[435] = 3;
	st->seq = 2;
}

/* A clone says in READY what is wrong with it. */
static void
freeze(struct tine_bootblock *bb, uint32_t id)
{
	vcpu_remember();
	hypercall(TINE_HC_READY, 0, 0);
	if (*(volatile uint32_t *)&bb->magic == TINE_BOOT_MAGIC) {
		bb->magic = 0;
		send(TINE_MSG_READY, 0, vcpu_wrong(), "", 0);
	} else {
		send(TINE_MSG_REPLY, id, 0, "", 0);
	}
}

void
guest_main(struct tine_bootblock *bb)
{
	struct tine_msg m;

	if (bb->magic != TINE_BOOT_MAGIC || bb->abi_version != TINE_ABI_VERSION) {
		say("bad boot block\n");
		hypercall(TINE_HC_HALT, TINE_HALT_BOOT, 0);
	}
	say("fake guest kernel\n");
	set_up_interrupts();
	publish_stats(bb);
	tsc_khz = bb->tsc_khz;
	vcpu_init(bb->tsc_khz);
	bb->magic = 0;
	hypercall(TINE_HC_READY, 0, 0);
	send(TINE_MSG_READY, 0, 0, "", 0);
	for (;;) {
		next_message(&m);
		if (m.type == TINE_MSG_LAUNCH)
			do_launch(&m);
		else if (m.type == TINE_MSG_FREEZE)
			freeze(bb, m.id);
	}
}
