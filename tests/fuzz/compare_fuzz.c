/* SPDX-License-Identifier: MIT */
/* compare_fuzz.c - a result file, as `ipcdemo compare` reads it; see fuzz.h */
#include "config.h"

#include <sys/mman.h>
#include <unistd.h>

#include "bench/compare.h"
#include "tests/fuzz/fuzz.h"

static json_t *read_bytes(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	FILE *error = stderr;
	char path[32];
	json_t *result;
	int fd = memfd_create("result", MFD_CLOEXEC);

	REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (!nowhere)
		nowhere = fopen("/dev/null", "we");
	REQUIRE(nowhere);
	stderr = nowhere; /* what is wrong with the file */
	result = compare_read(path);
	stderr = error;
	(void)close(fd);
	return result;
}

/* A run beside itself: the same rows on both sides, and none of them is another. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *result = read_bytes(data, size);
	struct comparison c = { .old = result, .new = result };
	size_t i, total = 0;

	if (!result)
		return 0;
	REQUIRE(compare_rows(&c) == 0);
	for (i = 0; i < c.rows_n; i++) {
		REQUIRE(compare_verdict_name(c.rows[i].verdict));
		REQUIRE(c.rows[i].verdict == COMPARE_SAME || c.rows[i].verdict == COMPARE_UNKNOWN);
	}
	for (i = 0; i <= COMPARE_UNKNOWN; i++)
		total += c.counts[i];
	REQUIRE(total == c.rows_n);
	free(c.rows);
	json_decref(result);
	return 0;
}
