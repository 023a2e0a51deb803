/* SPDX-License-Identifier: MIT */
/*
 * backend.h - the contract between the facade (session.c, waiting.c) and a mechanism's one file.
 *
 * A mechanism is one source file that ends with a const struct ipc_backend named
 * ipc_NAME, and one line in Makefile.am. The registry, `list`, `explain`, `--help`, the
 * benchmark, the contract tests and the matrix in README follow from that struct.
 *
 * The facade checks arguments, allocates state, chooses how to wait and counts; a backend moves
 * records, whose content it does not know. It never allocates, prints, exits, reads the
 * environment, keeps global data, or includes another backend.
 *
 * Rules for every operation:
 *  - The result is 0 or a count, else -errno. A library's own error codes (ETERM) are mapped to
 *    errno.
 *  - A system call goes through SYS(), which counts it and restarts it after a
 *    signal (signal(7): some calls fail with EINTR after SIGSTOP/SIGCONT even without a handler).
 *  - Descriptors are close-on-exec from birth.
 *  - After close the process is as it was before open: signal dispositions, mask and pending
 *    signals, limits, environment, umask, directory. In between, no call raises SIGPIPE, whatever
 *    the program's disposition is: sockets use MSG_NOSIGNAL, pipes use pipe_io.h.
 *  - Whatever comes from the other side may be hostile: bound it, copy it, then look at the copy.
 */
#ifndef IPC_BACKEND_H
#define IPC_BACKEND_H

#include <errno.h>

#include "ipc/ipc.h"

/* Raised whenever a change here breaks mechanisms that were compiled before. */
#define IPC_BACKEND_ABI 4

#define IPC_PATH_MAX       108 /* sizeof sun_path, see unix(7) */
#define IPC_LISTEN_MAX     46  /* INET6_ADDRSTRLEN */
#define IPC_LIMITS_MAX     8   /* figures of one mechanism for `explain` */
#define IPC_SLOT_CALLS_MAX 16  /* see slot_calls */

/*
 * A session as backends see it. They may read all of it, and write *state, *slot_state, syscalls
 * and number.
 */
struct ipc {
	const struct ipc_backend *backend;
	void *state;      /* backend->state_size bytes, zero at open */
	void *slot_state; /* slots * backend->slot_size bytes, zero at open */
	enum ipc_direction direction;
	enum ipc_role role; /* IPC_HUB until attach says otherwise */
	unsigned slots;
	unsigned self; /* role IPC_SLOT: the own slot. A hub with one slot: 0 */
	bool single;   /* one peer only: role IPC_SLOT, or a hub with one slot */
	size_t record_size;
	unsigned depth;
	pid_t opener; /* only this process removes names; 0 after join */
	char runtime_dir[IPC_PATH_MAX];
	uint64_t syscalls; /* see SYS() */
	uint64_t number;   /* see slot_calls */
	bool keep;         /* with IPC_CAP_KEEPS; to the hub only */
	/* With IPC_CAP_CROSS_HOST, as ipc_config has it. Empty: tickets are for this host. */
	char listen[IPC_LISTEN_MAX];
	unsigned peer_timeout;
	/* With IPC_CAP_PASS_FD; see control.h. */
	bool accept_fds; /* the hub takes descriptors from its slots */
	/*
	 * NULL but in ipc_send_fd and ipc_recv_fd, which call send and recv for one record: the
	 * descriptor to send with it, or where recv stores the one that came. After a recv that
	 * returned no record, the facade closes what is there. While it is NULL, recv drops
	 * descriptors that come.
	 */
	int *passed;
};

/*
 * SYS(s, call): the result of CALL, or -errno. Counts it in the session and restarts it on EINTR.
 * CALL may be evaluated more than once: its arguments must have no side effects.
 */
/* clang-format off */
#define SYS(s, call) __extension__({                    \
	ssize_t sys_rc;                                 \
	do {                                            \
		(s)->syscalls++;                        \
		sys_rc = (call);                        \
	} while (sys_rc < 0 && errno == EINTR);         \
	sys_rc < 0 ? -errno : sys_rc;                   \
})
/* clang-format on */

static inline bool ipc_receives(const struct ipc *s)
{
	return (s->direction == IPC_TO_HUB) == (s->role == IPC_HUB);
}

/* The value to which a sandbox holds an argument of a system call. */
enum ipc_slot_arg {
	IPC_ARG_ANY,
	IPC_ARG_HUB_PIDFD,
	IPC_ARG_NUMBER, /* s->number, as it is after open */
};

struct ipc_slot_call {
	const char *name;          /* as in syscalls(2) */
	enum ipc_slot_arg args[2]; /* of its first two arguments */
};

struct ipc_backend {
	struct ipc_info info;
	size_t state_size; /* private state of a session; may be 0 */
	size_t slot_size;  /* private state of one slot; may be 0 */
	/* A call with IPC_NOWAIT costs no system call, so the facade tries once before it waits. */
	bool free_try;
	/*
	 * IPC_CAP_TRUSTING is about ticket holders only: a slot's process that was forked cannot do
	 * harm.
	 */
	bool forked_harmless;
	/*
	 * A library's threads do the work. Tries would take their CPU, so IPC_ADAPTIVE means
	 * IPC_BLOCK.
	 */
	bool own_threads;

	/*
	 * The system calls that a slot's process makes once it is attached, including those of a
	 * library's threads, beyond what every process needs: memory, time, timers, threads,
	 * signals to itself; to read, write, send, receive, poll and close the descriptors that it
	 * has, and to change their flags (F_SETFL). A sandbox allows only these. An argument by
	 * which the process could harm others is restricted to the one right value.
	 */
	struct ipc_slot_call slot_calls[IPC_SLOT_CALLS_MAX];

	/*
	 * Called without a session. Can this user use it on this machine? 0, else -errno with one
	 * clause in REASON. Must be cheap and leave nothing behind. NULL: always usable.
	 */
	int (*probe)(char *reason, size_t size);

	/*
	 * Called without a session. Stores this machine's limits for `explain`; returns how many.
	 * CAP is IPC_LIMITS_MAX. May be NULL.
	 */
	int (*limits)(struct ipc_limit *limits, size_t cap);

	/*
	 * The most descriptors that the hub's session holds at any moment, in either direction and
	 * with those of a library, while it arms, forks and attaches SLOTS slots one after the
	 * other.
	 */
	int (*hub_fds)(unsigned slots);

	/*
	 * In the hub, once. Makes what all slots share. s->state and s->slot_state are zero. If it
	 * fails, it leaves nothing behind, and close is not called.
	 */
	int (*open)(struct ipc *s);

	/*
	 * In the hub, before the fork of SLOT's process; the slot is not armed. Makes the slot's
	 * own objects and unlinks their names at once where the mechanism allows. What an earlier
	 * process of the slot sent must not reach the next one, nor count as sent by it. Where the
	 * two ends differ, the receiver gets the one that keeps what a dead sender sent, the sender
	 * the one that learns of the receiver's death. Descriptors are close-on-exec from birth.
	 */
	int (*arm)(struct ipc *s, unsigned slot);

	/*
	 * In the hub of a session with keep, instead of arm and attach: takes over SLOT from an
	 * earlier session. recv then returns its records; there is no peer. NULL without
	 * IPC_CAP_KEEPS. In a session with keep, arm returns -EEXIST as long as an earlier
	 * session's records are there, and detach keeps what was not read.
	 */
	int (*recover)(struct ipc *s, unsigned slot);

	/*
	 * After the fork, in each process. s->role and s->self are set. Role IPC_SLOT: close
	 * everything inherited but the own end (a sibling's write end that stays open would hide
	 * its end of file). Role IPC_HUB: close the slot's end; PEER is the process that has it.
	 * The hub attaches before it sends or receives again.
	 */
	int (*attach)(struct ipc *s, unsigned slot, const struct ipc_peer *peer);

	/*
	 * ticket: as arm, for a process that inherits no session (an executed program) or a thread.
	 * Moves what it needs for SLOT into ticket->fds, which the caller then owns (-1 if unused),
	 * and ticket->words. The hub's attach follows as usual. join: in that process or thread,
	 * instead of open, arm and attach. s->role, s->self and the sizes of the session are set,
	 * the states are zero. Takes over ticket->fds; if it fails, it leaves them open and nothing
	 * else behind. Both NULL without IPC_CAP_JOIN. With IPC_CAP_THREADS both ends may be in one
	 * process.
	 */
	int (*ticket)(struct ipc *s, unsigned slot, struct ipc_ticket *ticket);
	int (*join)(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		    const struct ipc_peer *peer);

	/*
	 * On the sending side. Sends 1..N whole records, in one system call if the mechanism can.
	 * -EPIPE: the peer is gone (where the mechanism can know).
	 *
	 * With IPC_NOWAIT: -EAGAIN when not even one record fits. A slot has room for at least 2
	 * records, and for fewer than 10 million, so that a test can fill it. (Until the slot's
	 * process has attached, a hub's send may find it full.) Without the flag: waits in the
	 * mechanism's own blocking call. A mechanism that has none returns -EAGAIN, and the facade
	 * sleeps on pollfd. A blocking call that does not notice the peer's death must return
	 * -EAGAIN within a second or so, and the facade looks at the peer's pidfd.
	 *
	 * A record counts as sent when all of it was passed to the kernel. A mechanism that sends
	 * it in parts (also because a signal has ended a call that waited: write(2) then returns
	 * less) finishes a record that it has begun, or abandons it and the receiver drops the
	 * parts. A NOWAIT call may wait for the rest of a record, but only rarely, because
	 * perhaps nobody reads: a mechanism that would often stop in the middle of a record checks
	 * for room first.
	 */
	ssize_t (*send)(struct ipc *s, unsigned slot, const void *records, size_t n,
			unsigned flags);

	/*
	 * On the receiving side. Returns 1..CAP whole records of *SLOT; serves no slot twice while
	 * another waits. 0, once: the sender of *SLOT has ended and everything was read (with
	 * IPC_CAP_EOF only; before the 0, records of a dead sender may still be on their way). An
	 * error by which the kernel tells that end, such as ECONNRESET, is such a 0 too.
	 * -EPROTO with *SLOT: hostile bytes, reported once: a ring with invalid content is not read
	 * again, since a caller that receives until -EAGAIN would never end. Waits as send does. A
	 * part of a record is kept in the slot's state, and recv returns -EAGAIN until the rest
	 * comes. If the sender ends before that, recv drops the part and returns 0: that record was
	 * never acknowledged. A mechanism whose records cannot arrive in parts returns -EPROTO for
	 * a part.
	 */
	ssize_t (*recv)(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags);

	/*
	 * Returns the session's descriptor and the poll(2) events to wait for: a record (receiving
	 * side), room (sending side; in a hub, room in a slot whose send returned -EAGAIN). Called
	 * before each sleep: a mechanism that must announce a sleep does it here, looks again, and
	 * returns -EAGAIN if there is something. -ENOTSUP: no descriptor in this direction. NULL:
	 * none in either.
	 */
	int (*pollfd)(struct ipc *s, short *events);

	/*
	 * Releases SLOT on this side, whether armed or attached. Errors do not matter: the objects
	 * are gone anyway.
	 */
	void (*detach)(struct ipc *s, unsigned slot);

	/*
	 * Frees the session's own objects; only the process s->opener also removes names. All slots
	 * are detached already. May be NULL.
	 */
	void (*close)(struct ipc *s);
};

/*
 * A mechanism that is not built with the library: it is part of a program, which calls
 * ipc_register(&ipc_module), or of a shared object, which `ipcdemo bench --ipc=./NAME.so` loads.
 * Its file ends with
 *
 *	IPC_MODULE(ipc_NAME);
 */
struct ipc_module {
	unsigned abi; /* IPC_BACKEND_ABI when it was compiled */
	const struct ipc_backend *backend;
};

#define IPC_MODULE(name)                    \
 extern const struct ipc_module ipc_module; \
 __attribute__((visibility("default")))     \
 const struct ipc_module ipc_module = { IPC_BACKEND_ABI, &(name) }

#endif
