/* SPDX-License-Identifier: MIT */
/* keys.c - see keys.h */
#include "config.h"

#include "common/keys.h"

#include <unistd.h>

/* In the background a read would stop the program (SIGTTIN), and so would a change (SIGTTOU). */
static bool is_ours(void)
{
	return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

void keys_open(struct keys *keys)
{
	struct termios now;

	keys->fd = -1;
	if (!is_ours() || tcgetattr(STDIN_FILENO, &now) < 0)
		return;
	if (!keys->changed)
		keys->old = now;
	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	now.c_cc[VMIN] = 0; /* a read does not wait */
	now.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &now) < 0)
		return;
	keys->changed = true;
	keys->fd = STDIN_FILENO;
}

int keys_next(struct keys *keys)
{
	unsigned char key;

	if (keys->fd < 0)
		return 0;
	if (is_ours() && read(keys->fd, &key, 1) == 1)
		return key;
	if (!is_ours())
		keys->fd = -1; /* in the background: the input is the shell's */
	return 0;
}

void keys_close(struct keys *keys)
{
	if (keys->changed && is_ours())
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &keys->old); /* best effort */
	*keys = KEYS_NONE;
}
