/* SPDX-License-Identifier: MIT */
/*
 * part_file.h - the file a job writes: NAME.part beneath its directory, under a lock that
 * the writer's death releases; committed by a rename that never clobbers.
 *
 * The worker opens and writes, the parent checks and commits. The worker keeps the
 * descriptor, and so the lock, until the parent has said that it handled DONE: otherwise a
 * second ipcdemo could take the finished file for a leftover. While the parent reads the file for
 * its checksum it has a lock of its own.
 *
 * NAME has passed filename_check. No function here follows a symbolic link at NAME or NAME.part.
 */
#ifndef IPCDEMO_PART_FILE_H
#define IPCDEMO_PART_FILE_H

#include "download/failure.h"
#include "download/fetch.h"
#include "download/part_ranges.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* What happens to a file that exists. Every policy replaces regular files only. */
enum exists_policy {
	EXISTS_FAIL,
	EXISTS_SKIP,
	EXISTS_OVERWRITE, /* a symbolic link is replaced itself, not what it points to */
	EXISTS_RESUME,    /* as SKIP, and NAME.part of an earlier run is gone on with */
	EXISTS_RENAME,    /* NAME.1, NAME.2 ... is written instead */
};

/* What NAME is in DIRFD: its S_IFMT bits, 0 when nothing bears the name, or -errno. */
int output_type(int dirfd, const char *name);

/* May it be replaced if the user says so? */
static inline bool output_is_file(int type)
{
	return S_ISREG((mode_t)type) || S_ISLNK((mode_t)type);
}

struct part_file {
	bool keep;      /* to be set: continue a leftover, so do not empty it */
	bool shared;    /* to be set: the file may be split, see part_file_share */
	unsigned range; /* to be set for part_range_open: this one ... */
	uint64_t table; /* ... of this table */
	struct part_ranges ranges;
	bool is_new;    /* it was made, not found */
	bool locked;    /* false: the file system has no locks */
	uint64_t inode; /* the file's identity */
	uint64_t size;  /* of a leftover that was kept */
};

/*
 * Worker. Opens and locks NAME.part in DIRFD for writing, empty or as FILE->keep has it. An
 * unlocked leftover is used again, mode and all; a new file has mode 0666 less the umask. Returns
 * the descriptor with the rest of *FILE set, or -1 with *FAILURE set: FAILURE_HELD, or
 * FAILURE_CREATE with an errno, among them ELOOP (a symbolic link is in the way), EISDIR, EEXIST
 * (something else that is not a file) and EPERM (also: the leftover belongs to another user).
 *
 * The lock is a POSIX record lock (F_SETLK): released by death, not inherited by a fork, and
 * F_GETLK names its holder. It goes with the FIRST close of the file by this process, so a
 * worker opens the file once only.
 */
int part_file_open(int dirfd, const char *name, struct part_file *file, struct failure *failure);

/*
 * Worker. The file FD, opened as shared, has been split: other workers write it too, and of the
 * lock only range I stays. Locks of shared files are those of open files (F_OFD_SETLK), so that
 * threads of one process keep them apart; the kernel cannot name their holder.
 */
void part_file_share(int fd, const struct part_ranges *ranges, unsigned i);

/*
 * Worker. The file FD, opened as SHARED says, is finished, but the parent will read it before it
 * commits it. Makes the lock one for reading, of which the parent takes its own with
 * part_file_join_lock before the worker's goes: nobody else can write meanwhile.
 */
void part_file_share_lock(int fd, bool shared);

/*
 * Parent. *FD keeps the finished NAME.part, the file INODE, from others until it is closed. False:
 * there is none, as the file system has no locks, or NAME.part is another file.
 */
bool part_file_join_lock(int dirfd, const char *name, uint64_t inode, int *fd);

/* Worker. Opens and locks a range of NAME.part, for writing, and reads its table. Returns the
 * descriptor, or -1 with *FAILURE: FAILURE_RANGE where it is not that file any more. */
int part_range_open(int dirfd, const char *name, struct part_file *file, struct failure *failure);

/*
 * Parent. All ranges of NAME.part, with FILE's inode and table, are there: cuts the table off.
 * Returns a descriptor that keeps the file locked, to be closed once it is committed; or -1, and
 * *FAILURE says why.
 */
int part_ranges_finish(int dirfd, const char *name, const struct part_file *file, bool remote_time,
		       struct failure *failure);

/*
 * Worker. Notes on the file FD which version of URL its bytes are of / reads that note: true if it
 * is one for URL / removes it, as a finished file needs none. 0 or -errno.
 */
int part_source_save(int fd, const char *url, const struct fetch_source *source);
bool part_source_load(int fd, const char *url, struct fetch_source *source);
void part_source_drop(int fd);
/* For any URL. */
bool part_source_exists(int fd);

/* Parent. Is NAME.part the regular file INODE with BYTES bytes? Else *FAILURE says why. */
bool part_file_check(int dirfd, const char *name, uint64_t inode, uint64_t bytes,
		     struct failure *failure);

/*
 * Parent. NAME.part becomes NAME. Unless POLICY is EXISTS_OVERWRITE an existing NAME stays
 * (FAILURE_EXISTS), also on file systems without RENAME_NOREPLACE. What is no regular file and no
 * symbolic link is never replaced (FAILURE_NOT_FILE).
 */
bool part_file_commit(int dirfd, const char *name, enum exists_policy policy,
		      struct failure *failure);

/*
 * Parent. Removes NAME.part, unless a living process holds its lock or it is not a file of
 * this user, or KEEP and a later run can go on with it. Its absence is fine. True: it was kept.
 */
bool part_file_discard(int dirfd, const char *name, bool keep);

/* Parent. Removes NAME.part if it is the file INODE: its writer, ours, may still hold the lock. */
void part_file_discard_own(int dirfd, const char *name, uint64_t inode);

/*
 * Parent. SHA-256 of NAME.part, a slice at a time, so that the event loop goes on. Where
 * writer and checker are one process its lock is gone when the digest is freed.
 * part_digest_new: NULL with errno. part_digest_step reads at most BYTES more: 1 more to
 * do, 0 finished (SHA256 is set), -errno; no further step after 0 or an error.
 */
struct part_digest;
struct part_digest *part_digest_new(int dirfd, const char *name);
int part_digest_step(struct part_digest *digest, size_t bytes, unsigned char sha256[32]);
void part_digest_free(struct part_digest *digest);

#endif
