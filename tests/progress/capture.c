/* SPDX-License-Identifier: MIT */
/* capture.c - a child with memory files for its streams. */
#include "config.h"

#include "tests/progress/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

const struct progress_event capture_job = {
	.job = 3,
	.worker = 1,
	.pid = 4711,
	.url = "http://localhost/a.pdf",
	.dir = "out",
	.file = "a.pdf",
	.bytes = MIB,
	.total = 4 * MIB,
	.seconds = 2,
	.reason = "HTTP 404 Not Found",
};

void capture_event(struct progress *progress, enum progress_event_kind kind, uint64_t now_ns)
{
	struct progress_event event = capture_job;

	event.kind = kind;
	event.now_ns = now_ns;
	progress_event(progress, &event);
}

static const struct progress_summary summary = {
	.ipc = "unix",
	.model = "process",
	.jobs = 4,
	.ok = 3,
	.failed = 1,
	.wall_s = 3.2,
	.bytes = 13002342,
	.records = 77,
	.wakeups = 60,
	.ipc_cpu_s = 0.25,
	.job_seconds = 6.1,
	.concurrency = 1.90625,
};

void capture_all(struct progress *progress)
{
	capture_event(progress, PROGRESS_START, SECOND);
	capture_event(progress, PROGRESS_MOVED, SECOND);
	capture_event(progress, PROGRESS_RETRY, SECOND);
	capture_event(progress, PROGRESS_START, SECOND);
	capture_event(progress, PROGRESS_DONE, SECOND);
	capture_event(progress, PROGRESS_SKIPPED, SECOND);
	capture_event(progress, PROGRESS_FAILED, SECOND);
	progress_note(progress, false, "a note");
	progress_note(progress, true, "an error");
	progress_summary(progress, &summary);
}

static void slurp(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
}

_Noreturn void capture_child(const struct progress_config *config,
			     void (*script)(struct progress *), int out, int err)
{
	struct progress *progress;

	(void)setenv("LC_ALL", "C", 1);
	(void)setenv("TERM", "xterm", 1);
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	if (dup2(out, STDOUT_FILENO) < 0 || (err >= 0 && dup2(err, STDERR_FILENO) < 0))
		_exit(255);
	progress = progress_open(config);
	if (!progress)
		_exit(254);
	script(progress);
	_exit(-progress_close(progress));
}

int capture_to(const struct progress_config *config, void (*script)(struct progress *), int out,
	       int err)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		capture_child(config, script, out, err);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

struct output *capture(const struct progress_config *config, void (*script)(struct progress *))
{
	struct output *output = calloc(1, sizeof *output);
	int out = memfd_create("stdout", MFD_CLOEXEC);
	int err = memfd_create("stderr", MFD_CLOEXEC);

	assert_non_null(output);
	assert_true(out >= 0 && err >= 0);
	output->closed = capture_to(config, script, out, err);
	slurp(out, output->out, sizeof output->out);
	slurp(err, output->err, sizeof output->err);
	(void)close(out);
	(void)close(err);
	return output;
}
