/* SPDX-License-Identifier: ISC */
/* cpufunc.h: instructions C has no words for. */
#ifndef MACHINE_CPUFUNC_H
#define MACHINE_CPUFUNC_H

#include <sys/types.h>

static inline uint64_t
rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return (uint64_t)hi << 32 | lo;
}

static inline void
wrmsr(uint32_t msr, uint64_t val)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)val), "d"((uint32_t)(val >> 32))
			 : "memory");
}

static inline void
cpuid(uint32_t leaf, uint32_t sub, uint32_t reg[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(reg[0]), "=b"(reg[1]), "=c"(reg[2]), "=d"(reg[3])
			 : "a"(leaf), "c"(sub));
}

static inline uint64_t
rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

static inline void
outl(uint16_t port, uint32_t val)
{
	__asm__ volatile("outl %0, %1" : : "a"(val), "Nd"(port) : "memory");
}

#define CPUFUNC_CR(n)                                                                              \
	static inline uint64_t rcr##n(void)                                                        \
	{                                                                                          \
		uint64_t v;                                                                        \
		__asm__ volatile("movq %%cr" #n ", %0" : "=r"(v) : : "memory");                    \
		return v;                                                                          \
	}                                                                                          \
	static inline void lcr##n(uint64_t v)                                                      \
	{                                                                                          \
		__asm__ volatile("movq %0, %%cr" #n : : "r"(v) : "memory");                        \
	}
CPUFUNC_CR(0)
CPUFUNC_CR(2)
CPUFUNC_CR(3)
CPUFUNC_CR(4)
#undef CPUFUNC_CR

/* Only with CR4.FSGSBASE; a base that is not canonical faults. */
#define CPUFUNC_BASE(seg)                                                                          \
	static inline uint64_t rd##seg##base(void)                                                 \
	{                                                                                          \
		uint64_t v;                                                                        \
		__asm__ volatile("rd" #seg "base %0" : "=r"(v));                                   \
		return v;                                                                          \
	}                                                                                          \
	static inline void wr##seg##base(uint64_t v)                                               \
	{                                                                                          \
		__asm__ volatile("wr" #seg "base %0" : : "r"(v));                                  \
	}
CPUFUNC_BASE(fs)
CPUFUNC_BASE(gs)
#undef CPUFUNC_BASE

static inline void
invlpg(vaddr_t va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline void
clts(void)
{
	__asm__ volatile("clts");
}

static inline void
full_fence(void)
{
	__asm__ volatile("mfence" : : : "memory");
}

/* Descriptor-table registers take a 16-bit limit and a base. */
struct desc_ptr {
	uint16_t limit;
	uint64_t base;
} __packed;

#endif
