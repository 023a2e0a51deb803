/* SPDX-License-Identifier: MIT */
/* process.c - see process.h */
#include "config.h"

#include "origin/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

struct serving {
	const struct origin_config *config;
	int ready_fd;
};

static int serve(void *arg)
{
	const struct serving *serving = arg;

	origin_serve(serving->config, serving->ready_fd);
}

/* The errno that origin_serve left as its exit status, negative. */
static int error_of(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) ? -WEXITSTATUS(status) : -EIO;
}

int origin_spawn(struct child *origin, uint16_t *port, const struct origin_config *config)
{
	struct serving serving = { .config = config };
	int fds[2];
	ssize_t n;
	int status, rc;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	serving.ready_fd = fds[1];
	rc = spawn(origin, "ipcdemo-origin", serve, &serving);
	(void)close(fds[1]);
	if (rc == 0) {
		do {
			n = read(fds[0], port, sizeof *port);
		} while (n < 0 && errno == EINTR);
		if (n != (ssize_t)sizeof *port) /* it ended before it could listen */
			rc = child_reap(origin, true, &status) == 0 ? error_of(status) : -EIO;
	}
	(void)close(fds[0]);
	return rc;
}
