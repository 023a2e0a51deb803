/* SPDX-License-Identifier: MIT */
/*
 * zmq.c - a worker reports the progress of a job over ZeroMQ. The bare mechanism.
 *
 *	cc -D_GNU_SOURCE -o zmq zmq.c -lzmq && ./zmq
 *
 * Each process makes its context after the fork: its threads do not survive one. That a send
 * has succeeded says little, only the answer does; so the worker waits for one before it ends.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#define STEPS     5
#define DIE(what) (fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno())), exit(1))

static void *open_socket(void *context, int type)
{
	void *socket = context ? zmq_socket(context, type) : NULL;
	int ms = 5000; /* no call waits for ever: the other side may be dead */

	if (!socket || zmq_setsockopt(socket, ZMQ_LINGER, &ms, sizeof ms) < 0 ||
	    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &ms, sizeof ms) < 0 ||
	    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &ms, sizeof ms) < 0)
		DIE("zmq_socket");
	return socket;
}

static void work(const char *endpoint)
{
	void *context = zmq_ctx_new(), *socket = open_socket(context, ZMQ_REQ);
	int percent, answer, step;

	if (zmq_connect(socket, endpoint) < 0) /* tries again until the parent has bound */
		DIE("zmq_connect");
	for (step = 1; step <= STEPS; step++) {
		percent = 100 * step / STEPS;
		if (zmq_send(socket, &percent, sizeof percent, 0) < 0 ||
		    zmq_recv(socket, &answer, sizeof answer, 0) != (int)sizeof answer)
			DIE("report");
	}
	zmq_close(socket);
	zmq_ctx_term(context);
}

int main(void)
{
	char dir[] = "/tmp/example.XXXXXX", endpoint[64];
	void *context, *socket;
	int percent = 0, status;
	pid_t worker;

	if (!mkdtemp(dir) || (worker = fork()) < 0) /* mode 0700: nobody else can connect */
		DIE("mkdtemp, fork");
	snprintf(endpoint, sizeof endpoint, "ipc://%s/socket", dir);
	if (worker == 0) {
		work(endpoint);
		return EXIT_SUCCESS;
	}
	context = zmq_ctx_new();
	socket = open_socket(context, ZMQ_REP);
	if (zmq_bind(socket, endpoint) < 0)
		DIE("zmq_bind");
	while (percent < 100 && zmq_recv(socket, &percent, sizeof percent, 0) == sizeof percent) {
		printf("%d%%%s\n", percent, percent == 100 ? " done" : "");
		zmq_send(socket, &percent, sizeof percent, 0); /* if it fails, so does the worker */
	}
	zmq_close(socket);
	zmq_ctx_term(context);
	unlink(endpoint + strlen("ipc://")); /* libzmq leaves it */
	rmdir(dir);
	if (waitpid(worker, &status, 0) != worker)
		DIE("waitpid");
	return percent == 100 && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
