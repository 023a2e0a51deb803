/* SPDX-License-Identifier: MIT */
/* message.c - see message.h */
#include "config.h"

#include "common/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/text.h"

void message_error(const char *format, ...)
{
	struct text line = { 0 };
	char *words = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&words, format, args);
	va_end(args);
	if (n < 0)
		return; /* out of memory: the line is lost */
	text_add(&line, "ipcdemo: ");
	(void)text_add_escaped(&line, words, text_locale());
	text_add(&line, "\n");
	(void)fputs(text_string(&line), stderr);
	text_free(&line);
	free(words);
}
