/* SPDX-License-Identifier: MIT */
/* concepts.c - see concepts.h: the pages of `ipcdemo explain process` and its like. */
#include "config.h"

#include "commands/concepts.h"

#include <string.h>

static const char process_card[] =
	"What it is: an address space, a table of descriptors, credentials, and at least one\n"
	"  thread that runs in it. The kernel schedules it and takes it down for itself: a\n"
	"  crash, a leak or a kill -9 in one process touches no other.\n"
	"\n"
	"     parent  ----- fork ----->  child\n"
	"       |   <--- IPC: a pipe, a socket, shared memory --->\n"
	"     wait  <--- exit status --- exit\n"
	"\n"
	"Copied: nothing goes on being shared by itself. What two processes want to say to\n"
	"  each other passes through an object of the kernel or a page that both map: that is\n"
	"  IPC.\n"
	"Life cycle: made by fork, changed by exec, ended by exit or a signal. Its number\n"
	"  stays taken, as a zombie, until its parent has waited for it. If the parent dies\n"
	"  first, init waits; nobody tells the child, unless it asked (PR_SET_PDEATHSIG).\n"
	"Costs: a page table, kernel stacks, a switch of address spaces for each turn.\n"
	"Pitfalls: a pid may be another process by the time it is used; a pidfd cannot. A\n"
	"  child keeps every descriptor that nobody closed, and with it the end of a pipe.\n"
	"Use when: one part must survive the death of another, or is not trusted.\n"
	"Avoid when: the parts share large data that they all change.\n";

static const char thread_card[] =
	"What it is: a second flow of control in the same process: one address space, one\n"
	"  table of descriptors, one pid, one death.\n"
	"\n"
	"     process  +-- thread 1: stack, registers, errno, signal mask\n"
	"              +-- thread 2: stack, registers, errno, signal mask\n"
	"              +-- heap, globals, descriptors, dispositions: one for both\n"
	"\n"
	"Shared: memory, descriptors, current directory, signal dispositions, limits.\n"
	"Its own: stack, registers, errno, signal mask, thread-local variables, CPU time.\n"
	"Guarantees: none for data that two touch at once and one of them changes: without a\n"
	"  lock or an atomic that is a data race, and the program means nothing (C11 5.1.2.4).\n"
	"Life cycle: pthread_create, then pthread_join, which gets its result, or detached.\n"
	"  exit in any of them, and any fatal signal, ends all of them.\n"
	"Costs: less than a process to start; no copy to hand over data, but the locks for it,\n"
	"  and cache lines that travel between CPUs.\n"
	"Pitfalls: fork copies the calling thread alone; a lock that another one held stays\n"
	"  locked in the child for ever. So a process that forks workers starts no threads\n"
	"  before.\n"
	"Use when: the parts work on the same data, and trust each other.\n"
	"Avoid when: one must survive the other, or a library keeps global state.\n";

static const char fork_card[] =
	"What it is: a copy of the calling process that goes on from the same line; fork\n"
	"  returns the child's number in the parent, and 0 in the child.\n"
	"\n"
	"     parent: pid = fork() ----+---- goes on, pid > 0\n"
	"                              +---- child goes on, pid == 0, execs or _exits\n"
	"\n"
	"Copied: memory (the page tables at once, a page when one of the two first writes to\n"
	"  it), the table of descriptors, dispositions and mask of signals, directory, limits,\n"
	"  environment, and what stdio has not yet flushed: both will print it.\n"
	"Shared: the open files behind the descriptors (offset and O_NONBLOCK are of the open\n"
	"  file), and every mapping made with MAP_SHARED.\n"
	"Reset: pending signals, timers, record locks of fcntl, CPU times, children. Of\n"
	"  several threads only the calling one is there.\n"
	"Costs: grows with the memory that is mapped, for the page tables; see below.\n"
	"Pitfalls: leave the child with _exit, or atexit handlers and stdio run twice. Flush\n"
	"  before. Close in each what belongs to the other, or no end of file ever comes.\n"
	"  Block signals around it, so that no handler of the parent's runs in the child.\n"
	"Use when: the child does a part of this very program's work.\n"
	"Avoid when: there are threads, or gigabytes of memory: see spawn.\n";

static const char spawn_card[] =
	"What it is: a child that starts a program from the beginning: fork (or vfork, or\n"
	"  posix_spawn) and exec. Nothing of the parent's memory is left in it.\n"
	"\n"
	"     parent: posix_spawn(program, actions, argv, environment)\n"
	"                 +---- child: exec: main(argc, argv)\n"
	"\n"
	"Copied: arguments and environment, as they are given.\n"
	"Inherited: descriptors without close-on-exec, directory, limits, ignored signals, the\n"
	"  mask, credentials. So a worker that is spawned gets its ends as descriptors, and\n"
	"  what else it must know as words.\n"
	"Reset: all memory and mappings, handlers (to the default), threads, locks, timers.\n"
	"Costs: loading and linking a program, each time; but not the parent's memory: vfork\n"
	"  and posix_spawn copy no page table.\n"
	"Pitfalls: what was not marked close-on-exec leaks into the program. A signal that the\n"
	"  parent ignores is ignored there too.\n"
	"Use when: the child must not see the parent's secrets, or the parent is large or has\n"
	"  threads. Python's multiprocessing does so by default on some systems.\n"
	"Avoid when: it would have to be told a lot.\n";

static const char pool_card[] =
	"What it is: a fixed number of workers that take jobs until there are none. Starting a\n"
	"  worker is paid once, not for each job, and never more run at once than were meant\n"
	"  to.\n"
	"\n"
	"     jobs --> [ queue ] --> worker 0 ... worker N-1 --> results\n"
	"\n"
	"How it is here: the parent starts -j workers, each a process with a slot in two\n"
	"  sessions: commands to it, events from it. It always has one job more than it works\n"
	"  on, so that it never waits for the parent. Towards the end jobs are taken back from\n"
	"  who has two.\n"
	"Failure modes: a worker that dies fails one try of one job; the parent learns it from\n"
	"  the pidfd, reads what the worker had sent, and starts another. One that breaks the\n"
	"  protocol is killed.\n"
	"Costs: a worker's memory while it is idle. More workers than CPUs help only as long\n"
	"  as they wait for something else, such as the network.\n"
	"Pitfalls: a worker that leaks does so for ever: --recycle=K replaces it after K jobs;\n"
	"  --recycle=1 is a process per job. Joining workers before their results are read is\n"
	"  a deadlock: they wait for room, you wait for them.\n"
	"Use when: there are more jobs than workers, and they take unequal time.\n"
	"Avoid when: each job needs a clean process anyway.\n";

static const char queue_card[] =
	"What it is: records that wait, in order, between who sends and who receives; the two\n"
	"  need not be ready at the same moment.\n"
	"\n"
	"     sender --> | 3 | 2 | 1 | --> receiver\n"
	"     full: the sender waits or is told    empty: the receiver waits or is told\n"
	"\n"
	"Guarantees: first in, first out for one sender. Between several senders there is no\n"
	"  order but the one in which they got through.\n"
	"Limits: every real queue has an end. Who is told that it is full slows down: that is\n"
	"  back-pressure. One that drops records instead, or grows, only moves the problem.\n"
	"Failure modes: the sender dies - what it sent is there (a pipe, a socket, a ring), or\n"
	"  is not (a library that sends in the background). The receiver dies - EPIPE, or\n"
	"  silence.\n"
	"Costs: a wake-up costs more than a record: see ipcdemo bench, block against adaptive.\n"
	"  So send several at once, and let who is awake look again before it sleeps.\n"
	"Pitfalls: to wait for a process before its queue is read to the end is a deadlock. A\n"
	"  progress report wants the latest value, not every value: it may be left out.\n"
	"Use when: the two sides have their own pace.\n"
	"Avoid when: the answer is needed before anything else can happen: that is a call.\n";

static const char sandbox_card[] =
	"What it is: a process gives up, for good, what it does not need. It parses what the\n"
	"  network sends; whoever takes it over by that can do no more than it may do itself.\n"
	"\n"
	"     parent: a ruleset, a filter        worker: limits, no new privileges\n"
	"       | fork ------------------------> Landlock: which files it may open\n"
	"       |                                (takes its slots)\n"
	"       |  <--- a listener ------------- seccomp: which system calls it may make\n"
	"       |                                the first byte from the network\n"
	"       kills it, names the call <------ execve(): held by the kernel\n"
	"\n"
	"Layers: Landlock sees paths, seccomp sees numbers and registers, and neither what the\n"
	"  other sees. prctl(PR_SET_DUMPABLE) keeps processes of the same user out of its memory.\n"
	"How it is here: files beneath the output directory; to read, what names and\n"
	"  certificates need; any address to connect to, as a redirect may lead anywhere. Each\n"
	"  mechanism says which calls it needs: signal one signal, to the parent alone. What an\n"
	"  honest worker never calls ends it, and the parent says what it was: the kernel has\n"
	"  told it, not the worker. What is merely unusual fails with ENOSYS, and a library\n"
	"  goes another way.\n"
	"Costs: the filter is compiled by the kernel for each process: some 0.1 to 0.2 ms at\n"
	"  its start, and a little for each system call.\n"
	"Limits: threads share their process, so only processes are confined. Within the output\n"
	"  directory a worker may write any file: give it one of its own (-d).\n"
	"Pitfalls: Landlock confines the calling thread and those that it starts, not those that\n"
	"  are there. A filter cannot follow a pointer: a path is only a number to it. fork is\n"
	"  clone, clone is clone3, open is openat is openat2: all of them, or none. gdb and\n"
	"  /proc/PID/fd of a worker need --sandbox=off.\n"
	"Use when: bytes of strangers are parsed.\n"
	"Avoid when: a debugger or a tracer of the same user is to look in.\n";

static const struct concept concepts[] = {
	{ .name = "process",
	  .title = "a program that runs, with memory and descriptors of its own",
	  .card = process_card,
	  .figures = figures_process,
	  .man = { "fork(2)", "wait(2)", "pidfd_open(2)", "prctl(2)", "credentials(7)" },
	  .files = { "src/common/spawn.h", "src/common/spawn.c", "src/download/pool.c" },
	  .see = "ipcdemo -v" },
	{ .name = "thread",
	  .title = "a flow of control that shares its process with others",
	  .card = thread_card,
	  .figures = figures_thread,
	  .man = { "pthreads(7)", "pthread_create(3)", "pthread_join(3)", "signal-safety(7)" },
	  .files = { "src/download/pool_start.c", "src/origin/server.c", "src/origin/process.h" },
	  .see = "ipcdemo --model=thread -v" },
	{ .name = "fork",
	  .title = "a process that is a copy of the one that made it",
	  .card = fork_card,
	  .figures = figures_fork,
	  .man = { "fork(2)", "_exit(2)", "mmap(2)", "signal(7)", "fcntl_locking(2)" },
	  .files = { "examples/pipe.c", "src/common/spawn.c", "src/download/worker.c" },
	  .see = "strace -f -e trace=process ipcdemo" },
	{ .name = "spawn",
	  .title = "a process that starts a program anew",
	  .card = spawn_card,
	  .figures = figures_spawn,
	  .man = { "posix_spawn(3)", "execve(2)", "vfork(2)", "environ(7)" },
	  .files = { "src/download/pool_start.c", "src/common/spawn.c" },
	  .see = "ipcdemo --start=spawn -v" },
	{ .name = "pool",
	  .title = "workers that take jobs from a queue until there are none",
	  .card = pool_card,
	  .figures = figures_pool,
	  .man = { "fork(2)", "pidfd_open(2)", "epoll(7)" },
	  .files = { "src/download/pool.h", "src/download/pool.c", "src/download/pool_jobs.c",
		     "src/download/worker.c" },
	  .see = "ipcdemo --trace" },
	{ .name = "queue",
	  .title = "records that wait, in order, between sender and receiver",
	  .card = queue_card,
	  .figures = figures_queue,
	  .man = { "pipe(7)", "mq_overview(7)", "shm_overview(7)" },
	  .files = { "ipc/core/backend.h", "ipc/core/ring.h", "ipc/pipe.c" },
	  .see = "ipcdemo bench --mode=throughput" },
	{ .name = "sandbox",
	  .title = "a process that may do only what its work needs",
	  .card = sandbox_card,
	  .figures = figures_sandbox,
	  .man = { "landlock(7)", "seccomp(2)", "seccomp_unotify(2)", "prctl(2)",
		   "capabilities(7)" },
	  .files = { "src/download/sandbox.h", "src/download/sandbox.c",
		     "src/download/sandbox_files.c", "src/download/sandbox_calls.c" },
	  .see = "ipcdemo bench --mode=start --ipc=unix" },
};

const struct concept *concept_at(size_t index)
{
	return index < sizeof concepts / sizeof concepts[0] ? &concepts[index] : NULL;
}

const struct concept *concept_find(const char *name)
{
	const struct concept *concept;
	size_t i;

	for (i = 0; (concept = concept_at(i)); i++)
		if (strcmp(concept->name, name) == 0)
	return concept;
	return NULL;
}
