#!/bin/sh
# SPDX-License-Identifier: MIT
#
# coverage.sh - `make coverage`: builds everything with gcc's counters into coverage/, runs the
# suite there and shows, file by file, which share of the lines of ipc/ and src/ it has run.
#
# What a killed process has run is not counted. A test that fails is no reason to stop: the
# counters write to stderr when they cannot be saved, for instance.
set -eu

srcdir=$(cd "${abs_top_srcdir:-.}" && pwd)
command -v gcovr >/dev/null || {
	echo 'coverage: gcovr is missing (Debian: apt-get install gcovr)' >&2
	exit 1
}
mkdir -p coverage
cd coverage
umask 0 # tests of other users write the same counters
[ -f config.status ] || "$srcdir/configure" CC=gcc CFLAGS='-O0 -g --coverage' >configure.log
gcc -c -o exit.o "$srcdir/tests/coverage/exit.c"
find . -name '*.gcda' -delete
jobs=$(nproc)
LIBS="$(sed -n 's/^LIBS = //p' Makefile) $PWD/exit.o"
LDFLAGS='--coverage -Wl,--wrap=_exit'
make -s -j "$jobs" LIBS="$LIBS" LDFLAGS="$LDFLAGS" all >build.log 2>&1
make -s -j "$jobs" LIBS="$LIBS" LDFLAGS="$LDFLAGS" check TESTS= >>build.log 2>&1
make -k -j $((2 * jobs + 1)) LIBS="$LIBS" LDFLAGS="$LDFLAGS" check-sanitized >check.log 2>&1 ||
	grep '^FAIL: ' check.log || :
gcovr --root "$srcdir" --object-directory . --filter "$srcdir/ipc/" --filter "$srcdir/src/" \
	--exclude-unreachable-branches --sort-uncovered --txt --json-summary summary.json \
	"$@" . | tee report.txt
