/* SPDX-License-Identifier: MIT */
/* terminal.h - the width of a terminal. */
#ifndef IPCDEMO_TERMINAL_H
#define IPCDEMO_TERMINAL_H

#include <sys/ioctl.h>

/* The columns of the terminal FD; OTHERWISE where it is none, or does not know them. */
static inline unsigned terminal_columns(int fd, unsigned otherwise)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return otherwise;
	return size.ws_col;
}

#endif
