/* SPDX-License-Identifier: MIT */
/*
 * ring_stage.h - for the tests of ipc/core/ring.h: a ring between two pages that nobody may touch,
 * so that a step outside is a crash, and records that know their number.
 */
#ifndef IPCDEMO_TESTS_RING_STAGE_H
#define IPCDEMO_TESTS_RING_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "ipc/core/ring.h"

#define PAGE 4096u

/* Records of 8 bytes to 64 KiB: in one line, exactly a line, several, many. */
#define RING_STAGE_SIZES \
 {                       \
  8, 56, 64, 4096, 65536 \
 }
#define SIZES 5u

#define BATCH_MAX 70u

static inline size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* ---- a ring between two fences ---- */

struct fenced {
	unsigned char *map;
	size_t bytes;
	void *memory; /* of the ring: ends where the second fence begins */
};

static inline size_t pages(size_t bytes)
{
	return (bytes + PAGE - 1) / PAGE * PAGE;
}

static inline struct fenced fenced_ring(size_t size, uint32_t entries)
{
	size_t inner = pages(ring_bytes(size, entries));
	struct fenced f = { .bytes = inner + 2 * PAGE };

	f.map = mmap(NULL, f.bytes, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(f.map != MAP_FAILED);
	assert_int_equal(mprotect(f.map + PAGE, inner, PROT_READ | PROT_WRITE), 0);
	f.memory = f.map + PAGE + inner - ring_bytes(size, entries);
	return f;
}

static inline void fenced_free(const struct fenced *f)
{
	assert_int_equal(munmap(f->map, f->bytes), 0);
}

/* ---- records that know their number ---- */

static inline uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdu;
	x ^= x >> 33;
	return x;
}

static inline void record_fill(unsigned char *record, size_t size, uint64_t number)
{
	size_t i;

	for (i = 0; i < size; i += 8) {
		uint64_t word = i == 0 ? number : mix(number + i);

		memcpy(record + i, &word, 8);
	}
}

static inline bool record_is(const unsigned char *record, size_t size, uint64_t number)
{
	size_t i;

	for (i = 0; i < size; i += 8) {
		uint64_t word;

		memcpy(&word, record + i, 8);
		if (word != (i == 0 ? number : mix(number + i)))
			return false;
	}
	return true;
}

static inline unsigned roll(uint64_t *seed, unsigned below)
{
	*seed = mix(*seed + 0x9e3779b97f4a7c15u);
	return (unsigned)(*seed % below);
}

#endif
