/* SPDX-License-Identifier: MIT */
/*
 * origin_client.h - as much of an HTTP/1.1 client as it takes to test the origin: plain
 * sockets, so that a test sees what is on the wire and not what a library makes of it.
 */
#ifndef TESTS_ORIGIN_CLIENT_H
#define TESTS_ORIGIN_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum end { END_OK, END_CUT, END_BY_RESET, END_BAD };

struct client {
	int fd;
	size_t at, have; /* unread: buf[at..have) */
	char buf[65536];
};

struct answer {
	int status;   /* 0: none came */
	enum end end; /* how the body ended */
	bool chunked;
	bool sized;      /* a Content-Length came */
	uint64_t length; /* that */
	unsigned char *body;
	size_t size; /* bytes of the body that did come */
	char head[4096];
};

/* These fail the test on a socket error. */
void client_open(struct client *client, uint16_t port);
void client_send(struct client *client, const char *method, const char *path);
void client_close(struct client *client);

/* Reads one answer, or as much of it as comes. The caller frees it with answer_free. */
void client_read(struct client *client, const char *method, struct answer *answer);
void answer_free(struct answer *answer);

/* Connection, GET PATH, answer, close. */
void client_get(uint16_t port, const char *path, struct answer *answer);

/* At least one byte more, blocking. Returns how many are unread: 0 at the end. */
size_t client_fill(struct client *client);

/* Has this header, as a whole line "Name: value"? */
bool answer_has(const struct answer *answer, const char *header);

/* Is the body the first SIZE bytes of NAME's sequence? */
bool answer_is(const struct answer *answer, const char *name, uint64_t size);

#endif
