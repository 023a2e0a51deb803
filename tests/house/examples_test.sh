#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples_test.sh - every example is short, runs, says what it is there to say, and ends well;
# embed does so over each mechanism of this build.
#
# The list is the directory's. An example that needs what this build lacks is not built; then it is
# named here as left out.
set -eu

srcdir=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
builddir=${abs_top_builddir:-$srcdir}
LC_ALL=C
export LC_ALL

die()
{
	echo "examples: $*" >&2
	exit 1
}

expected='20%
40%
60%
80%
100% done'

# try COMMAND...: within 10 seconds, with exactly that on standard output and nothing beside it.
try()
{
	out=$(timeout --kill-after=1 10 "$@" 2>&1) || die "$*: exit $?: $out"
	[ "$out" = "$expected" ] || die "$*: said: $out"
	count=$((count + 1))
}

count=0
for source in "$srcdir"/examples/*.c; do
	name=${source##*/}
	name=${name%.c}
	program=$builddir/examples/$name
	lines=$(wc -l <"$source")
	[ "$lines" -le 80 ] || die "$name.c has $lines lines"
	if [ ! -x "$program" ]; then
		case $name in
		zmq | uring) ;;
		*) die "$program was not built" ;;
		esac
		echo "examples: $name is left out, as it was not built"
	elif [ "$name" = embed ]; then
		mechanisms=$(sed -n 's/^IPC_BACKEND(\(.*\))$/\1/p' \
			"$builddir/ipc/core/backends.inc")
		for mechanism in $mechanisms; do
			try "$program" "$mechanism"
		done
		! "$program" nosuch 2>/dev/null || die 'embed accepts an unknown mechanism'
	elif [ "$name" = uring ] && ! "$builddir/ipcdemo" list --json |
		jq -e 'any(.mechanisms[]; .name == "uring" and .available)' >/dev/null; then
		echo "examples: $name is left out, as this system forbids io_uring"
	else
		try "$program"
	fi
done
[ "$count" -gt 5 ] || die "only $count examples ran"
echo "examples: $count runs, all well"
