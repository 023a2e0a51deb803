/* SPDX-License-Identifier: MIT */
/*
 * exit.c - linked into programs that `make coverage` builds, with --wrap=_exit: workers end by
 * _exit(2), which by itself would leave their counters behind.
 */
void __gcov_dump(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

_Noreturn void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
