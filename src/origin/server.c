/* SPDX-License-Identifier: MIT */
/*
 * server.c - the embedded HTTP origin: from a request to a plan, and from a plan to
 * bytes on a socket.
 *
 * Every connection has a thread of its own. A paced body is then a plain loop that
 * sleeps between steps, a stalled one a thread that waits: neither holds up another
 * connection, and no timer, suspended connection or wake-up is needed. The price, a
 * 256 KiB stack that is hardly touched, does not matter for the connections of one
 * ipcdemo (at most one per worker). While it sleeps, a thread watches its own socket,
 * so that it ends as soon as the client or origin_stop hangs up.
 */
#include "config.h"

#include "origin/origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#include "common/clock.h"
#include "common/hex.h"
#include "origin/plan.h"

#define BLOCK_BYTES     (128U * 1024)
#define STACK_BYTES     (256U * 1024)
#define CONNECTIONS_MAX 4096U
#define BACKLOG         1024U

#define RANGES_ETAG "\"1\""

/* A paced body grows in steps of so long: short enough for a smooth progress bar. */
#define STEP_S 0.02

#define GATE_LOOK_NS (10 * NS_PER_MS) /* between two looks at a gate */

struct origin {
	const struct origin_config *config;
	struct origin_faults *faults; /* NULL: none are served */
	struct MHD_Daemon *daemon;
	uint16_t port;
};

/* One answer under way. */
struct reply {
	struct origin_plan plan;
	struct origin_faults *faults; /* the origin's */
	int fd;                       /* the connection's; libmicrohttpd's */
	uint64_t start_ns;
	char path[]; /* plan.name points into it */
};

/* Sleeps until DUE_NS; false as soon as the other side of FD hangs up. */
static bool wait_until(int fd, uint64_t due_ns)
{
	/* POLLRDHUP: a stalled body sends nothing, so no EPIPE would report a hang-up. */
	struct pollfd poll_fd = { .fd = fd, .events = POLLRDHUP };
	uint64_t now;

	while ((now = clock_ns()) < due_ns) {
		const uint64_t left = due_ns - now;
		const struct timespec timeout = { .tv_sec = (time_t)(left / NS_PER_S),
						  .tv_nsec = (long)(left % NS_PER_S) };
		const int n = ppoll(&poll_fd, 1, &timeout, NULL);

		if (n > 0 || (n < 0 && errno != EINTR))
			return false;
	}
	return true;
}

/*
 * Waits until the bytes behind POS are due; returns how many, N at most; 0: the client is gone.
 * What is due is computed from the start, so that delays do not add up.
 */
static size_t pace(const struct reply *reply, uint64_t pos, size_t n)
{
	const double total = (double)reply->plan.sent;
	const double seconds = reply->plan.seconds;
	const double per_step = total * STEP_S / seconds;
	const size_t step = per_step < 1 ? 1 : per_step > (double)n ? n : (size_t)per_step;
	const double due_s = (double)(pos + step) / total * seconds;

	if (!wait_until(reply->fd, reply->start_ns + (uint64_t)(due_s * (double)NS_PER_S)))
		return 0;
	return step;
}

/* False: the client is gone. */
static bool wait_for_gate(const struct reply *reply)
{
	while (!origin_faults_gate_is_open(reply->faults, reply->plan.gate))
		if (!wait_until(reply->fd, clock_ns() + GATE_LOOK_NS))
			return false;
	return true;
}

/* connect(2): AF_UNSPEC dissolves the association, for TCP on Linux by a RST at once. */
static void reset_connection(int fd)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };

	(void)connect(fd, &none, sizeof none); /* if it fails, the close that follows has to do */
}

static ssize_t end_reply(const struct reply *reply)
{
	switch (reply->plan.ending) {
	case END_CLEAN:
		return MHD_CONTENT_READER_END_OF_STREAM;
	case END_STALL:
		(void)wait_until(reply->fd, UINT64_MAX); /* until the client hangs up */
		break;
	case END_RESET:
		reset_connection(reply->fd);
		break;
	case END_CLOSE:
		break;
	}
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* Fills in up to MAX bytes from POS on. In the connection's own thread, so it may sleep. */
static ssize_t read_body(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct reply *reply = cls;
	const struct origin_plan *plan = &reply->plan;
	size_t n;

	if (pos >= plan->sent)
		return end_reply(reply);
	n = plan->sent - pos < max ? (size_t)(plan->sent - pos) : max;
	if (plan->held > pos)
		n = plan->held - pos < n ? (size_t)(plan->held - pos) : n;
	else if (plan->held && !wait_for_gate(reply))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (plan->seconds > 0) {
		if (!pos)
			reply->start_ns = clock_ns();
		n = pace(reply, pos, n);
		if (!n)
			return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	origin_fill(plan->name, plan->first + pos, buf, n);
	return (ssize_t)n;
}

/* Sends TEXT as it is, past libmicrohttpd. False when the client is gone. */
static bool send_text(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
		const ssize_t n = send(fd, text, left, MSG_NOSIGNAL);

		if (n >= 0) {
			text += n;
			left -= (size_t)n;
		} else if (errno == EAGAIN) {
			(void)poll(&poll_fd, 1, -1); /* a failure shows at the next send */
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

static void send_raw(int fd, const struct origin_raw *raw)
{
	bool ok = send_text(fd, raw->head);

	for (unsigned i = 0; i < raw->count && ok; i++)
		ok = send_text(fd, raw->unit);
	if (ok)
		(void)send_text(fd, raw->tail); /* some faults make the client leave early */
}

static const char *etag_of(const struct origin_plan *plan)
{
	return plan->etag ? plan->etag : RANGES_ETAG;
}

static bool add_range_headers(struct MHD_Response *response, const struct origin_plan *plan)
{
	const unsigned long long first = plan->first + plan->shift, whole = plan->whole;
	char range[80];

	if (!plan->ranges)
		return true;
	(void)snprintf(range, sizeof range, "bytes %llu-%llu/%llu", first,
		       first + plan->announced - 1, whole);
	if (plan->status == MHD_HTTP_PARTIAL_CONTENT &&
	    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, range) != MHD_YES)
		return false;
	return MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes") ==
		       MHD_YES &&
	       MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, etag_of(plan)) == MHD_YES;
}

/* The part of the body that is asked for, if that is of this version. */
static void take_range(struct MHD_Connection *connection, struct origin_plan *plan)
{
	const char *range =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_RANGE);
	const char *version =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_RANGE);
	unsigned long long first, last = 0;
	char dash;
	int n;

	if (!range || plan->ignores_range || (version && strcmp(version, etag_of(plan)) != 0))
		return;
	n = sscanf(range, "bytes=%llu%c%llu", &first, &dash, &last);
	if (n < 2 || dash != '-')
		return;
	if (first >= plan->announced) {
		plan->status = MHD_HTTP_RANGE_NOT_SATISFIABLE;
		plan->ranges = false;
		return;
	}
	plan->status = MHD_HTTP_PARTIAL_CONTENT;
	plan->first = first;
	plan->whole = plan->announced;
	plan->announced -= first;
	if (n == 3 && last >= first && last - first < plan->announced)
		plan->announced = last - first + 1;
	if (plan->sent > plan->announced)
		plan->sent = plan->announced;
}

/* Takes RESPONSE over, NULL (no memory) too: MHD_NO then closes the connection. */
static enum MHD_Result queue(struct MHD_Connection *connection, const struct origin_plan *plan,
			     struct MHD_Response *response)
{
	enum MHD_Result rc = MHD_NO;

	if (!response)
		return MHD_NO;
	if ((!plan->header ||
	     MHD_add_response_header(response, plan->header, plan->header_value) == MHD_YES) &&
	    add_range_headers(response, plan))
		rc = MHD_queue_response(connection, plan->status, response);
	MHD_destroy_response(response);
	return rc;
}

/* The body of a status is a line of text, which a client must never take for the file. */
static enum MHD_Result answer_status(struct MHD_Connection *connection,
				     const struct origin_plan *plan)
{
	static char text[] = "not the file\n";

	return queue(
		connection, plan,
		MHD_create_response_from_buffer(sizeof text - 1, text, MHD_RESPMEM_PERSISTENT));
}

/* Takes REPLY over. */
static enum MHD_Result answer_body(struct MHD_Connection *connection, struct reply *reply)
{
	const struct origin_plan *plan = &reply->plan;
	const size_t block = plan->sent >= BLOCK_BYTES ? BLOCK_BYTES : (size_t)plan->sent + 1;
	struct MHD_Response *response =
		MHD_create_response_from_callback(plan->announced, block, read_body, reply, free);

	if (!response)
		free(reply);
	else if (plan->close_delimited || plan->http_1_0)
		(void)MHD_set_response_options(response,
					       plan->http_1_0 ? MHD_RF_HTTP_1_0_SERVER :
								MHD_RF_HTTP_1_0_COMPATIBLE_STRICT,
					       MHD_RO_END);
	return queue(connection, plan, response);
}

/* False for a % without two digits and for %00, which would hide what follows. */
static bool percent_decode(char *out, const char *in)
{
	for (; *in; in++) {
		int byte;

		if (*in != '%') {
			*out++ = *in;
			continue;
		}
		byte = hex_byte(in + 1);
		if (byte <= 0)
			return false;
		*out++ = (char)byte;
		in += 2;
	}
	*out = '\0';
	return true;
}

/* Plans the answer to PATH, which is decoded; a status where there is nothing to send. */
static void find(const struct origin *origin, const char *path, struct origin_plan *plan)
{
	static const char bytes[] = "bytes/", fault[] = "fault/";

	for (size_t i = 0; i < origin->config->file_count; i++) {
		const struct origin_file *file = &origin->config->files[i];

		if (strcmp(file->name, path) != 0)
			continue;
		plan->name = path;
		plan->announced = plan->sent = file->size;
		plan->seconds = file->seconds;
		return;
	}
	if (strncmp(path, bytes, sizeof bytes - 1) == 0) {
		path += sizeof bytes - 1;
		if (origin_take_number(&path, &plan->sent) && *path &&
		    plan->sent <= ORIGIN_SIZE_MAX) {
			plan->name = path;
			plan->announced = plan->sent;
			return;
		}
	} else if (origin->faults && strncmp(path, fault, sizeof fault - 1) == 0) {
		if (origin_faults_plan(origin->faults, path + sizeof fault - 1, plan) == 0)
			return;
	}
	plan->status = MHD_HTTP_NOT_FOUND;
}

static enum MHD_Result answer(const struct origin *origin, struct MHD_Connection *connection,
			      const char *url)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct reply *reply = calloc(1, sizeof *reply + strlen(url) + 1);
	enum MHD_Result rc = MHD_NO;

	if (!info || !reply)
		goto out;
	reply->fd = info->connect_fd;
	reply->faults = origin->faults;
	reply->plan.status = MHD_HTTP_OK;
	if (url[0] == '/' && percent_decode(reply->path, url + 1))
		find(origin, reply->path, &reply->plan);
	else
		reply->plan.status = MHD_HTTP_BAD_REQUEST;
	if (reply->plan.ranges)
		take_range(connection, &reply->plan);
	if (reply->plan.status == MHD_HTTP_OK || reply->plan.status == MHD_HTTP_PARTIAL_CONTENT)
		return answer_body(connection, reply);
	if (reply->plan.status)
		rc = answer_status(connection, &reply->plan);
	else
		send_raw(reply->fd, reply->plan.raw);
out:
	free(reply);
	return rc;
}

/*
 * libmicrohttpd calls this when the headers are in, and again when the request is complete. An
 * answer to the first call would close the connection after it, for fear of a body to come.
 * parameters: of libmicrohttpd's callback
 */
static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **request)
{
	static const struct origin_plan not_allowed = { .status = MHD_HTTP_METHOD_NOT_ALLOWED,
							.header = MHD_HTTP_HEADER_ALLOW,
							.header_value = "GET, HEAD" };

	(void)version;
	(void)upload;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer_status(connection, &not_allowed);
	if (!*request) {
		*request = cls; /* any value that says "seen" */
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0; /* a GET with a body is legal, and means nothing */
		return MHD_YES;
	}
	return answer(cls, connection, url);
}

/* The library would decode leniently ("%zz" stays, "%00" cuts); answer() does it strictly. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return strlen(text);
}

/* 0 or -errno. The library reports failures by errno, if at all. */
static int start_daemon(struct origin *origin)
{
	const struct sockaddr_in loopback = { .sin_family = AF_INET,
					      .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
	const union MHD_DaemonInfo *info;

	errno = 0;
	/* MHD_USE_POLL: select() would be lost beyond descriptor 1023. */
	origin->daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, 0,
		NULL, NULL, handle, origin, MHD_OPTION_SOCK_ADDR, &loopback,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_THREAD_STACK_SIZE,
		(size_t)STACK_BYTES, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
		MHD_OPTION_LISTEN_BACKLOG_SIZE, BACKLOG, MHD_OPTION_END);
	if (!origin->daemon)
		return errno ? -errno : -EIO;
	info = MHD_get_daemon_info(origin->daemon, MHD_DAEMON_INFO_BIND_PORT);
	if (!info || !info->port)
		return -EIO;
	origin->port = info->port;
	return 0;
}

int origin_start(struct origin **result, const struct origin_config *config)
{
	struct origin *origin = calloc(1, sizeof *origin);
	int rc = -ENOMEM;

	*result = NULL;
	if (!origin)
		return -ENOMEM;
	origin->config = config;
	if (config->faults) {
		origin->faults = origin_faults_new();
		if (!origin->faults)
			goto fail;
	}
	rc = start_daemon(origin);
	if (rc < 0)
		goto fail;
	*result = origin;
	return 0;
fail:
	origin_stop(origin);
	return rc;
}

uint16_t origin_port(const struct origin *origin)
{
	return origin->port;
}

void origin_stop(struct origin *origin)
{
	if (!origin)
		return;
	if (origin->daemon)
		MHD_stop_daemon(origin->daemon);
	origin_faults_free(origin->faults);
	free(origin);
}

_Noreturn void origin_serve(const struct origin_config *config, int ready_fd)
{
	/* Ctrl-C and a hang-up reach the whole group; the parent decides when the origin ends. */
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct origin *origin;
	uint16_t port;
	ssize_t n;
	int rc;

	(void)sigaction(SIGINT, &ignore, NULL); /* cannot fail for these two */
	(void)sigaction(SIGHUP, &ignore, NULL);
	rc = origin_start(&origin, config);
	if (rc < 0)
		_exit(-rc);
	port = origin_port(origin);
	do
		n = write(ready_fd, &port, sizeof port);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof port)
		_exit(EPIPE);
	(void)close(ready_fd); /* a pipe's close has nothing to report */
	for (;;)
		(void)pause();
}
