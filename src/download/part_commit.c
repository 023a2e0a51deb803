/* SPDX-License-Identifier: MIT */
/*
 * part_commit.c - how NAME.part becomes NAME without replacing what the user wants to keep, on any
 * file system.
 */
#include "config.h"

#include "download/part_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int output_type(int dirfd, const char *name)
{
	struct stat st;
	int rc = sys_result(fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW));

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	return (int)(st.st_mode & S_IFMT);
}

bool part_file_check(int dirfd, const char *name, uint64_t inode, uint64_t bytes,
		     struct failure *failure)
{
	char part[NAME_MAX + 1];
	struct stat st;

	if (part_name(name, part) || fstatat(dirfd, part, &st, AT_SYMLINK_NOFOLLOW))
		return part_failed(failure, FAILURE_VANISHED, VANISHED_REMOVED);
	if (!S_ISREG(st.st_mode) || st.st_ino != inode)
		return part_failed(failure, FAILURE_VANISHED, VANISHED_REPLACED);
	if ((uint64_t)st.st_size != bytes)
		return part_failed(failure, FAILURE_VANISHED, VANISHED_CHANGED);
	return true;
}

/*
 * Cuts the table off the file FD. Its place is locked first: no worker has that lock, and another
 * run, which needs all of the file, stays away. 0 or -errno; -ESTALE: it is not that file, or not
 * whole.
 */
static int cut_table(int fd, const struct part_file *file, bool remote_time)
{
	struct flock behind = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct timespec times[2] = { { .tv_nsec = UTIME_NOW } };
	struct part_ranges ranges;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_ino != file->inode ||
	    !part_ranges_load(fd, NULL, &ranges) || ranges.id != file->table)
		return -ESTALE;
	behind.l_start = (off_t)ranges.total;
	if (fcntl(fd, F_OFD_SETLK, &behind) < 0 && (errno == EAGAIN || errno == EACCES))
		return -ESTALE;
	if (!part_ranges_load(fd, NULL, &ranges) || ranges.id != file->table ||
	    part_ranges_open(&ranges) < ranges.count)
		return -ESTALE;
	if (ftruncate(fd, (off_t)ranges.total) < 0)
		return -errno;
	times[1].tv_sec = ranges.source.modified;
	if (remote_time && ranges.source.modified >= 0)
		(void)futimens(fd, times); /* the file is right all the same */
	return 0;
}

int part_ranges_finish(int dirfd, const char *name, const struct part_file *file, bool remote_time,
		       struct failure *failure)
{
	char part[NAME_MAX + 1];
	int rc = part_name(name, part);
	int fd = rc == 0 ? part_open_beneath(dirfd, part, O_RDWR | O_NONBLOCK) : rc;

	rc = fd < 0 ? fd : cut_table(fd, file, remote_time);
	if (rc == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd); /* nothing was written */
	if (rc == -ESTALE || rc == -ENOENT)
		part_failed(failure, FAILURE_VANISHED,
			    rc == -ENOENT ? VANISHED_REMOVED : VANISHED_CHANGED);
	else
		part_failed(failure, FAILURE_WRITE, -rc);
	return -1;
}

/*
 * Where neither renameat2(2) nor link(2) works (FAT, sshfs and other FUSE file systems): an empty
 * file made with O_EXCL reserves the name, and is then renamed over.
 */
static int rename_over_placeholder(int dirfd, const char *part, const char *name)
{
	int fd = part_open_beneath(dirfd, name, O_WRONLY | O_CREAT | O_EXCL);
	int rc;

	if (fd < 0)
		return fd;
	(void)close(fd); /* nothing was written */
	rc = sys_result(renameat(dirfd, part, dirfd, name));
	if (rc)
		(void)unlinkat(dirfd, name, 0); /* the first error is the one to tell */
	return rc;
}

/* rename(2) that never replaces; -EEXIST. */
static int rename_new(int dirfd, const char *part, const char *name)
{
	int rc = sys_result(renameat2(dirfd, part, dirfd, name, RENAME_NOREPLACE));

	if (rc != -EINVAL && rc != -ENOSYS)
		return rc;
	rc = sys_result(linkat(dirfd, part, dirfd, name, 0));
	if (rc == 0)
		return sys_result(unlinkat(dirfd, part, 0));
	if (rc == -EEXIST || rc == -ENOENT)
		return rc;
	return rename_over_placeholder(dirfd, part, name);
}

bool part_file_commit(int dirfd, const char *name, enum exists_policy policy,
		      struct failure *failure)
{
	char part[NAME_MAX + 1];
	int type = 0;
	int rc = part_name(name, part);

	if (rc == 0 && policy != EXISTS_OVERWRITE)
		rc = rename_new(dirfd, part, name);
	if (rc == -EEXIST || policy == EXISTS_OVERWRITE)
		type = output_type(dirfd, name); /* what is in the way, or will be replaced */
	if (type > 0 && !output_is_file(type))
		return part_failed(failure, FAILURE_NOT_FILE, type);
	if (rc == 0 && policy == EXISTS_OVERWRITE)
		rc = sys_result(renameat(dirfd, part, dirfd, name));
	if (rc == -EEXIST && policy != EXISTS_OVERWRITE)
		return part_failed(failure, FAILURE_EXISTS, 0);
	if (rc == -ENOENT)
		return part_failed(failure, FAILURE_VANISHED, VANISHED_REMOVED);
	if (rc)
		return part_failed(failure, FAILURE_COMMIT, -rc);
	return true;
}
