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

const struct ui_event capture_job = {
	.job = 3,
	.worker = 1,
	.url = "http://localhost/a.pdf",
	.file = "a.pdf",
	.bytes = MIB,
	.total = 4 * MIB,
	.seconds = 2,
	.reason = "HTTP 404 Not Found",
};

void capture_tell(struct ui *ui, enum ui_kind kind, uint64_t now_ns)
{
	struct ui_event event = capture_job;

	event.kind = kind;
	event.now_ns = now_ns;
	ui_event(ui, &event);
}

static const struct ui_summary summary = {
	.ipc = "unix",
	.model = "process",
	.jobs = 4,
	.ok = 3,
	.failed = 1,
	.wall_s = 3.2,
	.bytes = 13002342,
	.records = 77,
	.job_seconds = 6.1,
	.concurrency = 1.90625,
};

void capture_all(struct ui *ui)
{
	capture_tell(ui, UI_START, SECOND);
	capture_tell(ui, UI_MOVED, SECOND);
	capture_tell(ui, UI_RETRY, SECOND);
	capture_tell(ui, UI_START, SECOND);
	capture_tell(ui, UI_DONE, SECOND);
	capture_tell(ui, UI_SKIPPED, SECOND);
	capture_tell(ui, UI_FAILED, SECOND);
	ui_note(ui, false, "a note");
	ui_note(ui, true, "an error");
	ui_summary(ui, &summary);
}

static void slurp(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
}

_Noreturn void capture_child(const struct ui_config *config, void (*script)(struct ui *), int out,
			     int err)
{
	struct ui *ui;

	alarm(30);
	(void)setenv("LC_ALL", "C", 1);
	(void)setenv("TERM", "xterm", 1);
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	if (dup2(out, STDOUT_FILENO) < 0 || (err >= 0 && dup2(err, STDERR_FILENO) < 0))
		_exit(255);
	ui = ui_open(config);
	if (!ui)
		_exit(254);
	script(ui);
	_exit(-ui_close(ui));
}

int capture_to(const struct ui_config *config, void (*script)(struct ui *), int out, int err)
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

struct output *capture(const struct ui_config *config, void (*script)(struct ui *))
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
