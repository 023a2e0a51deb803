/* SPDX-License-Identifier: MIT */
/*
 * backend.h - the contract between the facade (session.c, waiting.c) and a mechanism's one file.
 *
 * A mechanism is one source file that ends with a const struct ipc_backend named
 * ipc_NAME, and one line in Makefile.am. The registry, `list`, `explain`, `--help`, the
 * benchmark, the contract tests and the matrix in README follow from that struct.
 *
 * The facade checks arguments, allocates state, chooses how to wait and counts; a
 * backend moves opaque records. It never allocates, prints, exits, reads the environment,
 * looks into a record, keeps global data, or includes another backend.
 *
 * Rules that hold for every operation:
 *  - Result 0 or a count, else -errno. Foreign codes (ETERM, ENOMSG) are mapped here.
 *  - A system call goes through SYS(), which counts it and restarts it after a
 *    signal (signal(7): some calls fail with EINTR after SIGSTOP/SIGCONT even without a handler).
 *  - Descriptors are close-on-exec from birth.
 *  - After close the process is as it was before open: signal dispositions, mask and what is
 *    pending, limits, environment, umask, directory. Between them SIGPIPE never arrives, whatever
 *    the program has decided about it: sockets by MSG_NOSIGNAL, pipes by pipe_io.h.
 *  - What comes from the other side is hostile: bound it, copy it, then look at the copy.
 */
#ifndef IPC_BACKEND_H
#define IPC_BACKEND_H

#include <errno.h>

#include "ipc/ipc.h"

/* Raised whenever something here changes on which a compiled mechanism depends. */
#define IPC_BACKEND_ABI 3

#define IPC_PATH_MAX       108 /* sizeof sun_path, see unix(7) */
#define IPC_LIMITS_MAX     8   /* figures of one mechanism for `explain` */
#define IPC_SLOT_CALLS_MAX 16  /* see slot_calls */

/* A session as backends see it. They read all of it; they write *state, *slot_state, syscalls and
 * number. */
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
	/* With IPC_CAP_PASS_FD. control.h does what they ask. */
	bool accept_fds; /* of a hub: from its slots */
	/*
	 * During ipc_send_fd and ipc_recv_fd, which are send and recv of one record: the descriptor
	 * that goes with it, or where to put the one that comes. What is there after a recv that
	 * brought no record, the facade closes. Else NULL, and what comes is dropped.
	 */
	int *passed;
};

/*
 * SYS(s, call): the result of CALL, or -errno. Counts it in the session and restarts it on EINTR.
 * errno is read on the very next line, so that nothing can stand between.
 * CALL may be evaluated more than once: no side effects in its arguments.
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

/* What an argument of a system call must be. */
enum ipc_slot_arg {
	IPC_ARG_ANY,
	IPC_ARG_HUB_PIDFD,
	IPC_ARG_NUMBER, /* the session's own: s->number, as it is after open */
};

struct ipc_slot_call {
	const char *name;          /* as in syscalls(2) */
	enum ipc_slot_arg args[2]; /* its first two */
};

struct ipc_backend {
	struct ipc_info info;
	size_t state_size; /* private state of a session; may be 0 */
	size_t slot_size;  /* private state of one slot; may be 0 */
	/* A try costs no system call, so the facade makes one before it waits. */
	bool free_try;
	/*
	 * IPC_CAP_TRUSTING holds for ticket holders only: a forked slot's process can do no harm.
	 */
	bool forked_harmless;
	/* Threads of a library do the work: tries take their CPU, IPC_ADAPTIVE is IPC_BLOCK. */
	bool own_threads;

	/*
	 * The system calls of a slot's process once it is attached, a library's threads included.
	 * A sandbox around it allows these beside what every process needs: memory, time, timers,
	 * threads, own signals; to read, write, send, receive, poll and close what it holds.
	 * Nothing said: nothing more. An argument by which it could harm others is held to the one
	 * right value.
	 */
	struct ipc_slot_call slot_calls[IPC_SLOT_CALLS_MAX];

	/*
	 * Without a session. Usable on this machine, by this user? 0, else -errno with one clause
	 * in REASON. Cheap, leaves nothing. NULL: always usable.
	 */
	int (*probe)(char *reason, size_t size);

	/*
	 * Without a session. Live figures for `explain`; returns how many were filled. CAP is
	 * IPC_LIMITS_MAX. May be NULL.
	 */
	int (*limits)(struct ipc_limit *limits, size_t cap);

	/*
	 * The most descriptors that the hub's session holds at any moment, in either direction, a
	 * library's included, while it arms, forks and attaches SLOTS slots one after the other.
	 */
	int (*hub_fds)(unsigned slots);

	/*
	 * The hub, once. Makes what all slots share. s->state and s->slot_state are zero.
	 * On failure nothing remains; close is not called then.
	 */
	int (*open)(struct ipc *s);

	/*
	 * The hub, before the fork of SLOT's process; the slot is not armed. Makes the slot's own
	 * objects; names are unlinked at once where the mechanism allows. Nothing that an earlier
	 * owner sent may be seen by, or ascribed to, the next.
	 */
	int (*arm)(struct ipc *s, unsigned slot);

	/*
	 * The hub of a session that keeps: in the place of arm and attach, for a SLOT that an
	 * earlier session has left. recv returns its records; it has no peer. NULL without
	 * IPC_CAP_KEEPS. There arm answers -EEXIST as long as something is left, and detach leaves
	 * what was not read.
	 */
	int (*recover)(struct ipc *s, unsigned slot);

	/*
	 * After the fork, in each process. s->role and s->self are set. role IPC_SLOT: drop
	 * everything inherited but the own end (a sibling's write end kept open would hide its end
	 * of file). role IPC_HUB: drop the slot's end; PEER says who owns it. The hub does this
	 * before it sends or receives again.
	 */
	int (*attach)(struct ipc *s, unsigned slot, const struct ipc_peer *peer);

	/*
	 * ticket: as arm, for an owner that is not forked here: a program that was executed, or a
	 * thread. Moves what SLOT's owner needs into ticket->fds (the caller's from then on; the
	 * unused are -1) and ticket->words. The hub's attach follows as ever.
	 * join: in the owner, instead of open, arm and attach. s->role, s->self and the figures
	 * of the session are set, the states are zero. Takes ticket->fds over, but on failure
	 * leaves them open, and nothing else behind.
	 * Both NULL without IPC_CAP_JOIN. IPC_CAP_THREADS: hub and owner may be one process.
	 */
	int (*ticket)(struct ipc *s, unsigned slot, struct ipc_ticket *ticket);
	int (*join)(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		    const struct ipc_peer *peer);

	/*
	 * The sending side. Takes 1..N whole records, in one go if the mechanism can. -EPIPE: the
	 * peer is gone (where the mechanism can know).
	 *
	 * IPC_NOWAIT: -EAGAIN when not even one fits. A slot has room for at least 2 records and
	 * for fewer than 10 million, so that "full" is something that happens. (As long as the
	 * slot's process has not attached, a hub's send may find it full.)
	 * Without the flag: waits in the mechanism's own blocking call. One that has none answers
	 * -EAGAIN, and the facade sleeps on pollfd. One that is silent about its peer's death must
	 * not wait for ever either: within a second or so it answers -EAGAIN, and the facade looks
	 * at the peer's pidfd.
	 *
	 * A record is sent when all of it was handed over, and only then counts. Where it goes in
	 * parts, one that is begun is finished, or is given up and the receiver drops its parts. A
	 * NOWAIT call may wait for the rest only where that is rare, because perhaps nobody reads:
	 * a mechanism that would often stop in the middle of a record asks for room first.
	 */
	ssize_t (*send)(struct ipc *s, unsigned slot, const void *records, size_t n,
			unsigned flags);

	/*
	 * The receiving side. 1..CAP whole records of *SLOT; no slot is served twice while another
	 * has waited. 0, once: the sender of *SLOT ended and everything was read (IPC_CAP_EOF
	 * only; until then records of the dead may still be on their way). -EPROTO with *SLOT:
	 * hostile bytes, told once each: shared memory that is spoilt is not looked at again, or
	 * who receives until -EAGAIN would do so for ever. Waiting as for send.
	 * Part of a record is kept back, and the answer is -EAGAIN until the rest comes. If the
	 * sender ends before that, the part is dropped (0): nobody has acknowledged that record. A
	 * mechanism whose records cannot come in parts says -EPROTO to one that does.
	 */
	ssize_t (*recv)(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags);

	/*
	 * The session's one descriptor and the poll(2) events that mean "go on": a record is there
	 * (receiving side), there is room (sending side; a hub: room in a slot whose send
	 * met -EAGAIN). Called before each sleep: a mechanism that must announce a sleep does it
	 * here, checks again, and answers -EAGAIN if there is something. -ENOTSUP: none this way.
	 * NULL: none at all.
	 */
	int (*pollfd)(struct ipc *s, short *events);

	/*
	 * Releases SLOT on this side, whether armed or attached. Reports no error: what fails is
	 * gone anyway.
	 */
	void (*detach)(struct ipc *s, unsigned slot);

	/*
	 * Frees own handles; in s->opener's process also what has a name. Slots are detached
	 * already. May be NULL.
	 */
	void (*close)(struct ipc *s);
};

/*
 * A mechanism that is not built with the library: in a program, which calls
 * ipc_register(&ipc_module), or in a shared object, which `ipcdemo bench --ipc=./NAME.so` loads.
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
