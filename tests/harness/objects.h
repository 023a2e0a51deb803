/* SPDX-License-Identifier: MIT */
/*
 * objects.h - the objects of our user that outlive processes: files in /dev/shm, message queues,
 * System V objects. Compare two listings to see what was left behind.
 */
#ifndef IPCDEMO_TESTS_OBJECTS_H
#define IPCDEMO_TESTS_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>

struct listing;

/* What is there now. Ends the process with a message where memory is short. Free it. */
struct listing *listing_take(void);
void listing_free(struct listing *listing);

/* Adds what our user owns directly in PATH, if that exists; with DIRECTORIES those too. */
void listing_add_directory(struct listing *listing, const char *path, bool directories);

/*
 * The next name in NOW, from *AT on, that is not in BEFORE; *AT moves behind it. NULL: no more.
 * Begin with 0. The name is NOW's. What another process used last, and lives, is left out.
 */
const char *listing_next_new(const struct listing *before, const struct listing *now, size_t *at);

#endif
