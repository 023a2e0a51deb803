/* SPDX-License-Identifier: MIT */
/* capabilities.c - see capabilities.h */
#include "config.h"

#include "commands/capabilities.h"

#include <assert.h>
#include <stddef.h>

#include "ipc/ipc.h"

static const struct capability capabilities[] = {
	{ "apart", "keeps records apart without any framing", NULL, false },
	{ "end", "lets the receiver see that the sender is gone", "see-end", false },
	{ "poll", "has a descriptor for poll(2) and epoll(7)", "pollable", false },
	{ "known", "says which slot sent a record, and no slot can forge that", "untrusted-peer",
	  false },
	{ "keeps", "delivers what was sent although the sender was killed", "survive-crash",
	  false },
	{ "name", "leaves a name behind if the hub is killed", "no-name", true },
	{ "host", "can reach another host", "cross-host", false },
};

static_assert(sizeof capabilities / sizeof capabilities[0] == IPC_CAP_COUNT,
	      "every capability bit of ipc.h has its words here");

const struct capability *capability_at(unsigned bit)
{
	return &capabilities[bit];
}
