/* SPDX-License-Identifier: MIT */
/*
 * foreign_fds.h - descriptors that a library opens on its own account: will there be enough, which
 * will they be, and how a forked child closes those that it inherited. The lowest free number is
 * given out first (open(2)), which is what all of this rests on.
 */
#ifndef IPC_FOREIGN_FDS_H
#define IPC_FOREIGN_FDS_H

/* Are the SPARE highest numbers free? Then so many may be opened. 0 or -EMFILE. Opens none. */
int foreign_fds_room(int spare);

/* The N numbers that will be given out next. */
void foreign_fds_next(int *fds, int n);

/* Closes those of FDS that are below LIMIT, hence were opened before it. */
void foreign_fds_close(const int *fds, int n, int limit);

/* Closes each Unix socket of this process that is bound to PATH, or was accepted by one that is. */
void foreign_fds_close_bound(const char *path);

#endif
