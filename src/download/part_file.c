/* SPDX-License-Identifier: MIT */
/*
 * part_file.c - NAME.part: made, locked, checked, committed, discarded.
 *
 * The directory may be shared with people who mean harm and with another ipcdemo, so every
 * path is one component beneath a directory descriptor, never followed through a link, and
 * nothing is believed of a file before its lock is held and its name looked at again.
 */
#include "config.h"

#include "download/part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>
#include <openssl/evp.h>

#include "download/filename.h"

/* How often another process may get in between before that is called a failure. */
#define OPEN_TRIES 16

#define DIGEST_BUFFER_BYTES 65536

/* Reads errno on behalf of calls that return -1. */
static int sys_result(long rc)
{
	return rc < 0 ? -errno : (int)rc;
}

/*
 * One component beneath DIRFD; -errno. openat2 refuses what leads out of the directory even if
 * a slash or a link slipped in. Without it (an old kernel, a container's seccomp filter) the
 * callers' check of the name and O_NOFOLLOW do the same for a single component.
 */
static int open_beneath(int dirfd, const char *name, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
		.mode = flags & O_CREAT ? 0666 : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	fd = sys_result(TEMP_FAILURE_RETRY(syscall(SYS_openat2, dirfd, name, &how, sizeof(how))));
	if (fd == -ENOSYS || fd == -EPERM)
		fd = sys_result(TEMP_FAILURE_RETRY(
			openat(dirfd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0666)));
	return fd;
}

/* NAME.part; a name that is no single component is refused: -EINVAL, -ENAMETOOLONG. */
static int part_name(const char *name, char part[NAME_MAX + 1])
{
	int n;

	if (*name == '\0' || strchr(name, '/'))
		return -EINVAL;
	n = snprintf(part, NAME_MAX + 1, "%s" FILENAME_PART_SUFFIX, name);
	return n > NAME_MAX ? -ENAMETOOLONG : 0;
}

/* A file that somebody removed can be fetched again; the rest needs the user's hand. */
static bool set_fault(struct failure *failure, enum failure_kind kind, int code)
{
	*failure = (struct failure){
		.kind = kind,
		.code = code,
		.transient = kind == FAILURE_VANISHED,
	};
	return false;
}

/* ---- the directory ---- */

/* mkdir -p: every component of PATH that is missing. */
static int make_path(const char *path)
{
	char *copy = strdup(path);
	char *end;
	int rc = 0;

	if (!copy)
		return -ENOMEM;
	/* The slash before the first component is not looked at: "/" exists. */
	end = copy + strspn(copy, "/");
	do {
		char after;

		end += strcspn(end, "/");
		after = *end;
		*end = '\0';
		rc = sys_result(mkdir(copy, 0777));
		*end = after;
		end += strspn(end, "/");
	} while (*end && (rc == 0 || rc == -EEXIST));
	free(copy);
	return rc == -EEXIST ? 0 : rc;
}

int output_dir_open(const char *path)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int dirfd = sys_result(TEMP_FAILURE_RETRY(open(path, flags)));
	int rc;

	if (dirfd == -ENOENT && *path) {
		rc = make_path(path);
		if (rc)
			return rc;
		dirfd = sys_result(TEMP_FAILURE_RETRY(open(path, flags)));
	}
	if (dirfd < 0)
		return dirfd;
	rc = sys_result(faccessat(dirfd, ".", W_OK | X_OK, AT_EACCESS));
	if (rc) {
		close(dirfd);
		return rc;
	}
	return dirfd;
}

int output_exists(int dirfd, const char *name)
{
	struct stat st;
	int rc = sys_result(fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW));

	if (rc == -ENOENT)
		return 0;
	return rc ? rc : 1;
}

/* ---- NAME.part ---- */

/*
 * Locks the whole file. 0, or -errno; -EAGAIN: *HOLDER has it (0 when the kernel cannot say:
 * another pid namespace, another machine). -ESTALE: its holder died meanwhile.
 */
static int lock_file(int fd, pid_t *holder)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int rc = sys_result(fcntl(fd, F_SETLK, &lock));

	if (rc != -EAGAIN && rc != -EACCES)
		return rc;
	rc = sys_result(fcntl(fd, F_GETLK, &lock));
	if (rc)
		return rc;
	if (lock.l_type == F_UNLCK)
		return -ESTALE;
	*holder = lock.l_pid > 0 ? lock.l_pid : 0;
	return -EAGAIN;
}

/*
 * Locks FD and makes sure that PART still names it: the holder before us may have committed or
 * removed it after we had opened it. -ESTALE: it has. *ST is the file's.
 */
static int lock_part(int dirfd, const char *part, int fd, struct stat *st, pid_t *holder)
{
	struct stat named;
	int rc = lock_file(fd, holder);

	if (rc)
		return rc;
	rc = sys_result(fstat(fd, st));
	if (rc)
		return rc;
	rc = sys_result(fstatat(dirfd, part, &named, AT_SYMLINK_NOFOLLOW));
	if (rc == -ENOENT)
		return -ESTALE;
	if (rc)
		return rc;
	return named.st_ino == st->st_ino && named.st_dev == st->st_dev ? 0 : -ESTALE;
}

/*
 * Opens what an earlier batch left, for writing. O_NONBLOCK: a FIFO must not hold us; it means
 * nothing for a regular file. ENXIO is what a FIFO without reader and a socket answer.
 */
static int open_leftover(int dirfd, const char *part)
{
	struct stat st;
	int fd = open_beneath(dirfd, part, O_WRONLY | O_NONBLOCK);
	int rc;

	if (fd < 0)
		return fd == -ENXIO ? -EEXIST : fd == -ENOENT ? -ESTALE : fd;
	rc = sys_result(fstat(fd, &st));
	if (rc == 0 && !S_ISREG(st.st_mode))
		rc = -EEXIST;
	else if (rc == 0 && st.st_uid != geteuid())
		rc = -EPERM; /* its owner could change the file behind our back */
	if (rc) {
		close(fd);
		return rc;
	}
	return fd;
}

/*
 * Empties a leftover that we have locked. With further names it is not ours to empty: a batch
 * that died between link and unlink leaves a finished file so, an attacker somebody's else.
 * Our name goes, the content stays under the others; -ESTALE: start again.
 */
static int empty_leftover(int dirfd, const char *part, int fd, const struct stat *st)
{
	int rc;

	if (st->st_nlink != 1) {
		rc = sys_result(unlinkat(dirfd, part, 0));
		return rc == 0 || rc == -ENOENT ? -ESTALE : rc;
	}
	return st->st_size > 0 ? sys_result(ftruncate(fd, 0)) : 0;
}

/* One try. A descriptor, or -errno; -ESTALE: the name changed its meaning meanwhile. */
static int try_open_part(int dirfd, const char *part, struct stat *st, pid_t *holder)
{
	int fd = open_beneath(dirfd, part, O_WRONLY | O_CREAT | O_EXCL);
	bool leftover = fd == -EEXIST;
	int rc;

	if (leftover)
		fd = open_leftover(dirfd, part);
	if (fd < 0)
		return fd;
	/* Our own new file too: another ipcdemo may have found it before we could lock it. */
	rc = lock_part(dirfd, part, fd, st, holder);
	if (rc == 0 && leftover)
		rc = empty_leftover(dirfd, part, fd, st);
	if (rc) {
		close(fd);
		return rc;
	}
	return fd;
}

int part_file_open(int dirfd, const char *name, uint64_t *inode, struct failure *failure)
{
	char part[NAME_MAX + 1];
	pid_t holder = 0;
	struct stat st;
	int fd = part_name(name, part);

	if (fd == 0) {
		int tries = OPEN_TRIES;

		do
			fd = try_open_part(dirfd, part, &st, &holder);
		while (fd == -ESTALE && --tries > 0);
	}
	if (fd < 0) {
		if (fd == -EAGAIN)
			set_fault(failure, FAILURE_HELD, holder);
		else
			set_fault(failure, FAILURE_CREATE, -fd);
		return -1;
	}
	*inode = st.st_ino;
	return fd;
}

bool part_file_check(int dirfd, const char *name, uint64_t inode, uint64_t bytes,
		     struct failure *failure)
{
	char part[NAME_MAX + 1];
	struct stat st;

	if (part_name(name, part) || fstatat(dirfd, part, &st, AT_SYMLINK_NOFOLLOW) ||
	    !S_ISREG(st.st_mode) || st.st_ino != inode || (uint64_t)st.st_size != bytes)
		return set_fault(failure, FAILURE_VANISHED, 0);
	return true;
}

/* rename(2) that never replaces, on any file system that knows either way; -EEXIST. */
static int rename_new(int dirfd, const char *part, const char *name)
{
	int rc = sys_result(renameat2(dirfd, part, dirfd, name, RENAME_NOREPLACE));

	if (rc != -EINVAL && rc != -ENOSYS)
		return rc;
	rc = sys_result(linkat(dirfd, part, dirfd, name, 0));
	if (rc)
		return rc;
	return sys_result(unlinkat(dirfd, part, 0));
}

bool part_file_commit(int dirfd, const char *name, enum exists_policy policy,
		      struct failure *failure)
{
	char part[NAME_MAX + 1];
	int rc = part_name(name, part);

	if (rc)
		return set_fault(failure, FAILURE_COMMIT, -rc);
	if (policy == EXISTS_OVERWRITE)
		rc = sys_result(renameat(dirfd, part, dirfd, name));
	else
		rc = rename_new(dirfd, part, name);
	if (rc == -EEXIST && policy != EXISTS_OVERWRITE)
		return set_fault(failure, FAILURE_EXISTS, 0);
	if (rc == -ENOENT)
		return set_fault(failure, FAILURE_VANISHED, 0);
	if (rc)
		return set_fault(failure, FAILURE_COMMIT, -rc);
	return true;
}

void part_file_discard(int dirfd, const char *name)
{
	char part[NAME_MAX + 1];
	struct stat st;
	pid_t holder;
	int fd;

	if (part_name(name, part))
		return;
	fd = open_leftover(dirfd, part);
	if (fd < 0)
		return;
	/* Removed under its lock, so that nobody who takes it over meanwhile is robbed of it. */
	if (lock_part(dirfd, part, fd, &st, &holder) == 0)
		(void)unlinkat(dirfd, part, 0); /* nobody waits for the answer */
	close(fd);
}

void part_file_discard_own(int dirfd, const char *name, uint64_t inode)
{
	char part[NAME_MAX + 1];
	struct stat st;

	if (part_name(name, part) == 0 && fstatat(dirfd, part, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == inode)
		(void)unlinkat(dirfd, part, 0); /* nobody waits for the answer */
}

/* ---- SHA-256 ---- */

struct part_digest {
	int fd;
	EVP_MD_CTX *context;
	unsigned char buffer[DIGEST_BUFFER_BYTES];
};

static int open_for_digest(int dirfd, const char *name)
{
	char part[NAME_MAX + 1];
	struct stat st;
	int fd = part_name(name, part);

	if (fd)
		return fd;
	fd = open_beneath(dirfd, part, O_RDONLY | O_NONBLOCK);
	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

struct part_digest *part_digest_new(int dirfd, const char *name)
{
	struct part_digest *digest = calloc(1, sizeof(*digest));
	int rc = ENOMEM;

	if (!digest)
		return NULL;
	digest->fd = open_for_digest(dirfd, name);
	if (digest->fd < 0) {
		rc = -digest->fd;
		goto fail;
	}
	digest->context = EVP_MD_CTX_new();
	if (!digest->context || !EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL))
		goto fail;
	return digest;
fail:
	part_digest_free(digest);
	errno = rc;
	return NULL;
}

int part_digest_step(struct part_digest *digest, size_t bytes, unsigned char sha256[32])
{
	while (bytes > 0) {
		size_t want = bytes < sizeof(digest->buffer) ? bytes : sizeof(digest->buffer);
		ssize_t n = TEMP_FAILURE_RETRY(read(digest->fd, digest->buffer, want));

		if (n < 0)
			return -errno;
		if (n == 0)
			return EVP_DigestFinal_ex(digest->context, sha256, NULL) ? 0 : -EIO;
		if (!EVP_DigestUpdate(digest->context, digest->buffer, (size_t)n))
			return -EIO;
		bytes -= (size_t)n;
	}
	return 1;
}

void part_digest_free(struct part_digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->context);
	if (digest->fd >= 0)
		close(digest->fd);
	free(digest);
}
