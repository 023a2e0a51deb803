/* SPDX-License-Identifier: MIT */
/*
 * language.h - messages in the user's language.
 *
 * _("...") is a message in the user's language, N_("...") marks one in a table that is translated
 * where it is printed, ngettext("%u file", "%u files", n) chooses the plural. po/zh_CN.po holds the
 * translations; CONTRIBUTING.md says how to add to it. What programs read (JSON, CSV, traces,
 * notes on a .part) and what is typed (options, names) is never translated.
 */
#ifndef IPCDEMO_LANGUAGE_H
#define IPCDEMO_LANGUAGE_H

#include <locale.h>

#ifdef ENABLE_NLS
# include <libintl.h>
#else
# define gettext(text)          (text)
# define ngettext(one, many, n) ((n) == 1 ? (one) : (many))
#endif

#define _(text)  gettext(text)
#define N_(text) text

/*
 * Chooses the language by LANGUAGE, LC_ALL, LC_MESSAGES, LANG and reads its catalogue. Call it
 * first, before any thread or child: they use the catalogue in memory and open no file for it.
 */
void language_open(void);

/* What errno ERROR means; never NULL. */
const char *language_errno(int error);

/*
 * Between these two calls the thread's messages, also those of the C library, are in English: for
 * sentences that programs read.
 */
locale_t language_english(void);
void language_back(locale_t before);

#endif
