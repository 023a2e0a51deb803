/* SPDX-License-Identifier: MIT */
/* language.c - see language.h */
#include "config.h"

#include "common/language.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#ifdef ENABLE_NLS

# include <limits.h>
# include <unistd.h>

/* Where a build leaves them: see po/po.am. "/." since /usr/bin/locale is a program. */
# define BESIDE "/locale/."

/*
 * Returns the catalogues beside the program if there are any, else the installed ones. So a program
 * runs from its build directory without a variable or a wrapper script. A compiled-in path of the
 * build directory would make builds irreproducible.
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

	/* Outside UTF-8, text.h escapes all that is not ASCII, so English is easier to read. */
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

/* The texts of frequent errors, so that the C library's own catalogue need not be installed. */
static const char *const frequent[] __attribute__((unused)) = {
	N_("Address already in use"),
	N_("Argument list too long"),
	N_("Bad address"),
	N_("Bad file descriptor"),
	N_("Broken pipe"),
	N_("Cannot allocate memory"),
	N_("Connection refused"),
	N_("Connection reset by peer"),
	N_("Connection timed out"),
	N_("Device or resource busy"),
	N_("Directory not empty"),
	N_("Disk quota exceeded"),
	N_("File exists"),
	N_("File name too long"),
	N_("File too large"),
	N_("Function not implemented"),
	N_("Input/output error"),
	N_("Interrupted system call"),
	N_("Invalid argument"),
	N_("Invalid cross-device link"),
	N_("Is a directory"),
	N_("Network is unreachable"),
	N_("No data available"),
	N_("No locks available"),
	N_("No route to host"),
	N_("No space left on device"),
	N_("No such file or directory"),
	N_("No such process"),
	N_("Not a directory"),
	N_("Operation not permitted"),
	N_("Operation not supported"),
	N_("Permission denied"),
	N_("Protocol error"),
	N_("Protocol not supported"),
	N_("Read-only file system"),
	N_("Resource temporarily unavailable"),
	N_("Stale file handle"),
	N_("Too many levels of symbolic links"),
	N_("Too many open files"),
	N_("Too many open files in system"),
	N_("Transport endpoint is not connected"),
};

const char *language_errno(int error)
{
	const char *english = strerrordesc_np(error);
	const char *text = english ? _(english) : NULL;

	return text && text != english ? text : strerror(error);
}

locale_t language_english(void)
{
	return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0)); /* constant: never freed */
}

void language_back(locale_t before)
{
	(void)uselocale(before);
}
