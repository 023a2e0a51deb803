/* SPDX-License-Identifier: MIT */
/*
 * ipc.h - fixed-size records between a hub and its numbered slots, over a mechanism chosen by name.
 * A program that uses libipc includes this header only.
 *
 * A session is one open use of a mechanism. It has one hub (the process that opened it), 1..N slots
 * (one for each other process), and one direction, fixed at open. A downloader has two sessions,
 * however many workers it has: events go to the hub, commands come from it.
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
 * Both processes use their own copy of the session, made by the fork; they share only what the
 * mechanism shares. At most one thread may use a session at a time.
 *
 * Every function returns 0 or a count, else -errno. The library does not print, exit or read the
 * environment, and keeps no state outside the session.
 *
 * A session changes neither the signal dispositions, the signal mask nor the limits of its process.
 * It never raises SIGPIPE, so the program need not ignore it. (Ignoring it saves time over `pipe`
 * before Linux 6.18: core/pipe_io.h explains why.) The one exception is `signal`: it reserves one
 * real-time signal, which is blocked from ipc_open to ipc_close. Open it before the first thread
 * starts, and end its slots' processes before ipc_close.
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
#define IPC_RECORD_MIN 8u    /* bytes; the most is the mechanism's record_limit */
#define IPC_NOWAIT     1u    /* flag: return -EAGAIN instead of waiting */

enum ipc_direction {
	IPC_TO_HUB,   /* slots send, the hub receives: events */
	IPC_FROM_HUB, /* the hub sends, slots receive: commands */
};

enum ipc_role { IPC_HUB, IPC_SLOT };

/* How a call without IPC_NOWAIT waits. Every mechanism can wait in all four ways. */
enum ipc_strategy {
	IPC_BLOCK,    /* in the mechanism's own blocking call */
	IPC_POLL,     /* in ppoll on the session's descriptor, then without waiting */
	IPC_SPIN,     /* never sleeps: only where both ends have a CPU of their own */
	IPC_ADAPTIVE, /* tries for some 50 us, then blocks; stops trying where that does not pay */
};

/* What a mechanism promises. ipc_capability_name() gives the words. */
enum ipc_capability {
	IPC_CAP_BOUNDARIES = 1 << 0,   /* the kernel keeps records apart */
	IPC_CAP_EOF = 1 << 1,          /* the receiver sees that the sender is gone */
	IPC_CAP_POLLABLE = 1 << 2,     /* has a descriptor for poll(2) and epoll(7): ipc_pollfd */
	IPC_CAP_TRUSTED_SLOT = 1 << 3, /* the slot of a record cannot be forged by another slot */
	IPC_CAP_DURABLE = 1 << 4,      /* a record that was sent survives the sender's SIGKILL */
	IPC_CAP_NAMED = 1 << 5,        /* a hub killed outside of open and arm leaves a name */
	IPC_CAP_CROSS_HOST = 1 << 6,   /* can reach another host */
	IPC_CAP_JOIN = 1 << 7,         /* a slot may be taken with a ticket: ipc_join */
	IPC_CAP_THREADS = 1 << 8,      /* ... also by a thread of the hub's own process */
	IPC_CAP_FAIR = 1 << 9,         /* a queue per slot: one that is flooded delays no other */
	IPC_CAP_TRUSTING = 1 << 10,    /* the holder of a slot or of its ticket can crash the hub */
	IPC_CAP_PASS_FD = 1 << 11,     /* a record may carry a descriptor: ipc_send_fd */
	IPC_CAP_KEEPS = 1 << 12,       /* records can outlive all processes: ipc_recover */
	IPC_CAP_RESTRICTED = 1 << 13,  /* hardened systems, as containers, often forbid its calls */
};
#define IPC_CAP_COUNT 14

/* What a mechanism is related to. ipc_group_name() gives the words. */
enum ipc_group {
	IPC_GROUP_OTHER,
	IPC_GROUP_PIPES,
	IPC_GROUP_SOCKETS,
	IPC_GROUP_SIGNALS,
	IPC_GROUP_QUEUES,
	IPC_GROUP_MEMORY, /* mapped by both ends */
	IPC_GROUP_LIBRARIES,
};
#define IPC_GROUP_COUNT 7

/* A kernel object that the mechanism uses, and the command that shows it (PID stands for a
 * process). */
struct ipc_object {
	const char *what;
	const char *show;
};

/* A mechanism's description, for `list` and `explain`. Arrays end with a NULL entry. */
struct ipc_info {
	const char *name;
	const char *title;
	const char *summary; /* one sentence */
	enum ipc_group group;
	unsigned capabilities; /* of enum ipc_capability */
	size_t record_limit;   /* bytes */
	bool shared_memory;    /* records lie in memory that both ends map */
	struct ipc_object objects[6];
	const char *syscalls[20]; /* the system calls in its own file */
	const char *man[12];
};

/* One live figure of this machine, as `explain` prints it. */
struct ipc_limit {
	char name[48];
	char value[64];
	char source[64]; /* where it was read: a /proc file, fcntl(F_GETPIPE_SZ), getrlimit(2) */
};

struct ipc_module; /* a mechanism outside the library, see <ipcdemo/backend.h> */

/*
 * A mechanism by its index in the registry, or by its name. NULL: past the end, or unknown. The
 * mechanisms of the build come first, in the order of its list, then those that ipc_register has
 * added. One that was left out of the build is not among them: ipc_missing_at names it.
 */
const struct ipc_info *ipc_info_at(size_t index);
const struct ipc_info *ipc_info_find(const char *name);
/* A mechanism that was left out of the build: its name, and *REASON. NULL past the end. */
const char *ipc_missing_at(size_t index, const char **reason);
/* The card at the top of the mechanism's source file, or NULL. */
const char *ipc_card(const char *name);
/* The name of a capability bit: "BOUNDARIES" for bit 0 and so on. NULL past the end. */
const char *ipc_capability_name(unsigned bit);
/* "pipes", "sockets" and so on; NULL past the end. */
const char *ipc_group_name(unsigned group);

/*
 * Adds a mechanism from outside the library, for this process and its later children. Returns its
 * index for ipc_info_at; from then on it can be used by its name. Any thread may call this at any
 * time. MODULE is defined by IPC_MODULE of <ipcdemo/backend.h> and must stay valid until the
 * process ends.
 * Errors:
 *  -ENOEXEC: MODULE was compiled for another version of the contract
 *  -EINVAL: an operation is missing, or the name is not usable
 *  -EEXIST: the name is taken
 *  -ENOSPC: IPC_MODULES_MAX were added already
 */
int ipc_register(const struct ipc_module *module);
#define IPC_MODULES_MAX 16

/*
 * Checks whether this process can use NAME now. 0, else -errno with the reason as one clause in
 * REASON (always NUL-terminated), such as "no room for a signal: raise ulimit -i".
 * Errors:
 *  -ENOENT: there is no such mechanism
 *  others: what the mechanism met
 */
int ipc_probe(const char *name, char *reason, size_t size);

/*
 * Stores up to CAP of the mechanism's limits on this machine in LIMITS; returns how many.
 * Errors:
 *  -ENOENT: there is no such mechanism
 */
int ipc_limits(const char *name, struct ipc_limit *limits, size_t cap);

/*
 * The most descriptors that the hub of one session holds for SLOTS slots (with accept_fds one more
 * for each slot). With it a caller can check or raise RLIMIT_NOFILE before it starts the first
 * worker.
 * Errors:
 *  -ENOENT: there is no such mechanism
 */
int ipc_hub_fds(const char *name, unsigned slots);

struct ipc_config {
	enum ipc_direction direction;
	size_t record_size; /* bytes of every record, IPC_RECORD_MIN..record_limit, a multiple of 8
			     */
	unsigned slots;     /* 1..IPC_SLOTS_MAX */
	unsigned depth;     /* records that a slot should hold; a hint; 0: the mechanism's choice */
	const char *runtime_dir; /* where a mechanism that needs a name makes a private
				    directory; NULL: /tmp. Copied. */
	bool accept_fds;         /* the hub takes descriptors from its slots: ipc_recv_fd */
	bool keep;               /* records stay in runtime_dir, a directory for this session
				    alone, until they are read: ipc_recover */
	const char *listen;      /* one of this host's own IPv4 addresses, "192.0.2.1": processes
				    that reach it may take slots, with tickets (IPC_CAP_CROSS_HOST).
				    NULL: none from outside. Copied. */
	unsigned peer_timeout;   /* with listen: seconds, 0: 60. A peer from which nothing comes for
				    so long counts as dead, see ipc_ticket */
};
#define IPC_PEER_TIMEOUT_MAX 65535u

/*
 * The other end of a slot. PIDFD becomes readable when the peer has ended: a pidfd, or for a thread
 * an eventfd that the thread writes last. It is borrowed: keep it open as long as the slot is
 * attached. -1: none; then only a mechanism with IPC_CAP_EOF notices the peer's death.
 */
struct ipc_peer {
	pid_t pid;
	int pidfd;
};

struct ipc;

/*
 * Opens a session of mechanism NAME, with the caller as its hub. Leaves nothing behind on failure.
 * Errors:
 *  -ENOENT: there is no such mechanism
 *  -EINVAL: a value of CONFIG is out of range
 *  -EMSGSIZE: record_size exceeds the mechanism's record_limit
 *  -EOPNOTSUPP: accept_fds without IPC_CAP_PASS_FD, keep without IPC_CAP_KEEPS, or listen without
 *   IPC_CAP_CROSS_HOST
 *  -EBUSY: another hub uses runtime_dir (keep)
 *  -ENOMEM, -EMFILE: memory is short; RLIMIT_NOFILE is reached
 *  others: what the mechanism met
 */
int ipc_open(struct ipc **session, const char *name, const struct ipc_config *config);

/*
 * Makes SLOT's pipe, socket pair or ring. The hub calls it before it forks that slot's process, and
 * again before each replacement. The new process never sees a record of an earlier one.
 * Errors:
 *  -EBUSY: SLOT is still attached
 *  -EEXIST: an earlier session has left records of SLOT (keep): ipc_recover comes first
 *  -EINVAL: there is no such slot, or this process is not the hub
 *  others: what the mechanism met
 */
int ipc_arm(struct ipc *session, unsigned slot);

/*
 * Takes over the records of SLOT from an earlier session whose processes were all killed. The hub
 * calls it instead of ipc_arm, in a session with keep, the same runtime_dir and the same sizes as
 * the earlier one. ipc_recv with IPC_NOWAIT then returns the records that were sent and not read,
 * and -EAGAIN when there are no more; ipc_detach frees the slot. A record counts as read from the
 * earlier hub's next call on that session after the ipc_recv that returned it, so the last records
 * may come twice. All this holds after a crash of the processes; after a crash of the machine there
 * is only what the kernel had written (msync(2)).
 * Errors:
 *  -ENOENT: there is nothing of this slot
 *  -EINVAL: the earlier session had other sizes; or there is no such slot
 *  -EBUSY: SLOT is armed already
 *  -EOPNOTSUPP: the session was opened without keep
 *  others: what the mechanism met
 */
int ipc_recover(struct ipc *session, unsigned slot);

/*
 * Takes one end of SLOT. Call it once in each process, after the fork. The slot's process closes
 * everything that it inherited but its own end; its PEER is the hub. The hub closes the slot's end;
 * its PEER is the slot's process. After an error other than -EINVAL only ipc_detach may be called
 * on SLOT.
 * Errors:
 *  -EINVAL: SLOT is not armed, or this process is not (or no longer) the hub
 *  -ENOMEM, -EMFILE: memory is short; RLIMIT_NOFILE is reached
 *  others: what the mechanism met
 */
int ipc_attach(struct ipc *session, unsigned slot, enum ipc_role role, const struct ipc_peer *peer);

/*
 * A ticket lets an executed program or a thread take a slot although it has not inherited the
 * session by a fork. It consists of a line of text, to be passed on the command line for instance,
 * and of the descriptors that the text names by number. The descriptors are close-on-exec.
 */
#define IPC_TICKET_FDS   4
#define IPC_TICKET_WORDS 3
struct ipc_ticket {
	char text[256];
	int fds[IPC_TICKET_FDS];          /* -1: none */
	uint64_t words[IPC_TICKET_WORDS]; /* the mechanism's own values; also in TEXT */
};

/*
 * Makes a ticket to SLOT (IPC_CAP_JOIN). The hub calls it instead of ipc_arm: it arms SLOT and
 * moves the slot's end into TICKET. Then
 *  - for a process: start it so that it inherits ticket->fds under their numbers (clear
 *    FD_CLOEXEC in the child, between fork and exec), ipc_attach(IPC_HUB), ipc_ticket_close;
 *  - for a thread (IPC_CAP_THREADS): ipc_attach(IPC_HUB), with the own pid in PEER, and give the
 *    thread the text. ipc_join takes the descriptors over: no ipc_ticket_close then.
 * Of a session with an address to listen on (IPC_CAP_CROSS_HOST) the ticket has no descriptor: its
 * text, brought to any host, is all that it takes.
 *  - It is a secret. Whoever reads it first, also as it is spoken on the network in ipc_join, may
 *    take the slot. No argument of a command line: proc(5) shows those to everybody.
 *  - ipc_attach(IPC_HUB) with .pidfd = -1. The slot's process comes when it comes: until then
 *    nothing is received, and a send finds the slot full. One that never comes is not told: give it
 *    up by a clock of your own (ipc_wait, ipc_detach). A wrong secret keeps no place.
 *  - After that the network tells that the peer is dead. A host that has vanished tells nothing: it
 *    is asked, and given up after the session's peer_timeout and a quarter of that, on both
 *    sides. A receiver that lives, but takes nothing for so long while its sender waits for room,
 *    is given up too.
 * Errors: those of ipc_arm, and
 *  -ENOTSUP: the mechanism cannot
 *  -EADDRNOTAVAIL: this host has no such address (listen)
 */
int ipc_ticket(struct ipc *session, unsigned slot, struct ipc_ticket *ticket);

/*
 * Writes the text of TICKET anew for descriptors that have got other numbers, in ticket->fds: they
 * came over a socket (SCM_RIGHTS).
 * Errors:
 *  -EINVAL: the text is not a ticket
 */
int ipc_ticket_moved(struct ipc_ticket *ticket);

/* Closes the descriptors of a ticket that another process has inherited, or that is not used. */
void ipc_ticket_close(struct ipc_ticket *ticket);

/*
 * Takes a slot with a ticket: makes a session whose only slot, *SLOT, is the ticket's. It is used
 * and closed as the session of a forked process after ipc_attach(IPC_SLOT). HUB is the peer, as in
 * ipc_attach. TEXT is trusted. On success the descriptors belong to the session, on failure to the
 * caller.
 * Errors:
 *  -EINVAL: TEXT is not a ticket
 *  -ENOENT: this build lacks the ticket's mechanism
 *  -EBADF: a descriptor was not inherited
 *  -ENOMEM: memory is short
 *  -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH ...: the hub of another host cannot be reached (its
 *   refusal of a wrong secret is told later, as its death)
 *  others: what the mechanism met
 */
int ipc_join(struct ipc **session, const char *text, const struct ipc_peer *hub, unsigned *slot);

/* Sets how later calls without IPC_NOWAIT wait. A new session has IPC_BLOCK. */
void ipc_set_strategy(struct ipc *session, enum ipc_strategy strategy);

/*
 * Sends up to N records, in order and whole; returns how many (at least 1). A slot's process names
 * its own slot. Waits for room for the first record only. Does not keep RECORDS. No SIGPIPE.
 * Errors:
 *  -EAGAIN: full, and FLAGS have IPC_NOWAIT
 *  -EPIPE: the peer is gone
 *  -EINVAL: N is 0, SLOT is not attached, or this is the receiving side
 */
ssize_t ipc_send(struct ipc *session, unsigned slot, const void *records, size_t n, unsigned flags);

/*
 * Sends all N records, calling ipc_send until none is left. 0 or -errno.
 * Errors: those of ipc_send, which waits here
 *  -EPIPE: the peer is gone; some of RECORDS may have been sent
 *  -EINVAL: SLOT is not attached, or this side receives
 */
int ipc_send_all(struct ipc *session, unsigned slot, const void *records, size_t n);

/*
 * Receives up to CAP whole records of one slot, *SLOT; takes turns between slots. Returns how many;
 * 0: the sender of *SLOT has ended and all that it sent was read (reported once). A hub with
 * several slots over a mechanism without IPC_CAP_EOF never gets 0: watch a pidfd there.
 * Errors:
 *  -EAGAIN: there is no record, and FLAGS have IPC_NOWAIT
 *  -EPROTO: *SLOT sent something that is not a record: kill its process
 *  -EINVAL: CAP is 0, or this is the sending side
 */
ssize_t ipc_recv(struct ipc *session, unsigned *slot, void *records, size_t cap, unsigned flags);

/*
 * Sends one record, and descriptor FD with it (IPC_CAP_PASS_FD). The receiver gets a duplicate, as
 * by dup(2); FD stays the caller's, who may close it at once. The kernel drops the duplicate if
 * nobody receives it: when ipc_recv takes the record, or when either side has died or detached the
 * slot. Waits as ipc_send does. 0 or -errno.
 * Errors: those of ipc_send, and
 *  -EOPNOTSUPP: the mechanism cannot
 *  -EBADF: FD is not an open descriptor
 *  -EPERM: the hub does not accept any (accept_fds). Before Linux 6.16 the record is sent without
 *   FD
 *  -ETOOMANYREFS: as many of this user's descriptors are under way as RLIMIT_NOFILE allows
 *   (unix(7)). Nothing was sent, and the call does not wait for the receiver
 */
int ipc_send_fd(struct ipc *session, unsigned slot, const void *record, int fd, unsigned flags);

/*
 * Receives one record as ipc_recv does, and stores the descriptor that came with it in *FD. The
 * caller owns that descriptor, which is close-on-exec; other descriptors of the same open file
 * share its offset and status flags. *FD is -1: none came; -EMFILE: one came, but was lost, because
 * this process has as many as RLIMIT_NOFILE allows. Check what you get: a hostile slot may send any
 * file, for instance a FIFO on which read(2) waits for ever. A slot's process gets descriptors from
 * its hub only.
 * Errors: those of ipc_recv, and
 *  -EPROTO: also if more than one descriptor came
 *  -EOPNOTSUPP: the mechanism cannot
 *  -EPERM: the hub was opened without accept_fds
 */
ssize_t ipc_recv_fd(struct ipc *session, unsigned *slot, void *record, int *fd, unsigned flags);

/*
 * Waits until ipc_recv or ipc_send may succeed, at most TIMEOUT_NS (-1: for ever). 1: ready, or the
 * only peer is dead, which the next call reports, or a slot's process has come by the network,
 * which the next call takes in; 0: timeout.
 * Errors:
 *  -ENOTCONN: the end of the only peer was reported already
 *  -ENOMEM: memory is short
 *  others: what the mechanism met
 */
int ipc_wait(struct ipc *session, int64_t timeout_ns);

/*
 * The session's descriptor for the caller's own event loop, one for all slots. When it is ready for
 * *EVENTS (as for poll(2)), ipc_recv or ipc_send may succeed. Call it before EACH sleep, after a
 * call has returned -EAGAIN: for some mechanisms this call announces the sleep.
 * Errors:
 *  -EAGAIN: do not sleep, there is something to do already
 *  -ENOTSUP: there is none in this direction; use ipc_wait with a short timeout
 */
int ipc_pollfd(struct ipc *session, short *events);

/* Releases SLOT on this side. In the hub the slot may then be armed again. */
void ipc_detach(struct ipc *session, unsigned slot);

/* Frees the session. Names are removed in the process that opened it only. NULL is allowed. */
void ipc_close(struct ipc *session);

/* A system call, as in syscalls(2); bit N of FIXED: argument N is always args[N]. */
struct ipc_call {
	const char *name;
	unsigned fixed;
	uint64_t args[2];
};
#define IPC_CALLS_MAX 16

/*
 * For a sandbox around a slot's process (seccomp(2)): stores the system calls that the mechanism
 * makes there from ipc_attach or ipc_join until after ipc_close; returns how many. HUB is the
 * slot's peer. All slots of a session make the same calls, so the hub can ask before it forks.
 */
size_t ipc_slot_calls(const struct ipc *session, const struct ipc_peer *hub,
		      struct ipc_call calls[IPC_CALLS_MAX]);

/* The system calls that this process has made for the session. UINT64_MAX: a library hides them. */
uint64_t ipc_syscalls(const struct ipc *session);

/* The mechanism of an open session. */
const struct ipc_info *ipc_session_info(const struct ipc *session);

/* The version of the library at run time; IPC_VERSION is the one at compile time. */
const char *ipc_version(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
