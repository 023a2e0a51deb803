/* SPDX-License-Identifier: MIT */
/*
 * part_file.h - the file a job writes: NAME.part beneath the output directory, under a lock that
 * the writer's death releases; committed by a rename that never clobbers.
 *
 * The worker opens and writes, the parent checks and commits. The worker keeps the
 * descriptor, and so the lock, until the parent has said that it handled DONE: otherwise a
 * second ipcdemo could take the finished file for a leftover.
 *
 * NAME has passed filename_check. No function here follows a symbolic link at NAME or NAME.part.
 */
#ifndef IPCDEMO_PART_FILE_H
#define IPCDEMO_PART_FILE_H

#include "download/failure.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum exists_policy { EXISTS_FAIL, EXISTS_SKIP, EXISTS_OVERWRITE };

/*
 * Opens PATH as the output directory (O_RDONLY, close-on-exec), making it and its parents if
 * they are missing. Returns a descriptor or -errno, also when files cannot be made in it, so
 * that an unwritable directory is one early error.
 */
int output_dir_open(const char *path);

/* 1: NAME exists in DIRFD (whatever it is), 0: it does not, or -errno. */
int output_exists(int dirfd, const char *name);

/*
 * Worker. Opens and locks NAME.part in DIRFD, empty, for writing. An unlocked leftover is
 * used again, mode and all; a new file has mode 0666 less the umask. Returns the descriptor,
 * or -1 with *FAULT set: FAILURE_HELD, or FAILURE_CREATE with an errno, among them ELOOP (a
 * symbolic link is in the way), EISDIR, EEXIST (something else that is not a file) and EPERM
 * (also: the leftover belongs to another user). *INODE is the file's identity.
 *
 * The lock is a POSIX record lock (F_SETLK): released by death, not inherited by a fork, and
 * F_GETLK names its holder. It goes with the FIRST close of the file by this process, so a
 * worker opens the file once only.
 */
int part_file_open(int dirfd, const char *name, uint64_t *inode, struct failure *failure);

/* Parent. Is NAME.part the regular file INODE with BYTES bytes? Else *FAULT says why. */
bool part_file_check(int dirfd, const char *name, uint64_t inode, uint64_t bytes,
		     struct failure *failure);

/*
 * Parent. NAME.part becomes NAME. Unless POLICY is EXISTS_OVERWRITE an existing NAME stays
 * (FAILURE_EXISTS), also on file systems without RENAME_NOREPLACE (link + unlink there).
 * A directory is never replaced (FAILURE_COMMIT, EISDIR).
 */
bool part_file_commit(int dirfd, const char *name, enum exists_policy policy,
		      struct failure *failure);

/*
 * Parent. Removes NAME.part, unless a living process holds its lock or it is not a file of
 * this user. Its absence is fine.
 */
void part_file_discard(int dirfd, const char *name);

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
