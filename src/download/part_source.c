/* SPDX-License-Identifier: MIT */
/*
 * part_source.c - which version of which URL the bytes of NAME.part are of: an extended attribute
 * of the file (xattr(7)), so that it goes wherever the file goes, and with it. File systems without
 * such attributes keep nothing: there every attempt begins anew.
 */
#include "config.h"

#include "download/part_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include <openssl/sha.h>

#define ATTRIBUTE "user.ipcdemo.source"

/* "1 SHA-256-OF-THE-URL TOTAL VALIDATOR". Not the URL itself: it may hold a password. */
#define FORMAT      "1"
#define VALUE_BYTES (sizeof(FORMAT) + 2 * SHA256_DIGEST_LENGTH + 24 + FETCH_VALIDATOR_BYTES)

static void print_head(char *value, size_t size, const char *url)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	size_t used = (size_t)snprintf(value, size, "%s ", FORMAT);

	(void)SHA256((const unsigned char *)url, strlen(url), digest);
	for (size_t i = 0; i < sizeof digest; i++)
		used += (size_t)snprintf(value + used, size - used, "%02x", digest[i]);
	(void)snprintf(value + used, size - used, " ");
}

int part_source_save(int fd, const char *url, const struct fetch_source *source)
{
	char value[VALUE_BYTES];
	size_t head;

	print_head(value, sizeof value, url);
	head = strlen(value);
	(void)snprintf(value + head, sizeof value - head, "%" PRIu64 " %s", source->total,
		       source->validator);
	return sys_result(fsetxattr(fd, ATTRIBUTE, value, strlen(value), 0));
}

bool part_source_load(int fd, const char *url, struct fetch_source *source)
{
	char value[VALUE_BYTES] = "", head[VALUE_BYTES];
	ssize_t n = fgetxattr(fd, ATTRIBUTE, value, sizeof value - 1);
	int validator = 0;

	print_head(head, sizeof head, url);
	if (n <= 0 || strncmp(value, head, strlen(head)) != 0)
		return false;
	if (sscanf(value + strlen(head), "%" SCNu64 " %n", &source->total, &validator) != 1 ||
	    validator == 0)
		return false;
	(void)snprintf(source->validator, sizeof source->validator, "%s",
		       value + strlen(head) + validator);
	return *source->validator != '\0';
}

bool part_source_exists(int fd)
{
	return fgetxattr(fd, ATTRIBUTE, NULL, 0) > 0;
}

void part_source_drop(int fd)
{
	(void)fremovexattr(fd, ATTRIBUTE); /* ENODATA, or no such attributes here */
}
