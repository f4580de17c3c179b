/* SPDX-License-Identifier: ISC */
/*
 * gdb_test.c: the debugger's stub, spoken to as GDB does, with the fake guest kernel.
 *
 * usage: gdb_test TINE FAKEGUEST EMPTY-DIRECTORY [qemu | bochs].  Exit status 77 where sandboxes
 * cannot run.  The emulators lack something: QEMU's SVM delivers no breakpoint of a nested guest to
 * its host; Bochs' VMX traps before the first instruction of a single step, and does not get over
 * an int3.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elf_file.h"
#include "vmm.h"

#define GDB_RIP 16

static int conn;

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #cond);         \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* Address of a symbol of the guest kernel. */
static uint64_t
address_of(const char *kernel, const char *name)
{
	struct elf_file file;
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	uint64_t found = 0;

	CHECK(elf_file_open(&file, kernel, NULL) == 0);
	while ((scn = elf_nextscn(file.elf, scn)) != NULL) {
		Elf_Data *data;
		GElf_Sym sym;

		gelf_getshdr(scn, &shdr);
		if (shdr.sh_type != SHT_SYMTAB)
			continue;
		data = elf_getdata(scn, NULL);
		for (int i = 0; gelf_getsym(data, i, &sym) != NULL; i++)
			if (strcmp(elf_strptr(file.elf, shdr.sh_link, sym.st_name), name) == 0)
				found = sym.st_value;
	}
	elf_file_close(&file);
	CHECK(found != 0);
	return found;
}

static char
next_char(void)
{
	char c;

	CHECK(read(conn, &c, 1) == 1);
	return c;
}

static void
send_packet(const char *text)
{
	uint8_t sum = 0;
	char out[600];

	for (const char *p = text; *p != '\0'; p++)
		sum = (uint8_t)(sum + (uint8_t)*p);
	snprintf(out, sizeof(out), "$%s#%02x", text, sum);
	CHECK(write(conn, out, strlen(out)) == (ssize_t)strlen(out));
}

static const char *
receive(void)
{
	static char buf[8192];
	size_t n = 0;
	char c;

	while (next_char() != '$')
		continue;
	while ((c = next_char()) != '#' && n < sizeof(buf) - 1)
		buf[n++] = c;
	buf[n] = '\0';
	next_char();
	next_char();
	return buf;
}

static const char *
ask(const char *text)
{
	send_packet(text);
	return receive();
}

static void
expect(const char *question, const char *answer)
{
	const char *got = ask(question);

	if (strncmp(got, answer, strlen(answer)) != 0)
		fprintf(stderr, "%s: %s, not %s\n", question, got, answer);
	CHECK(strncmp(got, answer, strlen(answer)) == 0);
}

static uint64_t
read_register(int nr)
{
	char question[16];
	const char *hex;
	uint64_t v = 0;

	snprintf(question, sizeof(question), "p%x", nr);
	hex = ask(question);
	for (int i = 7; i >= 0; i--) {
		char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		v = v << 8 | strtoul(pair, NULL, 16);
	}
	return v;
}

static void
connect_to(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	conn = socket(AF_UNIX, SOCK_STREAM, 0);
	while (connect(conn, (void *)&sun, sizeof(sun)) < 0)
		usleep(10000); /* the VMM is on its way; the test has a time limit */
}

static void
test_basics(const char *kernel)
{
	char question[128], got[64];
	uint64_t start = address_of(kernel, "start");

	CHECK(strstr(ask("qSupported:swbreak+;hwbreak+"), "PacketSize") != NULL);
	expect("QStartNoAckMode", "OK");
	expect("?", "T05");
	expect("qAttached", "1");
	expect("vMustReplyEmpty", "");
	CHECK(read_register(GDB_RIP) == start);
	/* memory, both ways and beyond the end */
	snprintf(question, sizeof(question), "m%llx,8", (unsigned long long)start);
	snprintf(got, sizeof(got), "%s", ask(question));
	CHECK(strlen(got) == 16);
	expect("m1000,8", "0000000000000000");
	expect("M30000,4:deadbeef", "OK");
	expect("m30000,4", "deadbeef");
	expect("m7fffffffffff0000,4", "E");
	expect("M7fffffffffff0000,1:00", "E");
	expect("m5000,ffffffffffffffff", "E");
	expect("P0=1122334455667788", "OK");
	CHECK(read_register(0) == 0x8877665544332211ull);
	expect("Pff=00", "E");
	expect("G00", "E");
}

static void
test_step(const char *kernel)
{
	uint64_t before = address_of(kernel, "start");

	for (int i = 0; i < 3; i++) {
		uint64_t after;

		expect("vCont;s:1", "T05");
		after = read_register(GDB_RIP);
		CHECK(after != before);
		before = after;
	}
}

static void
test_breakpoints(const char *kernel)
{
	static const int types[] = {0, 1};
	static const char *const places[] = {"set_up_interrupts", "publish_stats"};
	char question[64];

	for (int i = 0; i < 2; i++) {
		uint64_t at = address_of(kernel, places[i]);
		const char *why;

		snprintf(question, sizeof(question), "Z%d,%llx,1", types[i],
			 (unsigned long long)at);
		expect(question, "OK");
		why = ask("vCont;c");
		CHECK(strstr(why, types[i] == 0 ? "swbreak" : "hwbreak") != NULL);
		CHECK(read_register(GDB_RIP) == at);
		question[0] = 'z';
		expect(question, "OK");
		expect(question, "E"); /* it is gone */
	}
}

/* More than there are debug registers. */
static void
test_many_breakpoints(const char *kernel)
{
	uint64_t at = address_of(kernel, "next_message");
	char question[64];

	for (int i = 0; i < 4; i++) {
		snprintf(question, sizeof(question), "Z0,%x,1", 0x8000 + i);
		expect(question, "OK");
	}
	snprintf(question, sizeof(question), "Z0,%llx,1", (unsigned long long)at);
	expect(question, "OK");
	CHECK(strstr(ask("vCont;c"), "swbreak") != NULL);
	CHECK(read_register(GDB_RIP) == at);
	question[0] = 'z';
	expect(question, "OK");
}

/* The guest sleeps; it is stopped where it is, and let go. */
static void
test_interrupt_and_detach(void)
{
	send_packet("c");
	usleep(300000);
	CHECK(write(conn, "\003", 1) == 1);
	CHECK(strncmp(receive(), "T02", 3) == 0);
	expect("D", "OK");
	close(conn);
}

int
main(int argc, char **argv)
{
	char path[] = "/tmp/tine-gdb-XXXXXX", address[64];
	const char *emulator = argc == 5 ? argv[4] : "";
	struct host_info info;
	int status;
	pid_t pid;

	CHECK(argc == 4 || argc == 5);
	host_probe(&info);
	if (!info.capable)
		return 77;
	CHECK(mkdtemp(path) != NULL);
	snprintf(address, sizeof(address), "unix:%s/s", path);
	pid = fork();
	if (pid == 0) {
		execl(argv[1], "tine", "run", "--gdb", address, "--kernel", argv[2], "--rootfs",
		      argv[3], "/sleep", (char *)NULL);
		_exit(1);
	}
	connect_to(address + 5);
	test_basics(argv[2]);
	if (strcmp(emulator, "bochs") != 0)
		test_step(argv[2]);
	if (strcmp(emulator, "qemu") != 0)
		test_breakpoints(argv[2]);
	if (emulator[0] == '\0')
		test_many_breakpoints(argv[2]);
	test_interrupt_and_detach();
	kill(pid, SIGTERM);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM);
	puts("ok");
	return 0;
}
