/* SPDX-License-Identifier: MIT */
/* control.c - see control.h */
#include "config.h"

#include "download/control.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/language.h"

static int watch(const struct control *control, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(control->fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/*
 * Also called after SIGCONT, as the shell may have taken the terminal. If this fails, signals
 * remain.
 */
static void take_keys(struct control *control)
{
	if (!progress_has_rows(control->batch->settings->progress))
		return;
	keys_open(&control->keys);
	if (control->keys.fd >= 0)
		(void)watch(control, control->keys.fd); /* EEXIST: watched already */
}

/* From now on somebody else reads what is typed; it must not wake us. */
static void leave_keys(const struct control *control)
{
	(void)epoll_ctl(control->fd, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
}

int control_open(struct control *control, struct batch *batch)
{
	int rc;

	*control = CONTROL_NONE;
	control->batch = batch;
	rc = signals_open(&control->signals);
	if (rc == 0) {
		control->fd = epoll_create1(EPOLL_CLOEXEC);
		rc = control->fd < 0 ? -errno : watch(control, control->signals.fd);
	}
	if (rc < 0) {
		control_close(control);
		return batch_report(batch, _("cannot receive signals"), NULL, rc);
	}
	take_keys(control);
	return 0;
}

static unsigned read_signals(struct control *control)
{
	struct batch *batch = control->batch;
	unsigned what = 0;
	int signo;

	while ((signo = signals_next(&control->signals))) {
		if (signals_ends(signo)) {
			what |= batch->signo ? CONTROL_AT_ONCE : CONTROL_END;
			if (!batch->signo)
				batch->signo = signo;
			continue;
		}
		progress_resize(batch->settings->progress);
		if (signo == SIGCONT) {
			what |= CONTROL_CONTINUED;
			take_keys(control);
		}
	}
	return what;
}

static unsigned pause_all(struct control *control, bool paused)
{
	if (paused == control->paused)
		return 0;
	control->paused = paused;
	progress_note(control->batch->settings->progress, false,
		      paused ? _("paused: c continues, q ends") : _("continued"));
	return CONTROL_PAUSED;
}

static unsigned read_keys(struct control *control)
{
	const bool had_keys = control->keys.fd >= 0;
	unsigned what = 0;
	int key;

	while ((key = keys_next(&control->keys))) {
		switch (key) {
		case 'p':
		case 'c':
			what ^= pause_all(control, key == 'p'); /* "pc": nothing has changed */
			break;
		case 'q':
			control->batch->stopped = true;
			break;
		case '?':
			progress_note(
				control->batch->settings->progress, false,
				_("p pauses, c continues, q ends and keeps what can be resumed"));
			break;
		default:
			break; /* a person's finger slips */
		}
	}
	if (had_keys && control->keys.fd < 0)
		leave_keys(control);
	return what;
}

unsigned control_read(struct control *control)
{
	const unsigned what = read_signals(control);

	return what | read_keys(control);
}

void control_close(struct control *control)
{
	if (control->keys.fd >= 0)
		leave_keys(control);
	keys_close(&control->keys);
	if (control->fd >= 0)
		(void)close(control->fd);
	control->fd = -1;
	signals_close(&control->signals);
}
