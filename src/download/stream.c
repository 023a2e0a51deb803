/* SPDX-License-Identifier: MIT */
/*
 * stream.c - `-o -`: one URL to standard output, as it comes. See download.h.
 *
 * What was written cannot be taken back: only an attempt that wrote nothing is made again, and the
 * checksum is known at the end, by the exit code. One file needs no workers, and Ctrl-C leaves
 * nothing behind, so signals keep their default.
 */
#include "config.h"

#include "download/download.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "common/clock.h"
#include "common/exit_code.h"
#include "common/language.h"
#include "common/message.h"
#include "download/retry.h"

struct stream {
	const struct download *download;
	const struct job *job;
	struct progress *progress;
	EVP_MD_CTX *digest;
	uint64_t begun_ns;
	uint64_t bytes;
};

static double elapsed_s(const struct stream *stream)
{
	return (double)(clock_ns() - stream->begun_ns) / (double)NS_PER_S;
}

static void show(const struct stream *stream, enum progress_event_kind kind, uint64_t total,
		 double seconds, const char *reason)
{
	const struct progress_event event = { .kind = kind,
					      .now_ns = clock_ns(),
					      .url = stream->job->shown,
					      .file = _("standard output"),
					      .bytes = stream->bytes,
					      .total = total,
					      .seconds = seconds,
					      .reason = reason };

	progress_event(stream->progress, &event);
}

static int on_progress(void *arg, const struct fetch_progress *progress)
{
	struct stream *stream = arg;

	stream->bytes = progress->bytes;
	show(stream, PROGRESS_MOVED, progress->total, elapsed_s(stream), NULL);
	progress_refresh(stream->progress, clock_ns());
	return progress_reader_gone(stream->progress);
}

static void on_written(const struct fetch_request *request, const void *bytes, size_t n)
{
	struct stream *stream = request->arg;

	(void)EVP_DigestUpdate(stream->digest, bytes, n); /* a wrong sum is told as such */
}

static bool is_right(const struct stream *stream)
{
	unsigned char sha256[SHA256_BYTES];

	return !stream->job->has_sha256 || (EVP_DigestFinal_ex(stream->digest, sha256, NULL) &&
					    memcmp(sha256, stream->job->sha256, SHA256_BYTES) == 0);
}

static void pause_for(double seconds)
{
	const struct timespec pause = { .tv_sec = (time_t)seconds,
					.tv_nsec = (long)(fmod(seconds, 1) * (double)NS_PER_S) };

	(void)nanosleep(&pause, NULL);
}

/* Makes an attempt, and others as long as nothing has been written. */
static struct failure fetch_with_retries(struct stream *stream, struct fetch *fetch,
					 struct fetch_result *result)
{
	const struct fetch_hooks hooks = { .arg = stream, .progress = on_progress };
	const struct fetch_request request = { .url = stream->job->url,
					       .fd = STDOUT_FILENO,
					       .hooks = &hooks,
					       .written = on_written,
					       .arg = stream };
	const struct retry_settings settings = { .retries = stream->download->batch.retries,
						 .all = stream->download->batch.retry_all };
	struct job tried = *stream->job; /* counts its tries */
	char reason[512];
	double delay_s;

	while (fetch_run(fetch, &request, result) < 0 && result->bytes == 0 &&
	       retry_permitted(&settings, &tried, &result->failure, &delay_s)) {
		(void)failure_text(&result->failure, reason, sizeof reason);
		show(stream, PROGRESS_RETRY, result->total, delay_s, reason);
		pause_for(delay_s);
	}
	stream->bytes = result->bytes;
	if (result->failure.kind == FAILURE_NONE && !is_right(stream))
		return (struct failure){ .kind = FAILURE_CHECKSUM };
	return result->failure;
}

static bool stream_job(struct stream *stream, struct fetch *fetch, int *signo)
{
	struct fetch_result result;
	struct failure failure;
	char reason[512];

	show(stream, PROGRESS_START, PROGRESS_SIZE_UNKNOWN, 0, NULL);
	failure = fetch_with_retries(stream, fetch, &result);
	if (failure.kind == FAILURE_NONE) {
		show(stream, PROGRESS_DONE, result.total, elapsed_s(stream), NULL);
		return true;
	}
	if (failure.kind == FAILURE_WRITE && failure.code == EPIPE)
		*signo = SIGPIPE;
	show(stream, PROGRESS_FAILED, result.total, elapsed_s(stream),
	     failure_text(&failure, reason, sizeof reason));
	return false;
}

static void summarize(const struct stream *stream, bool ok, int signo)
{
	const double wall_s = elapsed_s(stream);
	const struct progress_summary summary = { .model = download_models[MODEL_SEQUENTIAL],
						  .jobs = 1,
						  .ok = ok,
						  .failed = !ok,
						  .wall_s = wall_s,
						  .bytes = stream->bytes,
						  .job_seconds = wall_s,
						  .concurrency = 1,
						  .signal = signo,
						  .workers = 1 };

	progress_summary(stream->progress, &summary);
}

int download_stream(const struct download *download, const struct job *job, int *signo)
{
	struct progress_config display = download->display;
	struct stream stream = { .download = download, .job = job, .begun_ns = clock_ns() };
	struct fetch *fetch = fetch_new(&download->batch.fetch);
	bool ok = false;

	display.workers = display.jobs = 1;
	display.model = download_models[MODEL_SEQUENTIAL];
	display.ipc = NULL;
	stream.progress = progress_open(&display);
	stream.digest = EVP_MD_CTX_new();
	if (!fetch || !stream.progress || !stream.digest ||
	    !EVP_DigestInit_ex(stream.digest, EVP_sha256(), NULL)) {
		message_error(_("cannot prepare a transfer: %s"), language_errno(ENOMEM));
	} else {
		fetch_set_rate(fetch, download->batch.limit_rate);
		ok = stream_job(&stream, fetch, signo);
		summarize(&stream, ok, *signo);
	}
	(void)progress_close(stream.progress); /* nothing of it goes to standard output */
	EVP_MD_CTX_free(stream.digest);
	fetch_free(fetch);
	return ok ? EXIT_ALL_DONE : EXIT_JOB_FAILED;
}
