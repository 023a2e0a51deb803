/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput: clang's
 * libFuzzer calls it (make fuzz), and replay.c does in make check.
 */
#ifndef IPCDEMO_TESTS_FUZZ_H
#define IPCDEMO_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. */
#define REQUIRE(condition)                                                              \
 do {                                                                                   \
  if (!(condition)) {                                                                   \
   (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
   abort();                                                                             \
  }                                                                                     \
 } while (0)

/* An input that is taken from the front; zeros when it is used up. */
struct input {
	const uint8_t *data;
	size_t size;
};

static inline void input_take(struct input *input, void *to, size_t n)
{
	size_t have = n < input->size ? n : input->size;

	memset(to, 0, n);
	if (have > 0)
		memcpy(to, input->data, have);
	input->data += have;
	input->size -= have;
}

static inline uint8_t input_byte(struct input *input)
{
	uint8_t byte;

	input_take(input, &byte, 1);
	return byte;
}

/* The input as a string that ends where its first zero or it does; to be freed. */
static inline char *input_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	REQUIRE(text);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

#endif
