/* SPDX-License-Identifier: MIT */
/* sandbox.c - see sandbox.h */
#include "config.h"

#include "download/sandbox_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/seccomp.h>

#include "common/fd_message.h"
#include "common/language.h"
#include "common/spawn.h"

#define OFFER_NAP_NS 5000000 /* between two tries to send the listener ... */
#define OFFER_NAPS   50      /* ... at most so many */
#define FDS_OF_SLOT  64      /* sockets, files and channel ends that one worker may have at once */

const char *const sandbox_modes[] = { "off", "auto", "require", NULL };

/* ---- in the worker ---- */

static int limit(__rlimit_resource_t resource, rlim_t value)
{
	const struct rlimit both = { value, value };
	struct rlimit now;

	if (getrlimit(resource, &now) == 0 && now.rlim_max <= value)
		return 0; /* the caller's own is as low */
	return setrlimit(resource, &both) < 0 ? -errno : 0;
}

int sandbox_enter_files(const struct sandbox *sandbox)
{
	int rc = limit(RLIMIT_CORE, 0); /* it would hold passwords */

	/*
	 * Of this user's processes only the parent may look into its memory or take its
	 * descriptors.
	 */
	if (rc == 0 && !sandbox->dumpable && prctl(PR_SET_DUMPABLE, 0) < 0)
		rc = -errno;
	if (rc == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		rc = -errno;
	if (rc == 0 && sandbox->ruleset >= 0) {
		rc = sandbox_files_enter(sandbox->ruleset);
		(void)close(sandbox->ruleset);
	}
	return rc;
}

/* Root may write into directories of others; a worker needs none of its other powers. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const __u32 keep = 1u << CAP_DAC_OVERRIDE;
	struct __user_cap_data_struct data[2];

	if (geteuid() != 0)
		return 0;
	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	data[0] = (struct __user_cap_data_struct){ .effective = data[0].effective & keep,
						   .permitted = data[0].permitted & keep };
	data[1] = (struct __user_cap_data_struct){ 0 };
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/*
 * All processes of this user together may have no more descriptors under way to each other than our
 * RLIMIT_NOFILE (unix(7), ETOOMANYREFS). So many workers that start at once wait for each other. A
 * worker that waits in vain goes on without a listener: a violation then fails with ENOSYS, and the
 * parent does not learn of it.
 */
static void offer_listener(int report, int listener)
{
	struct timespec nap = { .tv_nsec = OFFER_NAP_NS };
	int naps;

	for (naps = 0; naps < OFFER_NAPS; naps++) {
		if (fd_message_send(report, "", 1, &listener, 1) == 0)
			return;
		(void)nanosleep(&nap, NULL); /* a signal only makes it shorter */
	}
}

int sandbox_enter_calls(const struct sandbox *sandbox, unsigned threads, int report)
{
	int listener = -1, rc = 0;

	if (sandbox->max_size < FETCH_SIZE_UNKNOWN - 1)
		rc = limit(RLIMIT_FSIZE, sandbox->max_size + 1); /* our own message comes first */
	if (rc == 0)
		rc = drop_capabilities();
	if (rc == 0 && sandbox->filter >= 0) {
		rc = listener = sandbox_calls_enter(sandbox->filter, sandbox->notify);
		(void)close(sandbox->filter);
	}
	if (rc >= 0 && sandbox->filter >= 0 && sandbox->notify) {
		offer_listener(report, listener);
		(void)close(listener);
	}
	(void)close(report);
	if (rc >= 0) /* now only: offer_listener needs what the user allows */
		rc = limit(RLIMIT_NOFILE, (threads + 1) * (rlim_t)FDS_OF_SLOT);
	return rc < 0 ? rc : 0;
}

/* ---- in the parent ---- */

int sandbox_receive_listener(int report)
{
	struct fd_descriptors came;
	char byte;
	const ssize_t n = fd_message_receive(report, &byte, 1, &came, MSG_DONTWAIT);

	if (n <= 0)
		return n == 0 ? -EPIPE : (int)n;
	if (came.count == 1)
		return came.fds[0];
	while (came.count > 0)
		(void)close(came.fds[--came.count]);
	return -EPROTO;
}

/*
 * A library's abort() signals its own process. The arguments stand in registers, so they cannot
 * change before the kernel goes on.
 */
static bool signals_itself(const struct seccomp_notif *notice, pid_t pid)
{
	char name[32];

	return notice->data.args[0] == (__u64)pid &&
	       strcmp(sandbox_call_name(notice->data.nr, name, sizeof name), "tgkill") == 0;
}

int sandbox_next_violation(int listener, pid_t pid)
{
	struct seccomp_notif notice = { .id = 0 };
	struct seccomp_notif_resp go_on = { .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notice) < 0)
		return errno == ENOENT || errno == EINTR ? -EAGAIN : -EPIPE;
	if (!signals_itself(&notice, pid))
		return notice.data.nr; /* unanswered: the thread stays where it is until it dies */
	go_on.id = notice.id;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &go_on); /* ENOENT: it died meanwhile */
	return -EAGAIN;
}

/* ---- preparing ---- */

/* The exit status of try_out's child: what it could not do. */
enum { TRY_OK, TRY_FILES, TRY_CALLS };

struct trial {
	const struct sandbox *sandbox;
	int report;
};

static int try_in_child(void *arg)
{
	const struct trial *trial = arg;

	if (sandbox_enter_files(trial->sandbox) < 0)
		return TRY_FILES;
	return sandbox_enter_calls(trial->sandbox, 1, trial->report) < 0 ? TRY_CALLS : TRY_OK;
}

/* A filter around us, such as a container's, may refuse any of the calls: only a trial tells. */
static int try_out(const struct sandbox *sandbox)
{
	struct trial trial = { .sandbox = sandbox };
	struct child child;
	int report[2], rc, status = 0;

	if (prctl(PR_GET_SECCOMP) == 0)
		return TRY_OK;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report) < 0)
		return -errno;
	trial.report = report[1];
	rc = spawn(&child, "ipcdemo-worker", try_in_child, &trial);
	(void)close(report[1]);
	if (rc == 0)
		rc = child_reap(&child, true, &status);
	(void)close(report[0]);
	if (rc < 0)
		return rc;
	return WIFEXITED(status) ? WEXITSTATUS(status) : TRY_CALLS;
}

static void drop(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static const char *reason(int rc)
{
	switch (rc) {
	case -ENOSYS:
		return _("the kernel knows none");
	case -EOPNOTSUPP:
		return _("switched off, or not built in");
	case -EPERM:
	case -EACCES:
	case -EINVAL: /* so libseccomp says it */
		return _("refused here");
	default:
		return language_errno(-rc);
	}
}

/* Returns FD; or -1 if FD is an -errno: this machine lacks it, as one more clause in WHY says. */
static int had(int fd, const char *what, char *why, size_t size)
{
	const size_t used = strlen(why);

	if (fd >= 0)
		return fd;
	(void)snprintf(why + used, size - used, "%s%s (%s)", used ? ", " : "", what, reason(fd));
	return -1;
}

int sandbox_open(struct sandbox *sandbox, const struct sandbox_plan *plan, char *why, size_t size)
{
	const char *const *calls = ipc_session_info(plan->events)->syscalls;
	int rc;

	*why = '\0';
	*sandbox = SANDBOX_NONE;
	sandbox->notify = true;
	sandbox->max_size = plan->fetch->max_size;
	for (; *calls; calls++)
		sandbox->dumpable |= strcmp(*calls, "process_vm_readv") == 0;
	sandbox->ruleset = had(sandbox_files_ruleset(plan), _("no Landlock"), why, size);
	sandbox->filter = sandbox_calls_filter(plan, true);
	rc = try_out(sandbox);
	if (rc == TRY_FILES) {
		drop(&sandbox->ruleset);
		(void)had(-EPERM, _("no Landlock"), why, size);
		rc = try_out(sandbox);
	}
	if (sandbox->filter < 0 || rc == TRY_CALLS) { /* perhaps a supervisor is there already */
		drop(&sandbox->filter);
		sandbox->notify = false;
		sandbox->filter =
			had(sandbox_calls_filter(plan, false), _("no seccomp filter"), why, size);
		rc = try_out(sandbox);
	}
	if (rc == TRY_CALLS) {
		drop(&sandbox->filter);
		(void)had(-EPERM, _("no seccomp filter"), why, size);
		rc = try_out(sandbox);
	}
	if (rc > 0)
		rc = -EPERM;
	if (rc < 0)
		sandbox_close(sandbox);
	return rc;
}

void sandbox_close(struct sandbox *sandbox)
{
	drop(&sandbox->ruleset);
	drop(&sandbox->filter);
}

/* ---- from one program to the next ---- */

void sandbox_print(const struct sandbox *sandbox, int report, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%d:%d:%d:%d:%llu:%d", sandbox->ruleset, sandbox->filter,
		       sandbox->notify, sandbox->dumpable, (unsigned long long)sandbox->max_size,
		       report);
}

bool sandbox_scan(struct sandbox *sandbox, int *report, const char *text)
{
	unsigned long long max_size;
	int notify, dumpable;

	if (sscanf(text, "%d:%d:%d:%d:%llu:%d", &sandbox->ruleset, &sandbox->filter, &notify,
		   &dumpable, &max_size, report) != 6)
		return false;
	sandbox->notify = notify;
	sandbox->dumpable = dumpable;
	sandbox->max_size = max_size;
	return true;
}
