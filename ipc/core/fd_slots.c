/* SPDX-License-Identifier: MIT */
/* fd_slots.c - see fd_slots.h */
#include "config.h"

#include "ipc/core/fd_slots.h"

#include <fcntl.h>
#include <poll.h>

#include "ipc/core/sys.h"

static struct fd_slots *set_of(const struct ipc *s)
{
	return s->state;
}

int fd_slots_open(struct ipc *s)
{
	struct fd_slots *set = set_of(s);
	unsigned i;

	for (i = 0; i < s->slots; i++)
		fd_slots_at(s, i)->own = fd_slots_at(s, i)->other = fd_slots_at(s, i)->passed = -1;
	set->epoll = -1;
	set->room = set->room ? set->room : EPOLLOUT;
	if (s->single)
		return 0;
	set->epoll = (int)SYS(s, epoll_create1(EPOLL_CLOEXEC));
	return set->epoll < 0 ? set->epoll : 0;
}

void fd_slots_armed(struct ipc *s, unsigned slot, int hub_end, int slot_end)
{
	struct fd_slot *at = fd_slots_at(s, slot);

	at->own = hub_end;
	at->other = slot_end;
	at->passed = -1;
	at->polled = false;
	at->ended = false;
	at->awaited = false;
	at->nonblock = false;
}

void fd_slots_await(struct ipc *s, unsigned slot, int listener)
{
	fd_slots_armed(s, slot, listener, -1);
	fd_slots_at(s, slot)->awaited = true;
}

static int attach_hub(struct ipc *s, unsigned slot)
{
	struct fd_slot *at = fd_slots_at(s, slot);
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = slot };
	int rc;

	sys_close(&at->other);
	if (s->single || !ipc_receives(s))
		return 0;
	rc = (int)SYS(s, epoll_ctl(set_of(s)->epoll, EPOLL_CTL_ADD, at->own, &event));
	at->polled = rc == 0;
	return rc;
}

int fd_slots_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	struct fd_slot *at = fd_slots_at(s, slot);
	unsigned i;

	(void)peer;
	if (s->role == IPC_HUB)
		return attach_hub(s, slot);
	/*
	 * If we kept a sibling's end open here, the hub would never see that sibling's end of file.
	 */
	for (i = 0; i < s->slots; i++) {
		sys_close(&fd_slots_at(s, i)->own);
		sys_close(&fd_slots_at(s, i)->passed);
		if (i != slot)
			sys_close(&fd_slots_at(s, i)->other);
	}
	sys_close(&set_of(s)->epoll);
	at->own = at->other;
	at->other = -1;
	return 0;
}

int fd_slots_came(struct ipc *s, unsigned slot, int fd)
{
	fd_slots_ended(s, slot); /* for the listening socket, that is */
	sys_close(&fd_slots_at(s, slot)->own);
	fd_slots_armed(s, slot, fd, -1);
	return attach_hub(s, slot);
}

int fd_slots_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	ticket->fds[0] = fd_slots_at(s, slot)->other;
	fd_slots_at(s, slot)->other = -1;
	return 0;
}

int fd_slots_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		  const struct ipc_peer *peer)
{
	(void)peer; /* the process that has the other end */
	set_of(s)->epoll = -1;
	set_of(s)->room = set_of(s)->room ? set_of(s)->room : EPOLLOUT;
	fd_slots_armed(s, slot, ticket->fds[0], -1);
	return ticket->fds[0] < 0 ? -EINVAL : 0;
}

int fd_slots_next_of_many(struct ipc *s, unsigned *slot, unsigned flags)
{
	struct fd_slots *set = set_of(s);
	int rc;

	for (;;) {
		while (set->next < set->ready) {
			*slot = set->turn[set->next++].data.u32;
			if (*slot < s->slots)
				return 0;
		}
		set->next = set->ready = 0;
		rc = (int)SYS(s, epoll_wait(set->epoll, set->turn, FD_SLOTS_TURN,
					    flags & IPC_NOWAIT ? 0 : -1));
		if (rc <= 0)
			return rc < 0 ? rc : -EAGAIN;
		set->ready = rc;
	}
}

void fd_slots_ended(struct ipc *s, unsigned slot)
{
	struct fd_slot *at = fd_slots_at(s, slot);

	at->ended = true;
	if (!at->polled)
		return;
	(void)SYS(s, epoll_ctl(set_of(s)->epoll, EPOLL_CTL_DEL, at->own, NULL));
	at->polled = false;
}

void fd_slots_full(struct ipc *s, unsigned slot)
{
	struct fd_slot *at = fd_slots_at(s, slot);
	const unsigned go_on = at->awaited ? EPOLLIN : set_of(s)->room;
	struct epoll_event event = { .events = go_on | EPOLLONESHOT, .data.u32 = slot };

	if (s->single)
		return;
	/*
	 * If this fails (ENOMEM), only the wake-up is lost: the sender can still try again at any
	 * time.
	 */
	if (SYS(s, epoll_ctl(set_of(s)->epoll, at->polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, at->own,
			     &event)) == 0)
		at->polled = true;
}

int fd_slots_mode(struct ipc *s, unsigned slot, unsigned flags)
{
	struct fd_slot *at = fd_slots_at(s, slot);
	const bool nonblock = flags & IPC_NOWAIT;
	int rc;

	if (at->nonblock == nonblock)
		return 0;
	rc = (int)SYS(s, fcntl(at->own, F_SETFL, nonblock ? O_NONBLOCK : 0));
	if (rc == 0)
		at->nonblock = nonblock;
	return rc;
}

int fd_slots_pollfd(struct ipc *s, short *events)
{
	const struct fd_slot *at = fd_slots_at(s, s->self);
	struct fd_slots *set = set_of(s);

	if (s->single) {
		*events = ipc_receives(s) || at->awaited ? POLLIN : (short)set->room;
		if (at->ended)
			return -ENOTCONN; /* at its end of file the descriptor is always ready */
		return at->own;
	}
	*events = POLLIN;
	/*
	 * A slot that has room again stays reported until its event is fetched. We fetch it here,
	 * because a sender never waits for events: if there are any, the caller has something to
	 * try.
	 */
	if (!ipc_receives(s) && SYS(s, epoll_wait(set->epoll, set->turn, FD_SLOTS_TURN, 0)) > 0)
		return -EAGAIN;
	return set->epoll;
}

void fd_slots_detach(struct ipc *s, unsigned slot)
{
	struct fd_slots *set = set_of(s);
	struct fd_slot *at = fd_slots_at(s, slot);
	int i;

	/*
	 * A registration ends by itself only with the last duplicate of the descriptor, and a child
	 * that was forked just now may still have one. So it is removed explicitly.
	 */
	fd_slots_ended(s, slot);
	for (i = set->next; i < set->ready; i++)
		if (set->turn[i].data.u32 == slot)
			set->turn[i].data.u32 = IPC_SLOTS_MAX; /* fd_slots_next skips it */
	sys_close(&at->own);
	sys_close(&at->other);
	sys_close(&at->passed);
}

void fd_slots_close(struct ipc *s)
{
	sys_close(&set_of(s)->epoll);
}

int fd_slots_hub_fds(unsigned slots)
{
	return (int)slots + (slots > 1 ? 2 : 1);
}
