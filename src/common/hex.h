/* SPDX-License-Identifier: MIT */
/* hex.h - hexadecimal digits to bytes and back, for checksums and percent-encoding. */
#ifndef IPCDEMO_HEX_H
#define IPCDEMO_HEX_H

#include <stdbool.h>
#include <stddef.h>

/* The value of a hexadecimal digit in either case, or -1. */
static inline int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte whose two digits stand at HEX, or -1. Reads HEX[1] only if HEX[0] is a digit. */
static inline int hex_byte(const char *hex)
{
	const int high = hex_value(hex[0]);
	const int low = high < 0 ? -1 : hex_value(hex[1]);

	return low < 0 ? -1 : high << 4 | low;
}

/* Reads exactly N bytes from HEX. False if it is longer, shorter, or holds another character. */
static inline bool hex_decode(unsigned char *bytes, size_t n, const char *hex)
{
	size_t i;

	for (i = 0; i < n; i++, hex += 2) {
		const int byte = hex_byte(hex);

		if (byte < 0)
			return false;
		bytes[i] = (unsigned char)byte;
	}
	return *hex == '\0';
}

/* Writes N bytes as 2 N digits, upper case as RFC 3986 asks for in a URL, and a NUL. */
static inline void hex_encode(char *hex, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t i;

	for (i = 0; i < n; i++) {
		*hex++ = digits[bytes[i] >> 4];
		*hex++ = digits[bytes[i] & 15];
	}
	*hex = '\0';
}

#endif
