/* SPDX-License-Identifier: ISC */
/* hostmsg.h: the host's message formats, as the machine-independent kernel sees them. */
#ifndef MACHINE_HOSTMSG_H
#define MACHINE_HOSTMSG_H
#include "abi/msg.h"
#endif
