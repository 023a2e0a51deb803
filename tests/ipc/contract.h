/* SPDX-License-Identifier: MIT */
/*
 * contract.h - the contract suite: every rule of ipc/core/backend.h, for every mechanism.
 *
 * contract_test.c runs each rule for each mechanism of the registry and for the template, in
 * a process of its own with a deadline, and looks for what it left behind. The rules are in
 * contract_*.c, one table each. A rule knows no mechanism by name: where mechanisms
 * differ, it asks for a capability or a limit.
 *
 * In a rule the calling process is the hub. It opens a world: one session (or several), its
 * workers and a board, a page that all of them share beside the mechanism under test. A check
 * that fails ends its process; a failed worker fails the rule.
 */
#ifndef IPCDEMO_TESTS_CONTRACT_H
#define IPCDEMO_TESTS_CONTRACT_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/core/registry.h"

extern const struct ipc_backend ipc_skeleton;

/* ---- rules ---- */

struct subject {
	const struct ipc_backend *backend;
	const struct rule *rule;
	enum ipc_direction direction;
	size_t record;
	unsigned count;  /* the rule's, as contract_count has it */
	bool joined;     /* workers take their slots with tickets, as executed programs do ... */
	bool executed;   /* ... and are such programs ... */
	bool networked;  /* ... or come by the network (IPC_CAP_CROSS_HOST) */
	const char *dir; /* private, must be empty at the end */
};

#define RECORD_LIMIT SIZE_MAX /* as a record size: the mechanism's own limit */

enum {
	RULE_BOTH_WAYS = 1 << 0,  /* run for both directions; else to the hub */
	RULE_OLD_KERNEL = 1 << 1, /* without RWF_NOWAIT */
	RULE_ACCEPT_FDS = 1 << 2, /* sessions take descriptors */
	RULE_TICKETS = 1 << 3,    /* the rule itself makes tickets */
	/*
	 * Once more with workers that take their slots with tickets (IPC_CAP_JOIN), and once with
	 * those that come by the network: where it matters which ends a worker and the hub hold.
	 * Sizes and ways to wait are the same.
	 */
	RULE_JOINED = 1 << 4,
	/* And once more with workers that are executed: a few rules always, all of those that can
	 * be joined by CONTRACT_START=spawn. */
	RULE_EXECUTED = 1 << 5,
	/* Its workers know what only a fork tells them. */
	RULE_FORKED = 1 << 6,
};

struct rule {
	const char *name;
	void (*run)(const struct subject *subject);
	size_t record; /* bytes; 0: 56. Skipped where it is over the mechanism's limit */
	unsigned slots;
	unsigned count; /* records of a slot, or rounds; see contract_count */
	unsigned flags;
	unsigned needs, unless; /* capabilities */
	enum ipc_strategy strategy;
};

/* Each ends with an entry without a name. */
extern const struct rule contract_flow_rules[];
extern const struct rule contract_press_rules[];
extern const struct rule contract_wait_rules[];
extern const struct rule contract_death_rules[];
extern const struct rule contract_owner_rules[];
extern const struct rule contract_hostile_rules[];
extern const struct rule contract_attack_rules[];
extern const struct rule contract_args_rules[];
extern const struct rule contract_script_rules[];
extern const struct rule contract_host_rules[];
extern const struct rule contract_join_rules[];
extern const struct rule contract_pass_rules[];
extern const struct rule contract_flood_rules[];
extern const struct rule contract_keep_rules[];

/* The other half of a rule in contract_join.c: what a program does that was given a TICKET. */
int contract_joined_program(const char *ticket);

/* ---- checks ---- */

#define CHECK(condition)                          \
 do {                                             \
  if (!(condition))                               \
   contract_fail(__FILE__, __LINE__, #condition); \
 } while (0)

/* Both sides are evaluated once, and shown. */
#define CHECK_EQ(a, b) contract_equal(__FILE__, __LINE__, #a " is not " #b, (a), (b))

/* CONDITION is about RC: its value is shown, as an error where it is one. */
#define CHECK_RC(rc, condition)                                       \
 do {                                                                 \
  if (!(condition))                                                   \
   contract_fail_rc(__FILE__, __LINE__, #condition, (long long)(rc)); \
 } while (0)

_Noreturn void contract_fail(const char *file, int line, const char *what);
_Noreturn void contract_fail_rc(const char *file, int line, const char *what, long long rc);
void contract_equal(const char *file, int line, const char *what, long long a, long long b);
/* The process group that a failed check ends, once there is one. */
extern pid_t contract_group;
/* Ends the rule without a verdict: this machine is too small for it. */
_Noreturn void contract_skip(const char *what, int rc);
/*
 * More slots than a hub fetches in one turn (FD_SLOTS_TURN), and more than some machines grant:
 * that has to be said, with one of the above.
 */
#define CONTRACT_MANY 100
/* A long stream is there for races between processes, which a sanitizer sees no better. */
static inline unsigned contract_count(unsigned count)
{
#ifdef __SANITIZE_ADDRESS__
	return count < 400 ? count : count / 4;
#else
	return count;
#endif
}
static inline bool contract_no_room(int rc)
{
	return rc == -EMFILE || rc == -ENFILE || rc == -EAGAIN || rc == -ENOMEM || rc == -ENOSPC;
}
/* What a rule tells its parent. */
struct report {
	_Atomic uint64_t steps; /* counts up for as long as something happens */
	char reason[256];       /* of contract_skip */
};
extern struct report *contract_report; /* of this rule */
/*
 * A rule is given up when it has not made a step for this long (tree_clock.h): a busy machine makes
 * it slow, only a hang makes it silent. A step is a record that has come, a gate opened, a process
 * begun or reaped; looking in vain is none.
 */
#define CONTRACT_SILENT_S 20
void contract_step(void);
/* Of the script's traces, shared by all rules; 0: not yet. */
extern _Atomic uint64_t *contract_digest;
#define CONTRACT_SKIPPED 77

/* ---- what a rule may have left behind ---- */

struct oracle {
	long fds, threads, shared_maps;
};

void oracle_look(struct oracle *now);
/* Compares with BEFORE; also nothing may be left to wait for. Fails the rule. */
void oracle_check(const struct oracle *before);

struct listing;
/*
 * The first object (objects.h) that is new since BEFORE and stays, or NULL. The caller frees it.
 * ISOLATED: no other program's can be among them.
 */
char *listing_new_since(const struct listing *before, bool isolated);

/* ---- random numbers that a seed repeats ---- */

struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *rng);
/* 0..N-1 */
unsigned rng_below(struct rng *rng, unsigned n);
extern uint64_t contract_seed;
struct rng rng_for(unsigned stream);

/* ---- records that show when they are torn, lost or another's ---- */

/* The identity that a record carries in its first word. */
static inline uint64_t id_of(unsigned slot, unsigned generation, uint64_t sequence)
{
	return (uint64_t)slot << 52 | (uint64_t)generation << 40 | sequence;
}

static inline unsigned id_slot(uint64_t id)
{
	return (unsigned)(id >> 52);
}

static inline unsigned id_generation(uint64_t id)
{
	return (unsigned)(id >> 40) & 0xfff;
}

static inline uint64_t id_sequence(uint64_t id)
{
	return id & 0xffffffffff;
}

void record_fill(void *record, size_t size, uint64_t id);
bool record_whole(const void *record, size_t size);
uint64_t record_id(const void *record, size_t size); /* fails the rule if it is torn */

/* ---- the board: what the processes of a rule share beside the mechanism ---- */

#define GATES 16

struct board {
	_Atomic uint32_t gate[GATES];
	_Atomic uint64_t acked[IPC_SLOTS_MAX]; /* records that ipc_send has taken */
	_Atomic uint64_t value[IPC_SLOTS_MAX]; /* the rule's own */
};

/* A gate counts up. await returns when it has reached AT_LEAST. */
void gate_open(_Atomic uint32_t *gate);
void gate_await(_Atomic uint32_t *gate, uint32_t at_least);

/* ---- the world ---- */

#define SESSIONS_MAX 3

struct world;
typedef void worker_main(struct world *w, unsigned slot);

struct world {
	const struct subject *subject;
	struct ipc *s; /* session[0] */
	struct ipc *session[SESSIONS_MAX];
	unsigned sessions, slots;
	size_t record;
	struct ipc_peer hub;
	struct ipc_peer *worker;                 /* [slots]; pid 0: none */
	struct ipc_ticket *ticket[SESSIONS_MAX]; /* [slots], if subject->joined */
	struct board *board;
	int board_fd;        /* stands for it, if subject->executed; else -1 */
	long fds_before;     /* open before the first session */
	bool armed;          /* all slots are, already */
	bool orphans;        /* workers outlive the hub's process */
	void (*early)(void); /* what a worker does first, before it attaches; may be NULL */
};

/* Opens the world with one session of SLOTS slots, of the subject's direction and size. */
void world_open(struct world *w, const struct subject *subject, unsigned slots);
/* One more session, in DIRECTION. Before the first worker. */
void world_also(struct world *w, enum ipc_direction direction);
/* Arms, forks, attaches. The worker ends when MAIN returns. 0, or arm's or attach's error. */
int world_try_spawn(struct world *w, unsigned slot, worker_main *main);
void world_spawn(struct world *w, unsigned slot, worker_main *main);
/* Arms every slot now; the spawns that follow do not. */
void world_arm_all(struct world *w);
/* Waits for the death of SLOT's process: an exit with 0, or by SIGNO. It stays attached. */
void world_reap(struct world *w, unsigned slot, int signo);
void world_detach(struct world *w, unsigned slot);
/* Reaps all that are left (exit 0), detaches, closes. */
void world_close(struct world *w);
/* The same after killing all that are left. */
void world_kill_and_close(struct world *w);
/* Descriptors that the sessions of this process hold now. */
long world_fds(const struct world *w);

/*
 * Two parties over slot 0, the other slots idle: SENDER and RECEIVER run in the worker and in the
 * hub, as the direction says. The whole of a rule.
 */
void world_duet(const struct subject *subject, worker_main *sender, worker_main *receiver);

/*
 * A sender over a mechanism that is not DURABLE must not end before the receiver has all: gate 15
 * is for that. world_close opens it, or the rule does once it has everything.
 */
#define GATE_ALL_READ 15
void worker_farewell(struct world *w);
/* A worker that only waits for that gate. */
void worker_idle(struct world *w, unsigned slot);
/* About 1 to 300 us of sleep, or a few of spinning: what a race needs to come out. */
void dawdle(struct rng *rng);
/*
 * ipc_send_fd() without IPC_NOWAIT. How many descriptors may be under way is a limit for all
 * processes of a user together (unix(7), ETOOMANYREFS), and trials run at once: waits for others.
 */
int world_send_fd(struct world *w, unsigned slot, const void *record, int fd);

static inline bool can(const struct world *w, unsigned capability)
{
	return (w->subject->backend->info.capabilities & capability) == capability;
}

/* Waits until process PID is in STATE ('S' asleep, 'T' stopped). */
void await_state(pid_t pid, char state);

/* What the mechanism, and nobody else, maps here for others to see too. */
#define MAPPINGS_MAX 32
struct mapping {
	uint64_t *words;
	size_t count;
};

/* Returns how many of FOUND[MAPPINGS_MAX] there are. */
unsigned memory_given(const struct world *w, struct mapping *found);

/* ---- streams of records ---- */

#define STREAM_BYTES (256u * 1024) /* of a buffer, or four records */

/* Sends ids FIRST.. in batches of 1..BATCH; counts them on the board as they are acknowledged. */
struct stream {
	uint64_t first, count;
	unsigned batch;
	unsigned pause; /* one batch in PAUSE lets the receiver fall asleep first; 0: none */
	struct rng rng;
};
/* 0 or the error that ended it. */
int stream_send(struct world *w, unsigned slot, struct stream *stream);

/*
 * Sends ids of SLOT's first owner, from the sequence NEXT on, without waiting, until there is no
 * room; returns how many went.
 */
uint64_t stream_fill(struct world *w, unsigned slot, uint64_t next);

/* A receiver's view: what comes next from each slot. */
struct inbox {
	uint64_t *next; /* [slots]: the id due */
	uint64_t total;
	unsigned ends; /* that were told */
	char *buffer;
	size_t cap; /* records that fit */
};
void inbox_open(struct inbox *inbox, struct world *w);
void inbox_close(struct inbox *inbox);
/*
 * One ipc_recv of at most CAP records, which must be the next ones of *SLOT. Returns as
 * ipc_recv; errors other than -EAGAIN and -EPROTO fail the rule.
 */
ssize_t inbox_recv(struct inbox *inbox, struct world *w, unsigned *slot, size_t cap,
		   unsigned flags);
/* Receives until COUNT records have come in all, in blocking calls of 1..CAP records. */
void inbox_until(struct inbox *inbox, struct world *w, uint64_t count, unsigned cap);

#endif
