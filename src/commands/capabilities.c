/* SPDX-License-Identifier: MIT */
/* capabilities.c - see capabilities.h */
#include "config.h"

#include "commands/capabilities.h"

#include <assert.h>
#include <stddef.h>

#include "ipc/ipc.h"
#include "common/language.h"

/* By bit. */
static const struct capability capabilities[] = {
	{ .heading = N_("apart"), .meaning = N_("keeps records apart without any framing") },
	{ .heading = N_("end"),
	  .meaning = N_("lets the receiver see that the sender is gone"),
	  .need = "see-end",
	  .need_help = N_("the channel itself tells that its sender is gone") },
	{ .heading = N_("poll"),
	  .meaning = N_("has a descriptor for poll(2) and epoll(7)"),
	  .need = "pollable",
	  .need_help = N_("for an event loop: a descriptor for poll(2) and epoll(7)") },
	{ .heading = N_("who"),
	  .meaning = N_("says which slot sent a record, and no slot can forge that"),
	  .need = "untrusted-peer",
	  .need_help = N_("a sender may lie about who it is") },
	{ .heading = N_("kept"),
	  .meaning = N_("delivers what was sent although the sender was killed"),
	  .need = "survive-crash",
	  .need_help = N_("what was sent must arrive although the sender is killed") },
	{ .heading = N_("name"),
	  .meaning = N_("leaves a name behind if the hub is killed"),
	  .need = "no-name",
	  .need_help = N_("nothing may be left behind if the receiver is killed"),
	  .avoid = true },
	{ .heading = N_("host"),
	  .meaning = N_("can reach another host"),
	  .need = "cross-host",
	  .need_help = N_("the other end is on another host") },
	{ .heading = N_("join"),
	  .meaning = N_("lets a program that was executed take a slot"),
	  .need = "join",
	  .need_help = N_("the other end is an executed program, not a forked one") },
	{ .heading = N_("mt"),
	  .meaning = N_("serves threads of the hub's own process"),
	  .need = "threads",
	  .need_help = N_("the other end is a thread of the same process") },
	{ .heading = N_("fair"),
	  .meaning = N_("has a queue for each slot: a flood in one delays no other"),
	  .need = "fair",
	  .need_help = N_("one sender's flood must not delay the others") },
	{ .heading = N_("trusts"),
	  .meaning = N_("lets who holds a slot or its ticket bring the hub down"),
	  .need = "hostile-peer",
	  .need_help = N_("the other end may write anything, and must do no harm by it"),
	  .avoid = true },
	{ .heading = N_("fd"),
	  .meaning = N_("carries a descriptor with a record"),
	  .need = "pass-fd",
	  .need_help = N_("open files have to travel: a record carries a descriptor") },
	{ .heading = N_("keeps"),
	  .meaning = N_("can keep what was sent although all processes are killed"),
	  .need = "survive-all",
	  .need_help = N_("what was sent must arrive although all processes are killed") },
	{ .heading = N_("barred"),
	  .meaning = N_("needs calls that hardened systems often forbid"),
	  .need = "unrestricted",
	  .need_help = N_("it must also work on hardened systems and in containers"),
	  .avoid = true },
};

static_assert(sizeof capabilities / sizeof capabilities[0] == IPC_CAP_COUNT,
	      "every capability bit of ipc.h has its words here");

const struct capability *capability_at(unsigned bit)
{
	return &capabilities[bit];
}
