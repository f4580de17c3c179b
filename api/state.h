/* SPDX-License-Identifier: ISC */
/*
 * state.h: the states of a sandbox and what moves it between them.
 *
 *	starting --ready--> ready --halted--> stopped
 *	    \__failed/gone/halted__\_failed/gone--> failed
 *	ready --reset--> starting
 *	any --delete--> deleting (until the VMM process has been reaped)
 *
 * failed and stopped keep the last statistics and the log until the sandbox is deleted.
 */
#ifndef TINE_API_STATE_H
#define TINE_API_STATE_H

enum api_state { API_STARTING, API_READY, API_STOPPED, API_FAILED, API_DELETING, API_NSTATES };

enum api_input {
	INPUT_READY,  /* TINE_MSG_READY */
	INPUT_FAILED, /* VMM_MSG_FAILED, or the guest broke the protocol */
	INPUT_HALTED, /* VMM_MSG_HALTED */
	INPUT_GONE,   /* the VMM process has died */
	INPUT_DELETE, /* DELETE by a client */
	INPUT_RESET,  /* it is being put back to its template */
	API_NINPUTS
};

enum api_state api_state_next(enum api_state state, enum api_input input);
const char *api_state_name(enum api_state state);

#endif
