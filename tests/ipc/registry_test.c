/* SPDX-License-Identifier: MIT */
/*
 * registry_test.c - ipc/core/registry.c: what may be registered, and what is looked up behind the
 * end.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/core/registry.h"

#define MODULES (IPC_MODULES_MAX + 1)

static struct ipc_backend backends[MODULES];
static struct ipc_module modules[MODULES];
static char names[MODULES][16];

/* Modules that are mechanisms of the library under other names. */
static int setup(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < MODULES; i++) {
		backends[i] = *ipc_backend_find("pipe");
		(void)snprintf(names[i], sizeof names[i], "mine_%u", i);
		backends[i].info.name = names[i];
		modules[i] = (struct ipc_module){ IPC_BACKEND_ABI, &backends[i] };
	}
	return 0;
}

static void test_registry_refuses_what_it_could_not_call(void **state)
{
	static const char *const bad[] = { NULL, "", "Mine", "my-own", "../mine", "my own", "m\n" };
	struct ipc_module module = modules[0];
	struct ipc_backend lacking;
	size_t i;

	(void)state;
	module.abi = IPC_BACKEND_ABI - 1;
	assert_int_equal(ipc_register(&module), -ENOEXEC);
	module = (struct ipc_module){ IPC_BACKEND_ABI, &lacking };
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		lacking = backends[0];
		lacking.info.name = bad[i];
		assert_int_equal(ipc_register(&module), -EINVAL);
	}
#define LACKS(part)                                             \
 do {                                                           \
  lacking = backends[0];                                        \
  lacking.part = 0;                                             \
  if (ipc_register(&module) != -EINVAL)                         \
   fail_msg("a mechanism without %s can be registered", #part); \
 } while (0)
	LACKS(info.title);
	LACKS(info.summary);
	LACKS(info.record_limit);
	LACKS(hub_fds);
	LACKS(open);
	LACKS(arm);
	LACKS(attach);
	LACKS(send);
	LACKS(recv);
	LACKS(detach);
	assert_null(ipc_info_find(names[0]));
}

static void test_registry_takes_each_name_once_until_it_is_full(void **state)
{
	unsigned i, built_in;

	(void)state;
	for (built_in = 0; ipc_info_at(built_in); built_in++)
		;
	for (i = 0; i < IPC_MODULES_MAX; i++) {
		assert_int_equal(ipc_register(&modules[i]), built_in + i);
		assert_int_equal(ipc_register(&modules[i]), -EEXIST);
		assert_string_equal(ipc_info_at(built_in + i)->name, names[i]);
		assert_ptr_equal(ipc_backend_find(names[i]), &backends[i]);
		assert_null(ipc_info_at(built_in + i + 1));
	}
	assert_int_equal(ipc_register(&modules[i]), -ENOSPC);
	backends[i].info.name = "unix";
	assert_int_equal(ipc_register(&modules[i]), -EEXIST);
}

static void test_registry_has_an_end(void **state)
{
	struct ipc_limit limits[2] = { { .name = "" } };
	char reason[4] = "xxx";
	const char *why;
	unsigned i;

	(void)state;
	assert_null(ipc_info_at(SIZE_MAX));
	assert_null(ipc_missing_at(1000, &why));
	assert_null(ipc_capability_name(IPC_CAP_COUNT));
	assert_null(ipc_group_name(IPC_GROUP_COUNT));
	assert_null(ipc_card("nothing"));
	for (i = 0; i < IPC_CAP_COUNT; i++)
		assert_non_null(ipc_capability_name(i));
	for (i = 0; i < IPC_GROUP_COUNT; i++)
		assert_non_null(ipc_group_name(i));
	assert_int_equal(ipc_limits("nothing", limits, 1), -ENOENT);
	assert_int_equal(ipc_limits("pipe", limits, 1), 1); /* it has more */
	assert_string_equal(limits[1].name, "");
	assert_int_equal(ipc_hub_fds("nothing", 1), -ENOENT);
	assert_int_equal(ipc_probe("nothing", reason, sizeof reason), -ENOENT);
	assert_string_equal(reason, "no ");
	assert_int_equal(ipc_probe("pipe", reason, sizeof reason), 0);
	assert_string_equal(reason, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registry_refuses_what_it_could_not_call),
		cmocka_unit_test(test_registry_takes_each_name_once_until_it_is_full),
		cmocka_unit_test(test_registry_has_an_end),
	};

	return cmocka_run_group_tests_name("registry", tests, setup, NULL);
}
