/* SPDX-License-Identifier: MIT */
/* language.c - see language.h */
#include "config.h"

#include "common/language.h"

#include <stdlib.h>

#include "common/text.h"

#ifdef ENABLE_NLS

# include <limits.h>
# include <string.h>
# include <unistd.h>

/* Where a build leaves them: see po/po.am. "/." since /usr/bin/locale is a program. */
# define BESIDE "/locale/."

/*
 * The catalogues beside the program, if there are any, else those that were installed. So a program
 * runs as it was built, without a variable or a wrapper script; a path of the build directory
 * compiled in would make no two builds alike.
 */
static const char *catalogues(char path[static PATH_MAX])
{
	const ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof BESIDE);
	char *slash;

	if (n <= 0)
		return LOCALEDIR;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return LOCALEDIR;
	memcpy(slash, BESIDE, sizeof BESIDE);
	return access(path, R_OK | X_OK) == 0 ? path : LOCALEDIR;
}

/* The locale that the environment asks for (locale(7)). */
static const char *wanted_locale(void)
{
	static const char *const variables[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	const char *name = NULL;

	for (size_t i = 0; i < sizeof variables / sizeof variables[0] && (!name || !*name); i++)
		name = getenv(variables[i]);
	return name;
}

/*
 * A locale that is not generated, as zh_CN.UTF-8 on most small systems, cannot be set, and in the
 * C locale gettext translates nothing. C.UTF-8 is always there, and with it LANGUAGE is followed.
 */
static void choose_language(void)
{
	const char *wanted = wanted_locale();

	if (!setlocale(LC_MESSAGES, "") && wanted && setlocale(LC_MESSAGES, "C.UTF-8"))
		(void)setenv("LANGUAGE", wanted, 0); /* if memory is short: English */
}

void language_open(void)
{
	char path[PATH_MAX];

	/* Elsewhere than in UTF-8 text.h escapes what is not ASCII: English reads better. */
	if (!text_locale())
		return;
	choose_language();
	(void)bindtextdomain(PACKAGE, catalogues(path));
	(void)bind_textdomain_codeset(PACKAGE, "UTF-8");
	(void)textdomain(PACKAGE);
	(void)gettext(""); /* reads the catalogue */
}

#else

void language_open(void)
{
	(void)text_locale();
}

#endif

locale_t language_english(void)
{
	return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0)); /* constant: never freed */
}

void language_back(locale_t before)
{
	(void)uselocale(before);
}
