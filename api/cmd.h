/* SPDX-License-Identifier: ISC */
/* cmd.h: the subcommands of `tine`, and what they exit with. */
#ifndef TINE_API_CMD_H
#define TINE_API_CMD_H

enum cmd_status {
	CMD_OK = 0,
	CMD_FAILURE = 1,   /* the request failed */
	CMD_USAGE = 2,     /* wrong options or arguments */
	CMD_NO_DAEMON = 3, /* no daemon answers on the socket */
	/* tine exec, like other tools that run a program for somebody: */
	CMD_EXEC_FAILURE = 125, /* tine itself failed */
	CMD_EXEC_CANNOT = 126,  /* the program cannot be executed */
	CMD_EXEC_NOT_FOUND = 127,
};

/* rm, reset, signal, wait, profile, sysctl, log, put, health */
int cmd_simple(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_spawn(int argc, char **argv);
int cmd_exec(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_fork(int argc, char **argv);
int cmd_template(int argc, char **argv);

#endif
