/* SPDX-License-Identifier: MIT */
/* part_ranges.c - see part_ranges.h */
#include "config.h"

#include "download/part_ranges.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "download/part_internal.h"

#define MAGIC "ipcdemo ranges 1" /* without its NUL */

/* The table as it stands in the file. Written and read by one machine, so in its own byte order. */
struct table {
	char magic[sizeof MAGIC - 1];
	unsigned char url[SHA256_DIGEST_LENGTH]; /* not the URL itself: it may hold a password */
	uint64_t id, total, count;
	int64_t modified;
	char validator[FETCH_VALIDATOR_BYTES];
	uint64_t done[RANGES_MAX];
};

unsigned part_ranges_count(const struct fetch_source *source, unsigned wish)
{
	uint64_t most;

	if (!source->ranges || !*source->validator || source->total == FETCH_SIZE_UNKNOWN)
		return 1;
	most = source->total / RANGE_BYTES_MIN;
	if (wish > RANGES_MAX)
		wish = RANGES_MAX;
	if (wish > most)
		wish = (unsigned)most;
	return wish > 1 ? wish : 1;
}

/* Of the first HAVE bytes of the file, those in range I. */
static uint64_t part_of(uint64_t have, uint64_t total, unsigned count, unsigned i)
{
	const uint64_t first = range_first(total, count, i);
	const uint64_t length = range_length(total, count, i);

	if (have <= first)
		return 0;
	return have - first < length ? have - first : length;
}

int part_ranges_make(int fd, const char *url, const struct fetch_source *source, uint64_t have,
		     struct part_ranges *ranges)
{
	const unsigned count = ranges->count;
	struct table table = { .total = source->total,
			       .count = count,
			       .modified = source->modified };
	unsigned i;

	*ranges = (struct part_ranges){ .total = source->total, .source = *source };
	while (ranges->id == 0)
		if (getrandom(&ranges->id, sizeof ranges->id, 0) < 0)
			return -errno;
	for (i = 0; i < count; i++)
		ranges->done[i] = part_of(have, source->total, count, i);
	memcpy(table.magic, MAGIC, sizeof table.magic);
	(void)SHA256((const unsigned char *)url, strlen(url), table.url);
	table.id = ranges->id;
	memcpy(table.validator, source->validator, sizeof table.validator);
	memcpy(table.done, ranges->done, sizeof table.done);
	/* From here on the file's size does not tell how much of it is there. */
	part_source_drop(fd);
	if (pwrite(fd, &table, sizeof table, (off_t)source->total) != sizeof table) {
		int rc = errno ? -errno : -ENOSPC;

		(void)ftruncate(fd, (off_t)have); /* as it was, but for the note */
		return rc;
	}
	ranges->count = count;
	return 0;
}

static bool is_sound(const struct table *table, uint64_t size)
{
	unsigned i;

	if (memcmp(table->magic, MAGIC, sizeof table->magic) != 0 || table->id == 0 ||
	    table->count < 2 || table->count > RANGES_MAX || table->total < table->count ||
	    table->total != size - sizeof *table || !*table->validator ||
	    !memchr(table->validator, '\0', sizeof table->validator))
		return false;
	for (i = 0; i < table->count; i++)
		if (table->done[i] > range_length(table->total, (unsigned)table->count, i))
			return false;
	return true;
}

bool part_ranges_load(int fd, const char *url, struct part_ranges *ranges)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	struct table table;
	struct stat st;
	off_t at;

	ranges->count = 0;
	if (fstat(fd, &st) < 0 || st.st_size <= (off_t)sizeof table)
		return false;
	at = st.st_size - (off_t)sizeof table;
	if (pread(fd, &table, sizeof table, at) != sizeof table ||
	    !is_sound(&table, (uint64_t)st.st_size))
		return false;
	if (url)
		(void)SHA256((const unsigned char *)url, strlen(url), digest);
	if (url && memcmp(digest, table.url, sizeof digest) != 0)
		return false;
	*ranges = (struct part_ranges){ .id = table.id,
					.total = table.total,
					.count = (unsigned)table.count,
					.source = { .total = table.total,
						    .ranges = true,
						    .modified = (time_t)table.modified } };
	memcpy(ranges->source.validator, table.validator, sizeof table.validator);
	memcpy(ranges->done, table.done, sizeof table.done);
	return true;
}

int part_ranges_note(int fd, const struct part_ranges *ranges, unsigned i, uint64_t done)
{
	const size_t at = offsetof(struct table, done) + i * sizeof done;

	if (pwrite(fd, &done, sizeof done, (off_t)(ranges->total + at)) != sizeof done)
		return errno ? -errno : -ENOSPC;
	return 0;
}

unsigned part_ranges_open(const struct part_ranges *ranges)
{
	unsigned i = 0;

	while (i < ranges->count &&
	       ranges->done[i] == range_length(ranges->total, ranges->count, i))
		i++;
	return i;
}

uint64_t part_ranges_to_beginning(int fd, const char *url, struct fetch_source *source)
{
	struct part_ranges ranges;
	uint64_t size;
	unsigned open;

	if (!part_ranges_load(fd, url, &ranges))
		return 0;
	open = part_ranges_open(&ranges);
	size = range_first(ranges.total, ranges.count, open);
	if (open < ranges.count)
		size += ranges.done[open];
	if (size == 0 || ftruncate(fd, (off_t)size) < 0)
		return 0;
	*source = ranges.source;
	(void)part_source_save(fd, url, source); /* else a later run cannot go on with it */
	return size;
}
