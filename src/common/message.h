/* SPDX-License-Identifier: MIT */
/*
 * message.h - one line to the user on standard error, while no view of progress.h is open.
 */
#ifndef IPCDEMO_MESSAGE_H
#define IPCDEMO_MESSAGE_H

/*
 * "ipcdemo: ", the text, a newline. Control bytes and broken UTF-8 in it are escaped: parts
 * of it may come from a file or a URL.
 */
void message_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
