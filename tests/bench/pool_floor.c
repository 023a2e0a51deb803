/* SPDX-License-Identifier: MIT */
/*
 * pool_floor.c - the floor of a download: what the work itself costs when nothing is reported,
 * checked or committed. `make speed` puts ipcdemo beside it.
 *
 *	pool_floor WORKERS DIR URLFILE
 *
 * WORKERS processes take the next line from one shared counter, each with one libcurl handle that
 * it keeps, and write straight into the final name, the last component of the URL. The transfers
 * are set up as those of ipcdemo, so that the difference is its processes' talk and its care.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curl.h>

#define RECEIVE_BYTES (512 * 1024)
#define WORKERS_MAX   4096

struct list {
	char **urls;
	size_t count, cap;
};

static int list_add(struct list *list, const char *url)
{
	size_t cap = list->cap ? 2 * list->cap : 64;
	char **urls = list->urls;

	if (list->count == list->cap) {
		urls = reallocarray(urls, cap, sizeof *urls);
		if (!urls)
			return -ENOMEM;
		list->urls = urls;
		list->cap = cap;
	}
	urls[list->count] = strdup(url);
	return urls[list->count++] ? 0 : -ENOMEM;
}

static int list_read(struct list *list, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	int rc = 0;

	if (!file)
		return -errno;
	while (rc == 0 && getline(&line, &cap, file) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		if (*line)
			rc = list_add(list, line);
	}
	if (rc == 0 && ferror(file))
		rc = -EIO;
	free(line);
	(void)fclose(file); /* it was only read */
	return rc;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	const int *fd = arg;
	size_t left = n * size;
	ssize_t written;

	while (left > 0) {
		written = TEMP_FAILURE_RETRY(write(*fd, data, left));
		if (written < 0)
			return 0; /* libcurl ends with CURLE_WRITE_ERROR */
		data += written;
		left -= (size_t)written;
	}
	return n * size;
}

static CURL *handle_new(int *fd)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		return NULL;
	if (curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) ||
	    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L) ||
	    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES) ||
	    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) ||
	    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) ||
	    curl_easy_setopt(easy, CURLOPT_WRITEDATA, fd)) {
		curl_easy_cleanup(easy);
		return NULL;
	}
	return easy;
}

static int fetch(CURL *easy, int *fd, int dirfd, const char *url)
{
	const char *slash = strrchr(url, '/');
	CURLcode rc;

	*fd = openat(dirfd, slash ? slash + 1 : url, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		     0666);
	if (*fd < 0)
		return -errno;
	rc = curl_easy_setopt(easy, CURLOPT_URL, url);
	if (rc == CURLE_OK)
		rc = curl_easy_perform(easy);
	if (close(*fd) < 0)
		return -errno;
	if (rc != CURLE_OK)
		(void)fprintf(stderr, "pool_floor: %s: %s\n", url, curl_easy_strerror(rc));
	return rc == CURLE_OK ? 0 : -EIO;
}

static int work(const struct list *list, atomic_size_t *next, int dirfd)
{
	int fd = -1;
	CURL *easy = handle_new(&fd);
	size_t i;

	if (!easy)
		return EXIT_FAILURE;
	/* Nothing but the number is shared, so no order is needed. */
	while ((i = atomic_fetch_add_explicit(next, 1, memory_order_relaxed)) < list->count)
		if (fetch(easy, &fd, dirfd, list->urls[i]) < 0)
			return EXIT_FAILURE;
	return EXIT_SUCCESS; /* the process ends: its handle with it */
}

/* Forks the workers and waits for them. True if all of them succeeded. */
static bool run(const struct list *list, atomic_size_t *next, int dirfd, unsigned workers)
{
	bool good = true;
	unsigned i, forked = 0;
	int status;

	for (i = 0; i < workers; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(work(list, next, dirfd));
		if (pid > 0)
			forked++;
		else
			good = false;
	}
	while (forked > 0) {
		if (TEMP_FAILURE_RETRY(wait(&status)) < 0)
			return false;
		good = good && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
		forked--;
	}
	return good;
}

static int fail(const char *what, int error)
{
	(void)fprintf(stderr, "pool_floor: %s: %s\n", what, strerror(error));
	return EXIT_FAILURE;
}

static int usage(void)
{
	(void)fputs("usage: pool_floor WORKERS DIR URLFILE\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct list list = { .urls = NULL };
	atomic_size_t *next;
	unsigned long workers;
	char *end;
	int dirfd, rc;

	if (argc != 4)
		return usage();
	workers = strtoul(argv[1], &end, 10);
	if (*end || workers < 1 || workers > WORKERS_MAX)
		return usage();
	dirfd = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return fail(argv[2], errno);
	rc = list_read(&list, argv[3]);
	if (rc < 0)
		return fail(argv[3], -rc);
	next = mmap(NULL, sizeof *next, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (next == MAP_FAILED)
		return fail("mmap", errno);
	atomic_init(next, 0);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return fail("libcurl", EIO);
	return run(&list, next, dirfd, (unsigned)workers) ? EXIT_SUCCESS : EXIT_FAILURE;
}
