/* SPDX-License-Identifier: MIT */
/*
 * deadline.c - a deadline for unit tests that are started by hand. run.sh, which make check uses,
 * has one of its own that a busy machine does not cut short.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define BY_HAND_S 300

/* The linker puts __wrap_ in the place of cmocka's function (-Wl,--wrap), which is then __real_. */
int __real__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t n,
				   CMFixtureFunction setup, CMFixtureFunction teardown);
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t n,
				   CMFixtureFunction setup, CMFixtureFunction teardown);

int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t n,
				   CMFixtureFunction setup, CMFixtureFunction teardown)
{
	if (!getenv("HARNESSED"))
		(void)alarm(BY_HAND_S); /* its default action ends the process */
	return __real__cmocka_run_group_tests(name, tests, n, setup, teardown);
}
