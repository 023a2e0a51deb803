/* SPDX-License-Identifier: MIT */
/*
 * signal_fuzz.c - queued signals, from which the receiver puts records together: any process of
 * the user may queue any siginfo. See fuzz.h.
 */
#include "ipc/signal.c"
#include "tests/fuzz/fuzz.h"

#define SLOTS  3u
#define RECORD 32u
#define CAP    4u

/* A signal of a slot's owner, with something wrong in it now and then. */
static struct signalfd_siginfo next_info(struct input *input, const struct ipc *s)
{
	uint8_t mode = input_byte(input), slot = input_byte(input) % SLOTS;
	struct signalfd_siginfo info = {
		.ssi_pid = (uint32_t)signal_slot(s, slot)->pid,
		.ssi_code = SI_QUEUE,
		.ssi_errno = (int32_t)(signal_slot(s, slot)->tag | input_byte(input) % 5),
	};

	input_take(input, &info.ssi_ptr, sizeof info.ssi_ptr);
	if (mode < 32)
		input_take(input, &info.ssi_errno, sizeof info.ssi_errno);
	else if (mode < 48)
		input_take(input, &info.ssi_pid, sizeof info.ssi_pid);
	else if (mode < 64)
		input_take(input, &info.ssi_code, sizeof info.ssi_code);
	return info;
}

static void check_take(struct ipc *s, struct signal_state *state)
{
	unsigned char records[CAP * RECORD];
	size_t before = state->next;
	unsigned slot = UINT32_MAX;
	ssize_t rc = signal_take(s, &slot, (char *)records, CAP);

	REQUIRE(rc == -EPROTO || (rc >= 0 && rc <= (ssize_t)CAP));
	REQUIRE(rc == 0 || slot < SLOTS);
	REQUIRE(state->next > before && state->next <= state->count);
	for (slot = 0; slot < SLOTS; slot++)
		REQUIRE(signal_slot(s, slot)->filled * SIGNAL_BYTES <= RECORD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct signal_state state = { .fd = -1 };
	struct signal_slot slots[SLOTS] = { { .pid = 0 } };
	struct ipc s = { .backend = &ipc_signal,
			 .state = &state,
			 .slot_state = slots,
			 .slots = SLOTS,
			 .record_size = RECORD };
	unsigned slot;

	for (slot = 0; slot < SLOTS; slot++) {
		REQUIRE(signal_arm(&s, slot) == 0);
		slots[slot].pid = (pid_t)(1000 + slot);
	}
	while (input.size > 0) {
		size_t batch = 1 + input_byte(&input) % 64;

		state.next = 0;
		for (state.count = 0; state.count < batch && input.size > 0; state.count++)
			state.infos[state.count] = next_info(&input, &s);
		while (state.next < state.count)
			check_take(&s, &state);
	}
	return 0;
}
