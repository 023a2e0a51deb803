/* SPDX-License-Identifier: MIT */
/* hex.h - hexadecimal digits, whatever the locale. */
#ifndef IPCDEMO_HEX_H
#define IPCDEMO_HEX_H

/* The value of the hexadecimal digit C, or -1. */
static inline int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20); /* the case of an ASCII letter */
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
