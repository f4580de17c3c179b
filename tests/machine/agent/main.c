/* main.c: init of the emulated machines: boot, report ready, run the one command, stop. */
/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "agent.h"

static int failure_channel = -1;

void
die_through(int channel)
{
	failure_channel = channel;
}

void
machine_stop(void)
{
	/*
	 * The launcher ends the emulator when it has read the last frame; a machine without one
	 * powers off by itself.
	 */
	if (failure_channel < 0)
		reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

void
die(const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	dprintf(STDERR_FILENO, "agent: %s\n", text);
	if (failure_channel >= 0) {
		struct stream out = {0};
		frame_put(&out, FRAME_FAIL, text, strlen(text));
		while (stream_used(&out) > 0 && stream_write(&out, failure_channel, SIZE_MAX) > 0)
			continue;
	}
	machine_stop();
}

int
main(void)
{
	if (getpid() != 1) {
		fputs("agent: this program is the init process of an emulated machine\n", stderr);
		return 1;
	}
	boot_machine();
	int channel = boot_channel();
	die_through(channel);
	relay_run(channel);
}
