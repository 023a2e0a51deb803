/* SPDX-License-Identifier: MIT */
/*
 * body.c - the origin's bytes as a pure function of name and offset.
 *
 * Word i of a name's sequence is SplitMix64's i-th output for a seed made from the
 * name. That generator is a counter behind a mixing function, so any part can be
 * computed without the part before it, at several GB/s. It is no secret and no
 * cipher: it need only be different for each name and incompressible enough that a
 * swapped, shifted or missing block always changes the checksum.
 */
#include "config.h"

#include "origin/origin.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#define WORD         sizeof(uint64_t)
#define GOLDEN_RATIO 0x9e3779b97f4a7c15ULL
#define HASH_CHUNK   (64U * 1024)

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* FNV-1a, mixed once more: similar names ("0001", "0002") must not give near-by seeds. */
static uint64_t seed_of(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3ULL;
	return mix(hash);
}

/* The byte order is fixed, so that a checksum holds on every machine. */
static uint64_t word_at(uint64_t seed, uint64_t index)
{
	return htole64(mix(seed + (index + 1) * GOLDEN_RATIO));
}

void origin_fill(const char *name, uint64_t offset, void *buf, size_t n)
{
	const uint64_t seed = seed_of(name);
	uint64_t index = offset / WORD;
	const size_t skip = (size_t)(offset % WORD);
	unsigned char *out = buf;
	uint64_t word;

	if (skip && n) {
		const size_t head = n < WORD - skip ? n : WORD - skip;

		word = word_at(seed, index++);
		memcpy(out, (unsigned char *)&word + skip, head);
		out += head;
		n -= head;
	}
	for (; n >= WORD; n -= WORD, out += WORD) {
		word = word_at(seed, index++);
		memcpy(out, &word, WORD);
	}
	if (n) {
		word = word_at(seed, index);
		memcpy(out, &word, n);
	}
}

int origin_sha256(const char *name, uint64_t size, unsigned char sha256[32])
{
	unsigned char *chunk = malloc(HASH_CHUNK);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint64_t done = 0;
	int rc = -ENOMEM;

	/* From here on libcrypto fails only where a policy forbids SHA-256. */
	if (!chunk || !ctx)
		goto out;
	rc = -EOPNOTSUPP;
	if (!EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		goto out;
	while (done < size) {
		const size_t n = size - done < HASH_CHUNK ? (size_t)(size - done) : HASH_CHUNK;

		origin_fill(name, done, chunk, n);
		if (!EVP_DigestUpdate(ctx, chunk, n))
			goto out;
		done += n;
	}
	if (EVP_DigestFinal_ex(ctx, sha256, NULL))
		rc = 0;
out:
	EVP_MD_CTX_free(ctx);
	free(chunk);
	return rc;
}
