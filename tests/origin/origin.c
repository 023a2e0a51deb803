/* SPDX-License-Identifier: MIT */
/*
 * origin_main.c - the origin as a tool for the shell tests.
 *
 *   origin [NAME SIZE SECONDS]...  serves these files, /bytes/ and /fault/; prints its port on one
 *                                  line; ends when its standard input ends, so that a test which
 *                                  dies leaves no server behind
 *   origin --sums                  reads lines "SIZE NAME", prints lines as sha256sum(1) does
 *   origin --make DIR              the same, and writes DIR/NAME
 *   origin --free-port             prints a port that nobody listens on at the moment
 *   origin --wait PORT PATH        returns once GET PATH is answered 200; fails after 10 s
 */
#include "config.h"

#include "origin/origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX 64
#define WAIT_MS   10000
#define NAP_NS    10000000L

static int fail(const char *what, int error)
{
	(void)fprintf(stderr, "origin: %s: %s\n", what, strerror(error));
	return EXIT_FAILURE;
}

static int usage(void)
{
	(void)fputs("usage: origin [NAME SIZE SECONDS]... | --sums | --make DIR | --free-port |"
		    " --wait PORT PATH\n",
		    stderr);
	return 2;
}

/* Flushes stdout: a sum that did not get through is no sum. */
static int finish(void)
{
	return fflush(stdout) || ferror(stdout) ? fail("stdout", errno) : EXIT_SUCCESS;
}

static int serve(int count, char **words)
{
	struct origin_file files[FILES_MAX];
	const struct origin_config config = { .files = files,
					      .file_count = (size_t)count / 3,
					      .faults = true };
	struct origin *origin;
	char byte;
	ssize_t n;
	int rc;

	if (count % 3 || count / 3 > FILES_MAX)
		return usage();
	for (int i = 0; i < count / 3; i++)
		files[i] = (struct origin_file){ .name = words[3 * i],
						 .size = strtoull(words[3 * i + 1], NULL, 10),
						 .seconds = strtod(words[3 * i + 2], NULL) };
	rc = origin_start(&origin, &config);
	if (rc < 0)
		return fail("cannot serve", -rc);
	(void)printf("%u\n", (unsigned)origin_port(origin));
	rc = finish();
	do
		n = rc ? 0 : read(STDIN_FILENO, &byte, 1);
	while (n > 0 || (n < 0 && errno == EINTR));
	origin_stop(origin);
	return rc;
}

static int make_file(const char *dir, const char *name, uint64_t size)
{
	static char chunk[1 << 16];
	char path[4096];
	FILE *file;
	int rc = 0;

	if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
		return -ENAMETOOLONG;
	file = fopen(path, "wxe");
	if (!file)
		return -errno;
	for (uint64_t done = 0; done < size && !rc;) {
		const size_t n = size - done < sizeof chunk ? (size_t)(size - done) : sizeof chunk;

		origin_fill(name, done, chunk, n);
		if (fwrite(chunk, 1, n, file) != n)
			rc = -errno;
		done += n;
	}
	if (fclose(file) && !rc)
		rc = -errno;
	return rc;
}

/* DIR may be NULL: sums only. */
static int sums(const char *dir)
{
	unsigned char sha256[32];
	char line[4096];

	while (fgets(line, sizeof line, stdin)) {
		char *name;
		const uint64_t size = strtoull(line, &name, 10);
		int rc;

		line[strcspn(line, "\n")] = '\0';
		if (name == line || *name++ != ' ' || !*name)
			return usage();
		rc = origin_sha256(name, size, sha256);
		if (!rc && dir)
			rc = make_file(dir, name, size);
		if (rc)
			return fail(name, -rc);
		for (size_t i = 0; i < sizeof sha256; i++)
			(void)printf("%02x", sha256[i]);
		(void)printf("  %s\n", name);
	}
	return finish();
}

static int free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof address;
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, length) ||
	    getsockname(fd, (struct sockaddr *)&address, &length))
		return fail("no port", errno);
	(void)printf("%u\n", (unsigned)ntohs(address.sin_port));
	return finish();
}

/* Does the server at PORT answer GET PATH with 200? */
static int answers(uint16_t port, const char *path)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(port),
					     .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
	const struct timeval patience = { .tv_sec = 1 };
	char text[512] = "";
	int fd, length;
	int ok = 0;

	length = snprintf(text, sizeof text, "GET %s HTTP/1.0\r\n\r\n", path);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || length >= (int)sizeof text)
		return 0;
	if (!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) &&
	    !connect(fd, (const struct sockaddr *)&address, sizeof address) &&
	    send(fd, text, (size_t)length, MSG_NOSIGNAL) == length) {
		const ssize_t n = recv(fd, text, 12, MSG_WAITALL);

		ok = n == 12 && memcmp(text + 8, " 200", 4) == 0;
	}
	(void)close(fd);
	return ok;
}

static int wait_for(const char *port, const char *path)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };

	for (long ms = 0; ms < WAIT_MS; ms += NAP_NS / 1000000) {
		if (answers((uint16_t)strtoul(port, NULL, 10), path))
			return EXIT_SUCCESS;
		(void)nanosleep(&nap, NULL);
	}
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "--sums") == 0 && argc == 2)
		return sums(NULL);
	if (strcmp(what, "--make") == 0 && argc == 3)
		return sums(argv[2]);
	if (strcmp(what, "--free-port") == 0 && argc == 2)
		return free_port();
	if (strcmp(what, "--wait") == 0 && argc == 4)
		return wait_for(argv[2], argv[3]);
	return what[0] == '-' ? usage() : serve(argc - 1, argv + 1);
}
