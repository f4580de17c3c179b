/* SPDX-License-Identifier: ISC */
/* state.c: the state machine of a sandbox, as a table. */
#include "state.h"

enum api_state
api_state_next(enum api_state state, enum api_input input)
{
	static const enum api_state next[API_NSTATES][API_NINPUTS] = {
	    /* in the order of enum api_input */
	    [API_STARTING] = {API_READY, API_FAILED, API_STOPPED, API_FAILED, API_DELETING,
			      API_STARTING},
	    [API_READY] = {API_READY, API_FAILED, API_STOPPED, API_FAILED, API_DELETING,
			   API_STARTING},
	    [API_STOPPED] = {API_STOPPED, API_STOPPED, API_STOPPED, API_STOPPED, API_DELETING,
			     API_STOPPED},
	    [API_FAILED] = {API_FAILED, API_FAILED, API_FAILED, API_FAILED, API_DELETING,
			    API_FAILED},
	    [API_DELETING] = {API_DELETING, API_DELETING, API_DELETING, API_DELETING, API_DELETING,
			      API_DELETING},
	};

	return next[state][input];
}

const char *
api_state_name(enum api_state state)
{
	static const char *const names[API_NSTATES] = {"starting", "ready", "stopped", "failed",
						       "deleting"};

	return names[state];
}
