/* SPDX-License-Identifier: MIT */
/*
 * ring.pml - a model of ipc/core/ring.h and of the sleeping in ipc/core/ring_slots.c, for spin.
 *
 * One sender, one receiver, a ring of ENTRIES, and both doorbells: for records and for room. Spin
 * itself knows no weak memory, so each side has a store buffer, as an x86 CPU has: a store goes in
 * at one end and reaches memory some time later, in order; a load looks at memory, and so
 * overtakes the side's own stores. (No side loads a word that it stores itself.) The sender may
 * be killed between any two of its steps; what its CPU has in the buffer still arrives.
 *
 * Shown for all interleavings: the receiver gets records in order, whole, each once; all that the
 * sender was told is sent arrives, also if it is killed; nobody sleeps for ever (an invalid end
 * state). -DNO_MEMBARRIER_CALL is a kernel without it: both always fence. -DRECORDS=4 takes longer.
 * tests/ipc/spin_test.sh plants each of the faults named below, and each must be found:
 *
 *   NO_FENCE_RECEIVER  the sleeper looks again without (B) of ring.h
 *   NO_FENCE_SENDER    the publisher loads the word without (2)
 *   NO_MEMBARRIER      the first sleep has a fence of its own only
 *   NO_RECHECK         the sleeper does not look again, without (C)
 *   PUBLISH_FIRST      the sequence is stored before the record
 *   TAIL_FIRST         the tail is told before the record is copied out
 *   SENDER_CLEARS_FLAG the publisher clears the sleeper's word after it has rung
 *   SAME_NUMBER        all announcements have one number
 *   NO_RENEWAL         an announcement stands although the bell was rung and is silenced
 *   SILENCE_LAST       the bell of the last sleep is silenced after the second look
 */
#ifndef RECORDS
# define RECORDS 3
#endif
#define ENTRIES 2
#define DUE     2 /* records after which the tail is told: a quarter of a larger ring */

/* The words of the doorbell. */
#define NEVER  0
#define AWAKE  1
#define NUMBER 2 /* and above: an announcement */
#ifdef NO_MEMBARRIER_CALL
# define AT_FIRST AWAKE
#else
# define AT_FIRST NEVER
#endif

/* The words in memory: what the store buffers address. */
#define SEQUENCE 0                   /* [ENTRIES] */
#define PAYLOAD  ENTRIES             /* [ENTRIES] */
#define TAIL     (2 * ENTRIES)
#define RECEIVER (2 * ENTRIES + 1) /* the receiver's word */
#define SENDER   (2 * ENTRIES + 2) /* the sender's word */
#define WORDS    (2 * ENTRIES + 3)

#define BUFFER  2 /* stores that a buffer holds; a full one makes the next store wait */

byte memory[WORDS];
chan sender_buffer = [BUFFER] of { byte, byte };
chan receiver_buffer = [BUFFER] of { byte, byte };

bool sender_bell, receiver_bell; /* rung since the last look, that is: an event in epoll */
bool started, killed, sender_dead;
byte acknowledged; /* records for which the sender's call has returned */

init
{
	memory[RECEIVER] = AT_FIRST;
	memory[SENDER] = AT_FIRST;
	started = true
}

#define LAP(position)   ((position) / ENTRIES + 1)
#define PLACE(position) ((position) % ENTRIES)

/* ---- the CPU ---- */

active proctype drain_sender()
{
	byte word, value;
end:	do
	:: atomic { sender_buffer?word,value -> memory[word] = value }
	od
}

active proctype drain_receiver()
{
	byte word, value;
end:	do
	:: atomic { receiver_buffer?word,value -> memory[word] = value }
	od
}

inline fence(buffer)
{
	len(buffer) == 0
}

/* membarrier(2): at some moment before it returns, both CPUs have emptied their buffers. */
inline membarrier()
{
	d_step {
		do
		:: len(sender_buffer) > 0 -> sender_buffer?at,told; memory[at] = told
		:: len(receiver_buffer) > 0 -> receiver_buffer?at,told; memory[at] = told
		:: len(sender_buffer) == 0 && len(receiver_buffer) == 0 -> break
		od;
		at = 0;
		told = 0
	}
}

/* ---- the doorbell of ring.h; "said" and "rung" are the caller's private memory ---- */

inline announce(buffer, word)
{
	atomic {
		first = (said == NEVER);
#ifdef SAME_NUMBER
		said = NUMBER
#else
		said = NUMBER + announcements;
		announcements++
#endif
	};
	buffer!word,said;
	if
	:: first ->
#ifndef NO_MEMBARRIER
		membarrier()
#else
		fence(buffer)
#endif
	:: else ->
#ifndef NO_FENCE_RECEIVER
		fence(buffer)
#else
		skip
#endif
	fi
}

/*
 * The own bell falls silent, and the sleep is announced. An announcement that stands is good as
 * long as the bell was not rung: then nobody has answered it.
 */
inline announce_sleep(buffer, word, bell)
{
#ifndef SILENCE_LAST
	atomic {
		rang = bell;
		bell = false
	};
#endif
#ifdef NO_RENEWAL
	rang = false;
#endif
	if
	:: said > AWAKE && !rang ->
#ifndef NO_FENCE_RECEIVER
		fence(buffer)
#else
		skip
#endif
	:: else -> announce(buffer, word)
	fi;
	atomic {
		rang = false;
		first = false
	}
}

inline wanted(buffer, word, bell)
{
	if
	:: memory[word] == NEVER -> skip
	:: else ->
#ifndef NO_FENCE_SENDER
		fence(buffer);
#endif
		atomic {
			ring = (memory[word] > AWAKE && memory[word] != rung); /* one load */
			if
			:: ring -> rung = memory[word]
			:: else -> skip
			fi
		};
		if
		:: ring ->
			atomic {
				bell = true;
				ring = false
			}
#ifdef SENDER_CLEARS_FLAG
			; buffer!word,AWAKE
#endif
		:: else -> skip
		fi
	fi
}

/* ---- the two sides ---- */

inline fill(which)
{
#ifdef PUBLISH_FIRST
	sender_buffer!(SEQUENCE + PLACE(which)),LAP(which);
	sender_buffer!(PAYLOAD + PLACE(which)),(which) + 1
#else
	sender_buffer!(PAYLOAD + PLACE(which)),(which) + 1;
	sender_buffer!(SEQUENCE + PLACE(which)),LAP(which)
#endif
}

/* ring_push of one record or two, as one group, and ring_slots_send around it. */
inline push(count)
{
	if
	:: count == 2 -> fill(position + 1)
	:: else -> skip
	fi;
	fill(position);
	position = position + count;
	wanted(sender_buffer, RECEIVER, receiver_bell);
	if
	:: said > AWAKE ->
		sender_buffer!SENDER,AWAKE;
		said = AWAKE
	:: else -> skip
	fi;
	acknowledged = position
}

/* ring_slots_pollfd of the sender, and the sleep. */
inline sleep_for_room()
{
	announce_sleep(sender_buffer, SENDER, sender_bell);
#ifndef NO_RECHECK
	tail = memory[TAIL];
#endif
#ifdef SILENCE_LAST
	sender_bell = false;
#endif
	if
	:: position - tail < ENTRIES -> skip
	:: else -> sender_bell
	fi
}

active proctype sender() provided (started)
{
	byte position, tail, rung, at, told, announcements;
	byte said = AT_FIRST;
	bool first, rang, ring;

	{
		do
		:: position == RECORDS -> break
		:: position < RECORDS && position - tail < ENTRIES -> push(1)
		:: position + 1 < RECORDS && position - tail + 1 < ENTRIES -> push(2)
		:: position < RECORDS && position - tail == ENTRIES ->
			tail = memory[TAIL];
			assert(tail <= position && position - tail <= ENTRIES);
			if
			:: position - tail == ENTRIES -> sleep_for_room()
			:: else -> skip
			fi
		od
	} unless {
		killed
	};
	sender_dead = true
}

active proctype killer()
{
	if
	:: killed = true
	:: skip
	fi
}

inline tell()
{
	receiver_buffer!TAIL,position;
	known = position;
	wanted(receiver_buffer, SENDER, sender_bell)
}

/* ring_pop of one record, and ring_slots_recv around it. */
inline pop()
{
#ifdef TAIL_FIRST
	position++;
	tell();
	position--;
#endif
	assert(memory[PAYLOAD + PLACE(position)] == position + 1);
	position++;
	if
	:: said > AWAKE ->
		said = AWAKE;
		receiver_buffer!RECEIVER,AWAKE
#ifndef NO_MEMBARRIER_CALL
	:: said == AWAKE -> /* awake for long, or not */
		if
		:: said = NEVER;
		   receiver_buffer!RECEIVER,NEVER
		:: skip
		fi
#endif
	:: else -> skip
	fi;
	if
	:: position - known >= DUE -> tell()
	:: else -> skip
	fi
}

#define FOUND memory[SEQUENCE + PLACE(position)]

/* ring_slots_pollfd of the receiver, and the sleep, which the end of the sender ends (its pidfd). */
inline sleep_for_record()
{
	if
	:: known != position -> tell()
	:: else -> skip
	fi;
	announce_sleep(receiver_buffer, RECEIVER, receiver_bell);
#ifdef SILENCE_LAST
	ready = (FOUND == LAP(position));
	receiver_bell = false;
#else
# ifndef NO_RECHECK
	ready = (FOUND == LAP(position));
# endif
#endif
	if
	:: ready -> skip
	:: else ->
		if
		:: receiver_bell
		:: sender_dead && killed
		fi
	fi
}

active proctype receiver() provided (started)
{
	byte position, known, rung, at, told, announcements;
	byte said = AT_FIRST;
	bool first, rang, ring, ready, gone;

	do
	:: position == RECORDS -> break
	:: position < RECORDS ->
		atomic { /* one load, as RING_LOAD makes it */
			gone = killed && sender_dead && len(sender_buffer) == 0;
			ready = (FOUND == LAP(position));
			assert(ready || FOUND == LAP(position) - 1)
		};
		if
		:: ready -> pop()
		:: !ready && gone -> break
		:: !ready && !gone -> sleep_for_record()
		fi
	od;
	assert(position >= acknowledged)
}
