/* SPDX-License-Identifier: MIT */
/*
 * zmq_fork_fixed.c - fixed: each process makes its context after the fork.
 *
 *	Prints: received, and the worker's context ended
 *	Ends:   exit 0
 *
 * Broken: zmq_fork.c. A process that must fork while it has a context leaves it alone in the
 * child: neither used nor ended.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

static char dir[] = "/tmp/broken.XXXXXX", path[64], endpoint[80];

static int work(void *context)
{
	void *out = zmq_socket(context, ZMQ_PUSH);
	int tries = 0, sent;

	zmq_connect(out, endpoint);
	sent = zmq_send(out, "x", 1, 0);
	zmq_close(out);
	while (zmq_ctx_term(context) < 0 && ++tries < 1000) /* as zmq_ctx_term(3) says */
		;
	if (tries == 1000 && sent == 1)
		printf("the send \"succeeded\", but the context cannot be ended: EINTR, "
		       "%d times of 1000\n",
		       tries);
	fflush(stdout);
	_exit(tries > 0);
}

int main(void)
{
	void *context, *in;
	int status = 1;
	char byte;

	if (!mkdtemp(dir))
		return 2;
	snprintf(path, sizeof path, "%s/socket", dir);
	snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
	if (fork() == 0)
		work(zmq_ctx_new());
	context = zmq_ctx_new();
	in = zmq_socket(context, ZMQ_PULL);
	zmq_bind(in, endpoint); /* a worker that came first connects again until this is done */
	wait(&status);
	if (status == 0 && zmq_recv(in, &byte, 1, 0) == 1)
		puts("received, and the worker's context ended");
	zmq_close(in);
	zmq_ctx_term(context);
	return unlink(path) < 0 || rmdir(dir) < 0 || status != 0;
}
