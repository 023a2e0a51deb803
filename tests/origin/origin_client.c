/* SPDX-License-Identifier: MIT */
/*
 * origin_client.c - an HTTP/1.1 client of plain sockets. It reads exactly what an answer
 * holds, so that what a keep-alive connection brings next stays for the next answer.
 */
#include "config.h"

#include "tests/origin/origin_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "origin/origin.h"

void client_open(struct client *client, uint16_t port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(port),
					     .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };

	client->at = client->have = 0;
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(client->fd >= 0);
	assert_int_equal(connect(client->fd, (const struct sockaddr *)&address, sizeof address), 0);
}

void client_send(struct client *client, const char *method, const char *path)
{
	char text[2048];
	const int n = snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
			       method, path);

	assert_in_range(n, 1, sizeof text - 1);
	assert_int_equal(send(client->fd, text, (size_t)n, MSG_NOSIGNAL), n);
}

void client_close(struct client *client)
{
	(void)close(client->fd);
	client->fd = -1;
}

/* The result of recv: what came, 0 at the end, -1 with errno. */
static ssize_t fill(struct client *client)
{
	ssize_t n;

	if (client->at == client->have)
		client->at = client->have = 0;
	assert_true(client->have < sizeof client->buf);
	do
		n = recv(client->fd, client->buf + client->have, sizeof client->buf - client->have,
			 0);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		client->have += (size_t)n;
	return n;
}

size_t client_fill(struct client *client)
{
	(void)fill(client); /* an end by reset is an end too */
	return client->have - client->at;
}

/* Sets the end when nothing more comes. */
static bool more(struct client *client, struct answer *answer)
{
	const ssize_t n = fill(client);

	if (n > 0)
		return true;
	answer->end = n < 0 && errno == ECONNRESET ? END_BY_RESET : END_CUT;
	return false;
}

/* One line without its CR LF. False at the end. */
static bool read_line(struct client *client, struct answer *answer, char *line, size_t size)
{
	for (;;) {
		const char *start = client->buf + client->at;
		const char *end = memchr(start, '\n', client->have - client->at);

		if (end) {
			size_t n = (size_t)(end - start);

			client->at += n + 1;
			n -= n && start[n - 1] == '\r';
			assert_in_range(n, 0, size - 1);
			memcpy(line, start, n);
			line[n] = '\0';
			return true;
		}
		if (!more(client, answer))
			return false;
	}
}

static bool read_head(struct client *client, struct answer *answer)
{
	size_t used = 0;
	char line[1024];

	if (!read_line(client, answer, line, sizeof line))
		return false;
	if (sscanf(line, "HTTP/1.1 %d", &answer->status) != 1) {
		answer->end = END_BAD;
		return false;
	}
	while (read_line(client, answer, line, sizeof line)) {
		if (!*line)
			return true;
		used += (size_t)snprintf(answer->head + used, sizeof answer->head - used, "%s\n",
					 line);
		assert_in_range(used, 0, sizeof answer->head - 1);
		if (strncasecmp(line, "Content-Length: ", 16) == 0) {
			answer->sized = true;
			answer->length = strtoull(line + 16, NULL, 10);
		}
		if (strcasecmp(line, "Transfer-Encoding: chunked") == 0)
			answer->chunked = true;
	}
	return false;
}

/* Up to N bytes more of the body. False: the connection ended before. */
static bool read_bytes(struct client *client, struct answer *answer, uint64_t n)
{
	while (n) {
		size_t part = client->have - client->at;

		if (!part) {
			if (!more(client, answer))
				return false;
			continue;
		}
		part = part < n ? part : (size_t)n;
		answer->body = realloc(answer->body, answer->size + part);
		assert_non_null(answer->body);
		memcpy(answer->body + answer->size, client->buf + client->at, part);
		answer->size += part;
		client->at += part;
		n -= part;
	}
	return true;
}

static void read_chunks(struct client *client, struct answer *answer)
{
	char line[64];

	while (read_line(client, answer, line, sizeof line)) {
		char *end;
		const uint64_t n = strtoull(line, &end, 16);

		if (end == line || *end) {
			answer->end = END_BAD;
			return;
		}
		if (!read_bytes(client, answer, n) || !read_line(client, answer, line, sizeof line))
			return;
		if (!n) {
			answer->end = END_OK;
			return;
		}
	}
}

void client_read(struct client *client, const char *method, struct answer *answer)
{
	memset(answer, 0, sizeof *answer);
	if (!read_head(client, answer))
		return;
	answer->end = END_OK;
	if (strcmp(method, "HEAD") == 0 || answer->status == 204)
		return;
	if (answer->chunked) {
		read_chunks(client, answer);
	} else if (answer->sized) {
		(void)read_bytes(client, answer, answer->length); /* answer->end tells */
	} else if (!read_bytes(client, answer, UINT64_MAX) && answer->end == END_CUT) {
		answer->end = END_OK; /* no length and no chunks: the close is the end */
	}
}

void answer_free(struct answer *answer)
{
	free(answer->body);
	answer->body = NULL;
}

void client_get(uint16_t port, const char *path, struct answer *answer)
{
	struct client client;

	client_open(&client, port);
	client_send(&client, "GET", path);
	client_read(&client, "GET", answer);
	client_close(&client);
}

bool answer_has(const struct answer *answer, const char *header)
{
	const size_t n = strlen(header);

	for (const char *line = answer->head; *line; line += strcspn(line, "\n") + 1) {
		if (strncasecmp(line, header, n) == 0 && line[n] == '\n')
			return true;
	}
	return false;
}

bool answer_is(const struct answer *answer, const char *name, uint64_t size)
{
	unsigned char *expected = malloc(size + 1);
	bool same;

	assert_non_null(expected);
	origin_fill(name, 0, expected, size);
	same = answer->size == size && (!size || memcmp(answer->body, expected, size) == 0);
	free(expected);
	return same;
}
