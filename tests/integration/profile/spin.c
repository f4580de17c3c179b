/* SPDX-License-Identifier: ISC */
/* spin.c: prints where its loop is, forks, and spins in both processes until it is killed. */
#include <stdio.h>
#include <unistd.h>

extern char spin_start[], spin_end[];
void spin(void) __attribute__((noreturn));
__asm__(".text\n"
	"spin:\n"
	"spin_start:\n"
	"	jmp spin_start\n"
	"	nop\n"
	"spin_end:\n");

int
main(void)
{
	pid_t pid = fork();

	if (pid > 0) {
		printf("%p %p %d\n", (void *)spin_start, (void *)spin_end, pid);
		fflush(stdout);
	}
	spin();
}
