/* SPDX-License-Identifier: MIT */
/* capabilities.c - see capabilities.h */
#include "config.h"

#include "commands/capabilities.h"

#include <assert.h>
#include <stddef.h>

#include "ipc/ipc.h"

/* By bit. */
static const struct capability capabilities[] = {
	{ .heading = "apart", .meaning = "keeps records apart without any framing" },
	{ .heading = "end",
	  .meaning = "lets the receiver see that the sender is gone",
	  .need = "see-end",
	  .need_help = "the channel itself tells that its sender is gone" },
	{ .heading = "poll",
	  .meaning = "has a descriptor for poll(2) and epoll(7)",
	  .need = "pollable",
	  .need_help = "for an event loop: a descriptor for poll(2) and epoll(7)" },
	{ .heading = "who",
	  .meaning = "says which slot sent a record, and no slot can forge that",
	  .need = "untrusted-peer",
	  .need_help = "a sender may lie about who it is" },
	{ .heading = "kept",
	  .meaning = "delivers what was sent although the sender was killed",
	  .need = "survive-crash",
	  .need_help = "what was sent must arrive although the sender is killed" },
	{ .heading = "name",
	  .meaning = "leaves a name behind if the hub is killed",
	  .need = "no-name",
	  .need_help = "nothing may be left behind if the receiver is killed",
	  .avoid = true },
	{ .heading = "host",
	  .meaning = "can reach another host",
	  .need = "cross-host",
	  .need_help = "the other end is on another host" },
	{ .heading = "join",
	  .meaning = "lets a program that was executed take a slot",
	  .need = "join",
	  .need_help = "the other end is an executed program, not a forked one" },
	{ .heading = "mt",
	  .meaning = "serves threads of the hub's own process",
	  .need = "threads",
	  .need_help = "the other end is a thread of the same process" },
	{ .heading = "fair",
	  .meaning = "has a queue for each slot: a flood in one delays no other",
	  .need = "fair",
	  .need_help = "one sender's flood must not delay the others" },
	{ .heading = "trusts",
	  .meaning = "lets a hostile slot's process bring the hub down",
	  .need = "hostile-peer",
	  .need_help = "the other end may write anything, and must do no harm by it",
	  .avoid = true },
};

static_assert(sizeof capabilities / sizeof capabilities[0] == IPC_CAP_COUNT,
	      "every capability bit of ipc.h has its words here");

const struct capability *capability_at(unsigned bit)
{
	return &capabilities[bit];
}
