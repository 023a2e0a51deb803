/* SPDX-License-Identifier: MIT */
/* part_digest.c - the SHA-256 of NAME.part, a slice at a time. */
#include "config.h"

#include "download/part_internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#define DIGEST_BUFFER_BYTES 65536

struct part_digest {
	int fd;
	EVP_MD_CTX *context;
	unsigned char buffer[DIGEST_BUFFER_BYTES];
};

static int open_for_digest(int dirfd, const char *name)
{
	char part[NAME_MAX + 1];
	struct stat st;
	int fd = part_name(name, part);

	if (fd)
		return fd;
	fd = part_open_beneath(dirfd, part, O_RDONLY | O_NONBLOCK);
	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

struct part_digest *part_digest_new(int dirfd, const char *name)
{
	struct part_digest *digest = calloc(1, sizeof(*digest));
	int rc = ENOMEM;

	if (!digest)
		return NULL;
	digest->fd = open_for_digest(dirfd, name);
	if (digest->fd < 0) {
		rc = -digest->fd;
		goto fail;
	}
	digest->context = EVP_MD_CTX_new();
	if (!digest->context || !EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL))
		goto fail;
	return digest;
fail:
	part_digest_free(digest);
	errno = rc;
	return NULL;
}

int part_digest_step(struct part_digest *digest, size_t bytes, unsigned char sha256[32])
{
	while (bytes > 0) {
		size_t want = bytes < sizeof(digest->buffer) ? bytes : sizeof(digest->buffer);
		ssize_t n = TEMP_FAILURE_RETRY(read(digest->fd, digest->buffer, want));

		if (n < 0)
			return -errno;
		if (n == 0)
			return EVP_DigestFinal_ex(digest->context, sha256, NULL) ? 0 : -EIO;
		if (!EVP_DigestUpdate(digest->context, digest->buffer, (size_t)n))
			return -EIO;
		bytes -= (size_t)n;
	}
	return 1;
}

void part_digest_free(struct part_digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->context);
	if (digest->fd >= 0)
		close(digest->fd);
	free(digest);
}
