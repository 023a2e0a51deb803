/* SPDX-License-Identifier: MIT */
/*
 * html.c - the page: the template with its style, its script, Chart.js and the result put in.
 *
 * page.inc holds these files as arrays of bytes, made by the build, so that the program needs none
 * of them at run time and the page needs no network.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/write/write.h"

/* report_template[], report_style[], report_script[], report_chart_js[] */
#include "bench/write/page.inc"

struct part {
	const char *mark; /* its place in the template */
	const char *text;
	size_t size;
};

/*
 * Inside a script element "</script" ends it and "<!--" changes how it is read; neither can occur
 * if no "<" does. In JSON it only occurs in strings, where an escape means the same.
 */
static char *json_for_script(const json_t *result)
{
	char *json = json_dumps(result, JSON_COMPACT | JSON_REAL_PRECISION(12));
	char *safe = NULL;
	size_t n = 0, i;

	if (!json)
		return NULL;
	for (i = 0; json[i]; i++)
		n += json[i] == '<' ? 6 : 1;
	safe = malloc(n + 1);
	for (i = 0, n = 0; safe && json[i]; i++) {
		if (json[i] == '<') {
			memcpy(safe + n, "\\u003c", 6);
			n += 6;
		} else {
			safe[n++] = json[i];
		}
	}
	if (safe)
		safe[n] = '\0';
	free(json);
	return safe;
}

static void put(FILE *out, const struct part *parts, size_t n)
{
	const char *at = (const char *)report_template;
	const char *end = at + sizeof report_template;
	size_t i;

	for (i = 0; i < n; i++) {
		const char *mark =
			memmem(at, (size_t)(end - at), parts[i].mark, strlen(parts[i].mark));

		if (!mark)
			break; /* a mark is missing: the page's test finds that */
		(void)fwrite(at, 1, (size_t)(mark - at), out);
		(void)fwrite(parts[i].text, 1, parts[i].size, out);
		at = mark + strlen(parts[i].mark);
	}
	(void)fwrite(at, 1, (size_t)(end - at), out);
}

int html_write(const char *path, const json_t *result)
{
	char *json = json_for_script(result);
	struct part parts[] = {
		{ "@STYLE@", (const char *)report_style, sizeof report_style },
		{ "@DATA@", json, json ? strlen(json) : 0 },
		{ "@CHART_JS@", (const char *)report_chart_js, sizeof report_chart_js },
		{ "@SCRIPT@", (const char *)report_script, sizeof report_script },
	};
	FILE *out;
	int bad;

	if (!json)
		return -ENOMEM;
	out = fopen(path, "we");
	if (!out) {
		bad = errno;
		free(json);
		return -bad;
	}
	put(out, parts, sizeof parts / sizeof parts[0]);
	free(json);
	errno = 0;
	bad = ferror(out);
	if (fclose(out) != 0 || bad)
		return errno ? -errno : -EIO;
	return 0;
}
