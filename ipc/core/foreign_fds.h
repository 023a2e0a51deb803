/* SPDX-License-Identifier: MIT */
/*
 * foreign_fds.h - descriptors that a library opens itself: whether there will be enough, which
 * numbers they will have, and how a forked child closes those that it inherited. All of it relies
 * on open(2): a new descriptor has the lowest free number.
 */
#ifndef IPC_FOREIGN_FDS_H
#define IPC_FOREIGN_FDS_H

/*
 * Can SPARE more descriptors be opened? (Are the highest numbers free?) 0 or -EMFILE. Opens none.
 */
int foreign_fds_room(int spare);

/* The numbers of the next N descriptors to be opened. */
void foreign_fds_next(int *fds, int n);

/* Closes those of FDS that are below LIMIT, which were opened before it. */
void foreign_fds_close(const int *fds, int n, int limit);

/* Closes each Unix socket of this process that is bound to PATH, or was accepted by one that is. */
void foreign_fds_close_bound(const char *path);

#endif
