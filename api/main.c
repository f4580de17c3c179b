/* SPDX-License-Identifier: ISC */
/* main.c: `tine-api`, which `tine` executes: find the subcommand and run it. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "text.h"
#include "vmm/vmm.h"

static int cmd_help(int argc, char **argv);
static int cmd_version(int argc, char **argv);

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help; /* NULL: hidden */
} commands[] = {
    {"run", vmm_cmd_run, "run a program in a sandbox of its own"},
    {"check", vmm_cmd_check, "say whether this host can run sandboxes"},
    {"vmm", vmm_cmd_vmm, NULL},
    {"serve", cmd_serve, "serve the control API"},
    {"spawn", cmd_spawn, "start a sandbox"},
    {"fork", cmd_fork, "fork a running sandbox"},
    {"template", cmd_template, "freeze a sandbox to a template"},
    {"reset", cmd_simple, "put a clone back to its template"},
    {"ls", cmd_ls, "list sandboxes"},
    {"exec", cmd_exec, "run a program in a sandbox"},
    {"ps", cmd_ps, "list processes"},
    {"signal", cmd_simple, "send a signal to a process"},
    {"wait", cmd_simple, "wait for the end of a launched process"},
    {"put", cmd_simple, "copy a file into a sandbox"},
    {"sysctl", cmd_simple, "read or set kernel variables"},
    {"profile", cmd_simple, "show where a process spends its time"},
    {"stat", cmd_stat, "show fork statistics"},
    {"events", cmd_events, "follow the event stream"},
    {"log", cmd_simple, "show what a sandbox's kernel has logged"},
    {"rm", cmd_simple, "stop and remove sandboxes"},
    {"health", cmd_simple, "show the state of the daemon and its host"},
    {"version", cmd_version, "show the version"},
    {"help", cmd_help, "show this, or the help of a command"},
};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *
find(const char *name)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void
usage(FILE *f)
{
	fputs("usage: tine COMMAND [OPTION]... [ARG]...\n\n"
	      "Process sandboxes with the isolation of a virtual machine.\n\n",
	      f);
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (commands[i].help != NULL)
			fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs(
	    "\nCommands that talk to the daemon take --socket PATH (or TINE_SOCKET) and --json.\n"
	    "They exit with 0, 1 when the request failed, 2 for wrong usage, 3 when no daemon\n"
	    "answers; `run` and `exec` exit as the program does: its status, 128 plus the number\n"
	    "of the signal that ended it, 125 when tine itself failed, 126 or 127 when the "
	    "program\n"
	    "cannot be executed or is not found.  `tine COMMAND --help` tells more.\n",
	    f);
}

static int
cmd_version(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("tine %s (guest ABI %u)\n", TINE_VERSION, TINE_ABI_VERSION);
	return 0;
}

static int
cmd_help(int argc, char **argv)
{
	char help[] = "--help", *args[] = {argv[0], help, NULL};
	const struct command *cmd = argc > 1 ? find(argv[1]) : NULL;

	if (argc > 1 && cmd == NULL) {
		fprintf(stderr, "tine: no command \"%s\"\n", argv[1]);
		return CMD_USAGE;
	}
	if (cmd == NULL || cmd->run == cmd_help || cmd->run == cmd_version) {
		usage(stdout);
		return 0;
	}
	args[0] = argv[1];
	return cmd->run(2, args);
}

/* Clients of the daemon, to whom what JSON cannot say would be as good as not said. */
static bool
speaks_json(const struct command *cmd)
{
	return cmd->run != vmm_cmd_run && cmd->run != vmm_cmd_check && cmd->run != vmm_cmd_vmm &&
	       cmd->run != cmd_serve;
}

static bool
arguments_are_text(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		if (text_is_utf8((const uint8_t *)argv[i], strlen(argv[i])))
			continue;
		fprintf(stderr, "tine %s: argument %d is not UTF-8\n", argv[1], i - 1);
		return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	const struct command *cmd;

	if (argc < 2) {
		usage(stderr);
		return CMD_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
		return cmd_version(1, argv);
	cmd = find(argv[1]);
	if (cmd == NULL) {
		fprintf(stderr, "tine: no command \"%s\"; `tine --help` lists them\n", argv[1]);
		return CMD_USAGE;
	}
	if (speaks_json(cmd) && !arguments_are_text(argc, argv))
		return CMD_USAGE;
	return cmd->run(argc - 1, argv + 1);
}
