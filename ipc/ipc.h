/* SPDX-License-Identifier: MIT */
/*
 * ipc.h - fixed-size records between a hub and its numbered slots, over a mechanism chosen by
 * name. This is all that a user of libipc includes.
 *
 * A session is one open use of a mechanism. It has one hub (the process that opened
 * it), 1..N slots (other processes), and one direction, fixed at open. A downloader
 * has two sessions, however many workers: events to the hub, commands from it.
 *
 *      hub                                     slot 3
 *      ipc_open(&s, "pipe", &config)
 *      ipc_arm(s, 3)
 *      fork ---------------------------------> ipc_attach(s, 3, IPC_SLOT, &hub)
 *      ipc_attach(s, 3, IPC_HUB, &worker)      ipc_send(s, 3, records, n, 0)
 *      ipc_recv(s, &slot, records, cap, 0)     ...
 *      ipc_detach(s, 3)                        ipc_close(s)
 *      ipc_close(s)
 *
 * Both processes use their own copy of the session, made by the fork; nothing in it
 * is shared but what the mechanism shares. One session is used by one thread at a time.
 *
 * Every function returns 0 or a count, else -errno. Nothing here prints, exits, reads
 * the environment or keeps state outside the session.
 *
 * A session leaves its process as it was: signal dispositions, the mask, limits. SIGPIPE does not
 * arrive because of a session, and the program need not do anything about it. (To ignore it
 * saves time over `pipe` before Linux 6.18: core/pipe_io.h says why.) Only `signal` takes
 * something for itself, one real-time signal, which is blocked from ipc_open to ipc_close; open
 * it before the first thread starts, and end its slots' processes before ipc_close.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default) /* the library hides everything else */

#define IPC_VERSION        "0.1.0"
#define IPC_VERSION_NUMBER 100 /* 10000 * major + 100 * minor + patch */

#define IPC_SLOTS_MAX  4096u /* of one session */
#define IPC_RECORD_MIN 8u    /* bytes; the largest is the mechanism's record_limit */
#define IPC_NOWAIT     1u    /* flag of a call: full or empty is -EAGAIN */

enum ipc_direction {
	IPC_TO_HUB,   /* slots send, the hub receives: events */
	IPC_FROM_HUB, /* the hub sends, slots receive: commands */
};

enum ipc_role { IPC_HUB, IPC_SLOT };

/* How a call without IPC_NOWAIT waits. The same four for every mechanism. */
enum ipc_strategy {
	IPC_BLOCK,    /* in the mechanism's own blocking call */
	IPC_POLL,     /* in ppoll on the session's descriptor, then without waiting */
	IPC_SPIN,     /* never sleeps: only where both ends have a CPU of their own */
	IPC_ADAPTIVE, /* tries for some 50 us, then blocks; gives up trying where that fails */
};

/* What a mechanism promises. ipc_capability_name() gives the words. */
enum ipc_capability {
	IPC_CAP_BOUNDARIES = 1 << 0,   /* the kernel keeps records apart */
	IPC_CAP_EOF = 1 << 1,          /* the receiver sees that the sender is gone */
	IPC_CAP_POLLABLE = 1 << 2,     /* has a descriptor for poll(2) and epoll(7) */
	IPC_CAP_TRUSTED_SLOT = 1 << 3, /* the slot of a record cannot be forged by another slot */
	IPC_CAP_DURABLE = 1 << 4,      /* a record that was sent survives the sender's SIGKILL */
	IPC_CAP_NAMED = 1 << 5,        /* a hub killed outside of open and arm leaves a name */
	IPC_CAP_CROSS_HOST = 1 << 6,   /* can reach another host */
	IPC_CAP_JOIN = 1 << 7,         /* a slot may be taken with a ticket: ipc_join */
	IPC_CAP_THREADS = 1 << 8,      /* ... also by a thread of the hub's own process */
	IPC_CAP_FAIR = 1 << 9,         /* a queue per slot: who floods its own delays no other */
	IPC_CAP_TRUSTING = 1 << 10,    /* who holds a slot or its ticket can bring the hub down */
	IPC_CAP_PASS_FD = 1 << 11,     /* a record may carry a descriptor: ipc_send_fd */
	IPC_CAP_KEEPS = 1 << 12,       /* what was sent may outlive all processes: ipc_recover */
};
#define IPC_CAP_COUNT 13

/* What a mechanism is akin to. ipc_group_name() gives the words; 0 where nobody said. */
enum ipc_group {
	IPC_GROUP_OTHER,
	IPC_GROUP_PIPES,
	IPC_GROUP_SOCKETS,
	IPC_GROUP_SIGNALS,
	IPC_GROUP_QUEUES,
	IPC_GROUP_MEMORY, /* shared by both ends */
	IPC_GROUP_LIBRARIES,
};
#define IPC_GROUP_COUNT 7

/* A kernel object that the mechanism uses, and the command that shows it (PID stands for a
 * process). */
struct ipc_object {
	const char *what;
	const char *show;
};

/* The const part of a mechanism, for `list` and `explain`. Arrays end with a NULL entry. */
struct ipc_info {
	const char *name;
	const char *title;
	const char *summary; /* one sentence */
	enum ipc_group group;
	unsigned capabilities; /* of enum ipc_capability */
	size_t record_limit;   /* bytes */
	bool shared_memory;    /* records lie in memory that both ends map */
	struct ipc_object objects[6];
	const char *syscalls[20]; /* that its file makes itself */
	const char *man[12];
};

/* One live figure of this machine, as `explain` prints it. */
struct ipc_limit {
	char name[48];
	char value[64];
	char source[64]; /* where it was read: a /proc file, fcntl(F_GETPIPE_SZ), getrlimit(2) */
};

struct ipc_module; /* a mechanism from outside, see <ipcdemo/backend.h> */

/*
 * A mechanism by its place in the registry, or by its name. NULL: past the end, or unknown.
 * First those of the build, in the order of its list; then those that ipc_register added. A
 * mechanism left out of the build is none of these: ipc_missing_at names it.
 */
const struct ipc_info *ipc_info_at(size_t index);
const struct ipc_info *ipc_info_find(const char *name);
/* A mechanism that was left out of the build: its name, and *REASON. NULL past the end. */
const char *ipc_missing_at(size_t index, const char **reason);
/* The card at the top of the mechanism's source file, or NULL. */
const char *ipc_card(const char *name);
/* The word for a capability: "BOUNDARIES" for bit 0 and so on. NULL past the end. */
const char *ipc_capability_name(unsigned bit);
/* "pipes", "sockets" and so on; NULL past the end. */
const char *ipc_group_name(unsigned group);

/*
 * Adds a mechanism from outside, for this process and those that it forks. Returns its index for
 * ipc_info_at; it is found by its name from then on. Any thread may call this at any time. MODULE
 * is what IPC_MODULE of <ipcdemo/backend.h> defines; it stays borrowed until the process ends.
 * Errors:
 *  -ENOEXEC: it was made for another version of the contract
 *  -EINVAL: an operation is missing, or the name is none
 *  -EEXIST: the name is taken
 *  -ENOSPC: IPC_MODULES_MAX are there already
 */
int ipc_register(const struct ipc_module *module);
#define IPC_MODULES_MAX 16

/*
 * Asks whether NAME can be used here and now. 0, else -errno with the reason as one clause in
 * REASON (always terminated), such as "no room for a signal: raise ulimit -i".
 * Errors:
 *  -ENOENT: there is no such mechanism
 *  others: what the mechanism met
 */
int ipc_probe(const char *name, char *reason, size_t size);

/*
 * Fills LIMITS with up to CAP figures of this machine; returns how many.
 * Errors:
 *  -ENOENT: there is no such mechanism
 */
int ipc_limits(const char *name, struct ipc_limit *limits, size_t cap);

/*
 * How many descriptors the hub of one session will hold for SLOTS slots, at most (with accept_fds
 * one more for each slot). So a caller can raise or check RLIMIT_NOFILE before the first worker.
 * Errors:
 *  -ENOENT: there is no such mechanism
 */
int ipc_hub_fds(const char *name, unsigned slots);

struct ipc_config {
	enum ipc_direction direction;
	size_t record_size; /* bytes of every record, IPC_RECORD_MIN..record_limit, a multiple of 8
			     */
	unsigned slots;     /* 1..IPC_SLOTS_MAX */
	unsigned depth;     /* records a slot should hold; a hint; 0: the mechanism's own */
	const char *runtime_dir; /* where a mechanism that needs a name may make a private
				    directory; NULL: /tmp. Copied. */
	bool accept_fds;         /* the hub takes descriptors from its slots: ipc_recv_fd */
	bool keep;               /* what slots have sent stays in runtime_dir, a directory for this
				    session alone, until it is read: ipc_recover */
};

/*
 * The other end of a slot. PIDFD is borrowed: keep it open as long as the slot is attached. It
 * becomes readable when the peer has ended: a pidfd, or for a thread an eventfd that the thread
 * writes last. -1: none; then the peer's death shows only over a mechanism with IPC_CAP_EOF.
 */
struct ipc_peer {
	pid_t pid;
	int pidfd;
};

struct ipc;

/*
 * Opens a session of mechanism NAME. The caller is the hub. On failure nothing is left behind.
 * Errors:
 *  -ENOENT: there is no such mechanism
 *  -EINVAL: a figure of CONFIG is out of range
 *  -EMSGSIZE: a record would be over the mechanism's limit
 *  -EOPNOTSUPP: accept_fds without IPC_CAP_PASS_FD, or keep without IPC_CAP_KEEPS
 *  -EBUSY: another hub keeps its slots there (keep)
 *  -ENOMEM, -EMFILE: memory is short; RLIMIT_NOFILE is reached
 *  others: what the mechanism met
 */
int ipc_open(struct ipc **session, const char *name, const struct ipc_config *config);

/*
 * Makes SLOT's pipe, socket pair or ring. The hub calls it before the fork of that slot's process,
 * also of a replacement. A record of an earlier owner is never seen by the next.
 * Errors:
 *  -EBUSY: SLOT is still attached
 *  -EEXIST: an earlier session has left records of SLOT (keep): ipc_recover comes first
 *  -EINVAL: there is no such slot, or this process is not the hub
 *  others: what the mechanism met
 */
int ipc_arm(struct ipc *session, unsigned slot);

/*
 * Takes up SLOT where an earlier session has left it, whose processes were all killed. The hub,
 * instead of ipc_arm, of a session with the same figures and the same runtime_dir, and keep as
 * that one. ipc_recv with IPC_NOWAIT then returns what was sent and not read, and -EAGAIN when
 * there is no more; ipc_detach frees the slot. What counts as read: all that ipc_recv had returned
 * before the hub's next call on that session, so the last records of all may come once more. It
 * holds for a crash of the processes; after one of the machine there is what the kernel had
 * written (msync(2)).
 * Errors:
 *  -ENOENT: nothing was left of this slot
 *  -EINVAL: what is there was left by a session with other figures; or there is no such slot
 *  -EBUSY: SLOT is armed already
 *  -EOPNOTSUPP: the session was opened without keep
 *  others: what the mechanism met
 */
int ipc_recover(struct ipc *session, unsigned slot);

/*
 * Takes one end of SLOT. Called after the fork, once in each process. The slot's process drops
 * whatever it inherited but its own end; PEER is the hub there. The hub drops the slot's end and
 * learns the PEER. After an error other than -EINVAL SLOT is good for ipc_detach only.
 * Errors:
 *  -EINVAL: SLOT is not armed, or this process is no hub (any more)
 *  -ENOMEM, -EMFILE: memory is short; RLIMIT_NOFILE is reached
 *  others: what the mechanism met
 */
int ipc_attach(struct ipc *session, unsigned slot, enum ipc_role role, const struct ipc_peer *peer);

/*
 * A ticket lets somebody take a slot who did not inherit the session by a fork: a program that was
 * executed, or a thread. It is a line of text, for instance for the command line, and the
 * descriptors that the text names by number. The descriptors are close-on-exec.
 */
#define IPC_TICKET_FDS   4
#define IPC_TICKET_WORDS 3
struct ipc_ticket {
	char text[256];
	int fds[IPC_TICKET_FDS];          /* -1: none */
	uint64_t words[IPC_TICKET_WORDS]; /* the mechanism's own; TEXT has them, too */
};

/*
 * Makes a ticket to SLOT. The hub, instead of ipc_arm (IPC_CAP_JOIN): arms SLOT and moves its end
 * into TICKET. Then
 *  - for a process: start it so that it inherits ticket->fds under their numbers (clear
 *    FD_CLOEXEC in the child, between fork and exec), ipc_attach(IPC_HUB), ipc_ticket_close;
 *  - for a thread (IPC_CAP_THREADS): ipc_attach(IPC_HUB), with the own pid in PEER, and give the
 *    thread the text. ipc_join takes the descriptors over: no ipc_ticket_close then.
 * Errors: those of ipc_arm, and
 *  -ENOTSUP: the mechanism cannot
 */
int ipc_ticket(struct ipc *session, unsigned slot, struct ipc_ticket *ticket);

/* Closes the descriptors of a ticket that this process has given to another, or does not use. */
void ipc_ticket_close(struct ipc_ticket *ticket);

/*
 * Takes a slot with a ticket: makes a session whose only slot, *SLOT, is the ticket's. It is like
 * the one of a forked process after ipc_attach(IPC_SLOT), and is closed alike. HUB as in
 * ipc_attach.
 * The text is trusted. On success the descriptors belong to the session, on failure to the caller.
 * Errors:
 *  -EINVAL: TEXT is no ticket
 *  -ENOENT: it is for a mechanism that this build lacks
 *  -EBADF: a descriptor was not inherited
 *  -ENOMEM: memory is short
 *  others: what the mechanism met
 */
int ipc_join(struct ipc **session, const char *text, const struct ipc_peer *hub, unsigned *slot);

/* How later calls without IPC_NOWAIT wait. IPC_BLOCK at first. */
void ipc_set_strategy(struct ipc *session, enum ipc_strategy strategy);

/*
 * Sends records, on the sending side. Takes N whole records or fewer, never a part, in order;
 * returns how many (at least 1). A slot's process names its own slot. Waits for room for the first
 * only. RECORDS is the caller's again on return. No SIGPIPE.
 * Errors:
 *  -EAGAIN: full, and FLAGS have IPC_NOWAIT
 *  -EPIPE: the peer is gone
 *  -EINVAL: N is 0, SLOT is not attached, or this side receives
 */
ssize_t ipc_send(struct ipc *session, unsigned slot, const void *records, size_t n, unsigned flags);

/*
 * Sends all N records, by ipc_send until none is left. 0 or -errno.
 * Errors: those of ipc_send, which waits here
 *  -EPIPE: the peer is gone; some of RECORDS may have been sent
 *  -EINVAL: SLOT is not attached, or this side receives
 */
int ipc_send_all(struct ipc *session, unsigned slot, const void *records, size_t n);

/*
 * Receives records, on the receiving side. Up to CAP whole records of one slot, fair between
 * slots; *SLOT is theirs. Returns how many; 0: the sender of *SLOT has ended and all that it sent
 * was read (told once). A hub with several slots over a mechanism without IPC_CAP_EOF never gets 0:
 * watch a pidfd there.
 * Errors:
 *  -EAGAIN: nothing is there, and FLAGS have IPC_NOWAIT
 *  -EPROTO: *SLOT sent what is no record: kill it
 *  -EINVAL: CAP is 0, or this side sends
 */
ssize_t ipc_recv(struct ipc *session, unsigned *slot, void *records, size_t cap, unsigned flags);

/*
 * Sends one record, and with it descriptor FD (IPC_CAP_PASS_FD). FD stays the caller's, who may
 * close it at once; what travels is a reference to its open file, as by dup(2). The kernel drops
 * that reference if nobody receives it: when the record is taken by ipc_recv, when either side has
 * died or let go of the slot. Waits as ipc_send does. 0 or -errno.
 * Errors: those of ipc_send, and
 *  -EOPNOTSUPP: the mechanism cannot
 *  -EBADF: FD is no descriptor
 *  -EPERM: the hub takes none (accept_fds). Before Linux 6.16 the record goes without it
 *  -ETOOMANYREFS: so many of this user's descriptors are on their way as RLIMIT_NOFILE allows
 *   (unix(7)). Nothing was sent, and the call does not wait for the receiver
 */
int ipc_send_fd(struct ipc *session, unsigned slot, const void *record, int fd, unsigned flags);

/*
 * Receives one record as ipc_recv does, and into *FD the descriptor that came with it. That one is
 * the caller's from then on, and close-on-exec; its offset and status flags are shared with
 * whoever else has the file open. *FD is -1: none came; -EMFILE: one came, but this process has as
 * many as RLIMIT_NOFILE allows, and it is lost. Check what you get: a hostile slot may send any
 * file, a terminal or a FIFO on which read(2) waits for ever. A slot's process gets descriptors
 * from its hub alone.
 * Errors: those of ipc_recv, and
 *  -EPROTO: also if more than one descriptor came
 *  -EOPNOTSUPP: the mechanism cannot
 *  -EPERM: the hub was opened without accept_fds
 */
ssize_t ipc_recv_fd(struct ipc *session, unsigned *slot, void *record, int *fd, unsigned flags);

/*
 * Waits until ipc_recv or ipc_send may succeed. At most TIMEOUT_NS (-1: for ever). 1 ready (or the
 * peer of a one-slot side is dead: the next call says so), 0 timeout.
 * Errors:
 *  -ENOTCONN: the end of the only peer was told already
 *  -ENOMEM: memory is short
 *  others: what the mechanism met
 */
int ipc_wait(struct ipc *session, int64_t timeout_ns);

/*
 * One descriptor for the caller's own event loop, whatever the number of slots: readable (or as
 * *EVENTS says, as for poll(2)) when the session may go on. Drain to -EAGAIN, then call this
 * before EACH sleep: for some mechanisms the call itself announces the sleep.
 * Errors:
 *  -EAGAIN: do not sleep, there is something already
 *  -ENOTSUP: none in this direction; use ipc_wait with a short timeout
 */
int ipc_pollfd(struct ipc *session, short *events);

/* Releases SLOT on this side. In the hub the slot may then be armed again. */
void ipc_detach(struct ipc *session, unsigned slot);

/* Frees the session. Only the opener's process removes what has a name. NULL is allowed. */
void ipc_close(struct ipc *session);

/* A system call, as in syscalls(2); bit N of FIXED: argument N is args[N], and nothing else. */
struct ipc_call {
	const char *name;
	unsigned fixed;
	uint64_t args[2];
};
#define IPC_CALLS_MAX 16

/*
 * For a sandbox around a slot's process (seccomp(2)): the system calls that the mechanism makes
 * there from ipc_attach or ipc_join until after ipc_close. HUB as the slot gets it. Returns how
 * many. They are the same for all slots of a session, so the hub can ask before it forks.
 */
size_t ipc_slot_calls(const struct ipc *session, const struct ipc_peer *hub,
		      struct ipc_call calls[IPC_CALLS_MAX]);

/* Counts the system calls of this process in the session. UINT64_MAX where a library hides them. */
uint64_t ipc_syscalls(const struct ipc *session);

/* The mechanism of an open session. */
const struct ipc_info *ipc_session_info(const struct ipc *session);

/* The version of the library that runs; IPC_VERSION is that of the compilation. */
const char *ipc_version(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
