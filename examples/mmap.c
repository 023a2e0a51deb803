/* SPDX-License-Identifier: MIT */
/*
 * mmap.c - a worker reports the progress of a job in a mapped file. The bare mechanism.
 *
 *	cc -D_GNU_SOURCE -o mmap mmap.c && ./mmap
 *
 * The file survives both processes: worker and hub are killed, and a hub that starts again reads
 * what was reported. (If the machine crashes, what counts is what msync has written.)
 */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS     5
#define DIE(what) (perror(what), exit(EXIT_FAILURE))

struct board {
	_Atomic uint32_t count; /* of the reports below; only the worker writes it */
	uint32_t percent[STEPS];
};

static struct board *map(int fd)
{
	void *memory = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		DIE("mmap");
	return memory;
}

/* Works, reports, and with the last report its life is over, and so is the hub's. */
static void worker(struct board *board, int hub)
{
	uint32_t i;

	for (i = 0; i < STEPS; i++) {
		board->percent[i] = 100 * (i + 1) / STEPS;
		/* Release: whoever sees the count sees the report. */
		atomic_store_explicit(&board->count, i + 1, memory_order_release);
	}
	kill(hub, SIGKILL);
	kill(getpid(), SIGKILL);
}

int main(void)
{
	char name[] = "/tmp/example-mmap-XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC), hub, status;
	const struct board *board;
	uint32_t count, i;

	if (fd < 0 || posix_fallocate(fd, 0, sizeof(struct board)) != 0) /* ftruncate: SIGBUS */
		DIE("mkostemp");
	if ((hub = fork()) == 0) {
		if ((hub = fork()) == 0)
			worker(map(fd), getppid());
		while (hub > 0)
			pause(); /* reads nothing before it is killed */
	}
	if (hub < 0)
		DIE("fork");
	close(fd);
	if (waitpid(hub, &status, 0) != hub || !WIFSIGNALED(status))
		DIE("waitpid");
	fd = open(name, O_RDWR | O_CLOEXEC); /* as a new process would, tomorrow */
	if (fd < 0 || unlink(name) < 0)
		DIE("open");
	board = map(fd);
	count = atomic_load_explicit(&board->count, memory_order_acquire);
	for (i = 0; i < count && i < STEPS; i++) /* a count is only a claim */
		printf("%u%%%s\n", board->percent[i], i + 1 == STEPS ? " done" : "");
	return i == STEPS ? EXIT_SUCCESS : EXIT_FAILURE;
}
