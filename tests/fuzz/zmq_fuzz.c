/* SPDX-License-Identifier: MIT */
/*
 * zmq_fuzz.c - messages of any number of frames, of any size, from any peer, as a ROUTER gets them.
 * The library's part is played by the input. See fuzz.h.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <zmq.h>

static int play_msg_recv(zmq_msg_t *msg, void *socket, int flags);
static int play_msg_more(const zmq_msg_t *msg);
static void *play_msg_data(zmq_msg_t *msg);
static const char *play_msg_gets(const zmq_msg_t *msg, const char *property);
static int play_getsockopt(void *socket, int option, void *value, size_t *size);
static int play_send(void *socket, const void *bytes, size_t size, int flags);
#define zmq_msg_recv   play_msg_recv
#define zmq_msg_more   play_msg_more
#define zmq_msg_data   play_msg_data
#define zmq_msg_gets   play_msg_gets
#define zmq_getsockopt play_getsockopt
#define zmq_send       play_send
#include "ipc/core/foreign_fds.h"
/* It opens and closes as many descriptors as it wants to have free. */
#define foreign_fds_room(count) ((void)(count), 0)
#include "ipc/zmq.c"

#include "tests/fuzz/fuzz.h"

#define SLOTS  3u
#define RECORD 32u
#define CAP    4u
#define PID    1000 /* of slot 0; the others follow */

static struct input input;
static unsigned char frame[256];
static int frame_size;
static bool more;
static uint64_t ids[SLOTS]; /* that the slots have now */

/* What the input makes of a frame: a slot's id, that with a bit wrong, a record, or anything. */
static int play_msg_recv(zmq_msg_t *msg, void *socket, int flags)
{
	uint8_t how = input_byte(&input);
	uint64_t id = ids[how % SLOTS];

	(void)msg;
	(void)socket;
	(void)flags;
	if (input.size == 0 || how == 255) {
		errno = how == 254 ? ETERM : EAGAIN;
		return -1;
	}
	more = how & 1;
	frame_size = how < 200 ? 8 : how < 230 ? (int)RECORD : input_byte(&input);
	if (how >= 190 && how < 200)
		id ^= 1ull << input_byte(&input) % 64;
	if (how < 200)
		memcpy(frame, &id, sizeof id);
	else
		input_take(&input, frame, (size_t)frame_size);
	return frame_size;
}

static int play_msg_more(const zmq_msg_t *msg)
{
	bool now = more && input.size > 0;

	(void)msg;
	more = false;
	return now;
}

static void *play_msg_data(zmq_msg_t *msg)
{
	(void)msg;
	return frame;
}

static const char *play_msg_gets(const zmq_msg_t *msg, const char *property)
{
	static char text[64];
	uint8_t how = input_byte(&input);

	(void)msg;
	REQUIRE(strcmp(property, "Peer-Address") == 0);
	if (how == 0)
		return NULL;
	if (how < 8)
		return "nothing like it";
	(void)snprintf(text, sizeof text, "localhost:0:0:%d", PID + how % 4);
	return text;
}

static int play_getsockopt(void *socket, int option, void *value, size_t *size)
{
	(void)socket;
	(void)option;
	REQUIRE(*size == sizeof(int));
	*(int *)value = 0;
	return 0;
}

static int play_send(void *socket, const void *bytes, size_t size, int flags)
{
	uint8_t how = input_byte(&input);

	(void)socket;
	(void)bytes;
	(void)flags;
	if (how >= 16)
		return (int)size;
	errno = how < 8 ? EAGAIN : EHOSTUNREACH;
	return -1;
}

static void arm_anew(struct ipc *s, unsigned slot, bool attached)
{
	zipc_detach(s, slot);
	REQUIRE(zipc_arm(s, slot) == 0);
	ids[slot] = zipc_slot(s, slot)->id;
	REQUIRE(ids[slot] != 0 && (ids[slot] >> 8) % 4096 == slot);
	zipc_slot(s, slot)->pid = attached ? (pid_t)(PID + slot) : 0;
}

static void receive(struct ipc *s)
{
	unsigned char records[CAP * RECORD];
	unsigned slot = UINT32_MAX;
	size_t cap = 1 + input_byte(&input) % CAP;
	ssize_t rc = zipc_recv(s, &slot, records, cap, IPC_NOWAIT);
	const struct zipc_slot *from;

	REQUIRE(rc <= (ssize_t)cap && rc != 0);
	if (rc < 0 && rc != -EPROTO)
		return;
	REQUIRE(slot < SLOTS);
	from = zipc_slot(s, slot); /* whoever it is, the kernel has named its process */
	REQUIRE(from->id != 0 && from->seen > 0);
	REQUIRE(from->pid == 0 || from->pid == from->seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zipc_state state = { .size = -1, .listener = -1 };
	struct zipc_slot slots[SLOTS] = { { .id = 0 } };
	struct ipc s = { .backend = &ipc_zmq,
			 .state = &state,
			 .slot_state = slots,
			 .slots = SLOTS,
			 .record_size = RECORD };
	char record[2 * RECORD] = { 0 };
	unsigned slot;
	short events;
	ssize_t rc;

	input = (struct input){ data, size };
	s.direction = input_byte(&input) & 1 ? IPC_FROM_HUB : IPC_TO_HUB;
	(void)zmq_msg_init(&state.body);
	for (slot = 0; slot < SLOTS; slot++)
		arm_anew(&s, slot, true);
	while (input.size > 0) {
		uint8_t what = input_byte(&input);

		slot = what / 8 % SLOTS;
		if (what % 8 == 0)
			arm_anew(&s, slot, what & 128);
		else if (what % 8 == 1)
			(void)zipc_pollfd(&s, &events);
		else if (!ipc_receives(&s)) {
			rc = zipc_send(&s, slot, record, 2, IPC_NOWAIT);
			REQUIRE(rc != 0 && rc <= 2);
		} else
			receive(&s);
	}
	return 0;
}
