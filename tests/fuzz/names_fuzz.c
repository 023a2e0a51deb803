/* SPDX-License-Identifier: MIT */
/* names_fuzz.c - URLs, and the names that they ask for; see fuzz.h */
#include "config.h"

#include "download/filename.h"
#include "download/url.h"
#include "tests/fuzz/fuzz.h"

static void check_part(const struct url_part *part, const char *url)
{
	REQUIRE(part->len == 0 || (part->at >= url && part->at + part->len <= url + strlen(url)));
}

static void check_name(const char *url, bool with_query)
{
	char name[FILENAME_BYTES_MAX + 1];
	enum filename_error error = filename_from_url(url, with_query, name);

	REQUIRE(filename_strerror(error));
	if (error != FILENAME_OK) {
		REQUIRE(!*name);
		return;
	}
	REQUIRE(*name && *name != '.' && strlen(name) <= FILENAME_BYTES_MAX);
	REQUIRE(!strchr(name, '/'));
	REQUIRE(filename_check(name) == FILENAME_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *typed = input_text(data, size), *url = url_clean(typed), *shown;
	struct url_parts parts;

	(void)filename_check(typed);
	if (url) {
		url_split(url, &parts);
		check_part(&parts.scheme, url);
		check_part(&parts.authority, url);
		check_part(&parts.host, url);
		check_part(&parts.path, url);
		check_part(&parts.query, url);
		shown = url_without_password(url);
		REQUIRE(shown && strlen(shown) <= strlen(url) + 3);
		check_name(url, false);
		check_name(url, true);
		free(shown);
	}
	free(url);
	free(typed);
	return 0;
}
