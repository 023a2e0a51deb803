/* SPDX-License-Identifier: MIT */
/*
 * sandbox.h - what the process of a worker may do: a worker parses bytes from the network, so it is
 * taken for hostile from its first one on.
 *
 * The parent prepares it once (sandbox_open): a Landlock ruleset says which files may be opened, a
 * seccomp filter which system calls may be made. Both are descriptors, so that a worker, forked or
 * executed anew, only has to enter them: three system calls. It does so in two steps:
 *
 *	sandbox_enter_files   before anything starts a thread: Landlock confines the calling
 *	                      thread and those that it starts, never one that is there already
 *	(the slots are taken here, and with them perhaps a library's threads begin)
 *	sandbox_enter_calls   for all threads at once, before the first byte from the network:
 *	                      what a mechanism needs only to attach is not allowed any more
 *
 * A call that no honest worker makes (execve, ptrace, kill, ...) is a violation. The kernel holds
 * the thread and tells the parent, which kills the process and can say what it tried: the number
 * comes from the kernel, so not even a hostile worker can hide or change it. A call that is merely
 * not needed fails with ENOSYS, as on an older kernel: a C library or a name service module of
 * another system, which tries what ours do not, then goes another way and no download breaks.
 */
#ifndef IPCDEMO_SANDBOX_H
#define IPCDEMO_SANDBOX_H

#include "download/fetch.h"
#include "download/job_list.h"
#include "ipc/ipc.h"

#include <stdbool.h>

enum sandbox_mode { SANDBOX_OFF, SANDBOX_AUTO, SANDBOX_REQUIRE };

/* The words of enum sandbox_mode, in its order; ends with NULL. */
extern const char *const sandbox_modes[];
/* The word that holds unless the user says another. */
#define SANDBOX_DEFAULT IPCDEMO_SANDBOX_DEFAULT

/* What the workers of a batch are to do. Borrowed. */
struct sandbox_plan {
	struct output_dirs dirs; /* where they write, and nowhere else */
	const struct fetch_settings *fetch;
	const struct job_list *jobs; /* those that are file: URLs may be read; NULL: none */
	const struct ipc *events;    /* the session in which they send */
	struct ipc_peer hub;
};

struct sandbox {
	int ruleset, filter; /* descriptors; -1: there is none */
	bool notify;         /* the kernel tells the parent which call was a violation */
	bool dumpable;       /* the mechanism's hub reads the memory of workers */
	uint64_t max_size;   /* of a file; FETCH_SIZE_UNKNOWN: no limit */
};

#define SANDBOX_NONE ((struct sandbox){ .ruleset = -1, .filter = -1 })

/*
 * Prepares what this machine has, and tries it in a process that ends at once. WHY gets one clause
 * about what it does not have, "" if that is nothing. 0 or -errno; main thread only, see spawn.h.
 */
int sandbox_open(struct sandbox *sandbox, const struct sandbox_plan *plan, char *why, size_t size);
void sandbox_close(struct sandbox *sandbox);

static inline bool sandbox_is_on(const struct sandbox *sandbox)
{
	return sandbox->ruleset >= 0 || sandbox->filter >= 0;
}

/* As words, for a worker that is executed: its descriptors and REPORT keep their numbers. */
void sandbox_print(const struct sandbox *sandbox, int report, char *buf, size_t size);
bool sandbox_scan(struct sandbox *sandbox, int *report, const char *text);

/* In the worker. 0 or -errno: it must not go on then. */
int sandbox_enter_files(const struct sandbox *sandbox);

/* In the worker, which serves THREADS slots. REPORT is its end of a socket pair, closed then. */
int sandbox_enter_calls(const struct sandbox *sandbox, unsigned threads, int report);

/* In the parent: the listener that a worker sent through REPORT; -errno, -EPIPE: it has ended. */
int sandbox_receive_listener(int report);

/*
 * In the parent: what LISTENER tells of process PID. The number of the system call that is a
 * violation; -EAGAIN: none after all; -EPIPE: the process has ended.
 */
int sandbox_next_violation(int listener, pid_t pid);

/*
 * For people: the kernel's version of Landlock, or -errno; and how many calls are violations
 * whatever their arguments.
 */
int sandbox_landlock_abi(void);
unsigned sandbox_forbidden_count(void);

/* The name of system call NUMBER on this machine. Returns BUF. */
char *sandbox_call_name(int number, char *buf, size_t size);

#endif
