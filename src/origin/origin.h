/* SPDX-License-Identifier: MIT */
/*
 * origin.h - a small HTTP origin on the loopback interface (libmicrohttpd).
 *
 * The demo, the benchmark's download mode and the tests need a server that is
 * always there, whose bytes can be checked and whose pace is known. Nothing is
 * stored: each name stands for an endless pseudo-random sequence, and a body of
 * SIZE bytes is the beginning of it, so both ends can compute any part of it.
 *
 *   /NAME of a registered file     its bytes, paced to take file.seconds
 *   /bytes/N/NAME                  N bytes (16 GiB at most), as fast as possible
 *   /fault/KIND/...                faults on request, see faults.c (only when config.faults)
 *
 * NAME is compared and hashed percent-decoded, and may hold slashes. GET and HEAD,
 * keep-alive; ranges only for some of /fault/.
 */
#ifndef IPCDEMO_ORIGIN_H
#define IPCDEMO_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORIGIN_SIZE_MAX (16ULL << 30)

struct origin_file {
	const char *name; /* UTF-8, without the leading slash */
	uint64_t size;
	double seconds; /* the body is spread evenly over so long; 0: no pacing */
};

struct origin_config {
	const struct origin_file *files;
	size_t file_count;
	bool faults;
};

struct origin;

/*
 * Starts serving on 127.0.0.1 and a port of the kernel's choice, in threads of
 * libmicrohttpd: call it in a process that will not fork again. CONFIG is kept, not
 * copied: it must outlive the origin. 0 or -errno.
 */
int origin_start(struct origin **origin, const struct origin_config *config);

uint16_t origin_port(const struct origin *origin);

/* Ends all connections, waits for their threads and frees ORIGIN. NULL is allowed. */
void origin_stop(struct origin *origin);

/*
 * For a child made by spawn: starts, writes the port as two bytes (host order) to
 * READY_FD, closes it, serves until the process is killed. Does not return: when it
 * cannot start, it closes READY_FD with nothing written and exits with the errno as status.
 */
_Noreturn void origin_serve(const struct origin_config *config, int ready_fd);

/* Bytes [OFFSET, OFFSET + N) of the sequence of NAME. Needs no origin started. */
void origin_fill(const char *name, uint64_t offset, void *buf, size_t n);

/* The SHA-256 of the first SIZE bytes of that sequence. 0 or -errno. */
int origin_sha256(const char *name, uint64_t size, unsigned char sha256[32]);

#endif
