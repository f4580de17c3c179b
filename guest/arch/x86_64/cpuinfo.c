/* SPDX-License-Identifier: ISC */
/* cpuinfo.c: the text of /proc/cpuinfo. */
#include <sys/systm.h>
#include <sys/md.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>

enum { EAX, EBX, ECX, EDX };

/* A CPUID feature bit under the name programs look for. */
struct flag {
	uint32_t leaf;
	uint8_t reg, bit;
	char name[14];
};

static const struct flag flags[] = {
    {1, EDX, 0, "fpu"},
    {1, EDX, 4, "tsc"},
    {1, EDX, 8, "cx8"},
    {1, EDX, 11, "sep"},
    {1, EDX, 15, "cmov"},
    {1, EDX, 19, "clflush"},
    {1, EDX, 23, "mmx"},
    {1, EDX, 24, "fxsr"},
    {1, EDX, 25, "sse"},
    {1, EDX, 26, "sse2"},
    {1, ECX, 0, "pni"},
    {1, ECX, 1, "pclmulqdq"},
    {1, ECX, 9, "ssse3"},
    {1, ECX, 12, "fma"},
    {1, ECX, 13, "cx16"},
    {1, ECX, 19, "sse4_1"},
    {1, ECX, 20, "sse4_2"},
    {1, ECX, 22, "movbe"},
    {1, ECX, 23, "popcnt"},
    {1, ECX, 25, "aes"},
    {1, ECX, 26, "xsave"},
    {1, ECX, 28, "avx"},
    {1, ECX, 29, "f16c"},
    {1, ECX, 30, "rdrand"},
    {1, ECX, 31, "hypervisor"},
    {7, EBX, 0, "fsgsbase"},
    {7, EBX, 3, "bmi1"},
    {7, EBX, 5, "avx2"},
    {7, EBX, 7, "smep"},
    {7, EBX, 8, "bmi2"},
    {7, EBX, 9, "erms"},
    {7, EBX, 18, "rdseed"},
    {7, EBX, 19, "adx"},
    {7, EBX, 20, "smap"},
    {7, EBX, 29, "sha_ni"},
    {7, ECX, 2, "umip"},
    {7, ECX, 9, "vaes"},
    {7, ECX, 10, "vpclmulqdq"},
    {0x80000001, EDX, 11, "syscall"},
    {0x80000001, EDX, 20, "nx"},
    {0x80000001, EDX, 26, "pdpe1gb"},
    {0x80000001, EDX, 27, "rdtscp"},
    {0x80000001, EDX, 29, "lm"},
    {0x80000001, ECX, 0, "lahf_lm"},
    {0x80000001, ECX, 5, "abm"},
};

static bool
has_flag(const struct flag *f)
{
	uint32_t r[4];

	cpuid(f->leaf & 0xc0000000, 0, r);
	if (r[EAX] < f->leaf)
		return false;
	cpuid(f->leaf, 0, r);
	return (r[f->reg] >> f->bit & 1) != 0;
}

/* snprintf() that appends: returns the new length, never more than size - 1. */
static size_t __printflike(4, 5) append(char *buf, size_t size, size_t at, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(buf + at, size - at, fmt, ap);
	va_end(ap);
	if (n < 0)
		return at;
	return MIN(at + (size_t)n, size - 1);
}

static void
model_name(char name[49])
{
	uint32_t r[4];

	name[0] = '\0';
	cpuid(0x80000000, 0, r);
	for (uint32_t i = 0; i < 3 && r[EAX] >= 0x80000004; i++) {
		uint32_t part[4];

		cpuid(0x80000002 + i, 0, part);
		memcpy(name + 16 * i, part, 16);
	}
	name[48] = '\0';
	if (name[0] == '\0')
		strlcpy(name, "unknown", 49);
}

size_t
cpu_cpuinfo(char *buf, size_t size)
{
	uint32_t r[4], sig[4], family, model;
	uint64_t khz = clock_tsc_khz();
	char vendor[13], name[49];
	size_t at = 0;

	if (size == 0)
		return 0;
	cpuid(0, 0, r);
	memcpy(vendor, &r[EBX], 4);
	memcpy(vendor + 4, &r[EDX], 4);
	memcpy(vendor + 8, &r[ECX], 4);
	vendor[12] = '\0';
	cpuid(1, 0, sig);
	family = (sig[EAX] >> 8 & 15) + ((sig[EAX] >> 8 & 15) == 15 ? sig[EAX] >> 20 & 255 : 0);
	model = (sig[EAX] >> 4 & 15) | (sig[EAX] >> 12 & 0xf0);
	model_name(name);
	at = append(buf, size, at, "processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\n", vendor,
		    family);
	at = append(buf, size, at, "model\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n", model, name,
		    sig[EAX] & 15);
	at = append(buf, size, at, "cpu MHz\t\t: %lu.%03lu\n", khz / 1000, khz % 1000);
	at = append(buf, size, at, "physical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\n");
	at = append(buf, size, at, "cpu cores\t: 1\nflags\t\t:");
	for (size_t i = 0; i < nitems(flags); i++)
		if (has_flag(&flags[i]))
			at = append(buf, size, at, " %s", flags[i].name);
	return append(buf, size, at, "\nclflush size\t: 64\n\n");
}
