#!/bin/sh
# SPDX-License-Identifier: MIT
#
# broken_test.sh - each program in examples/broken/ does what its first comment says, and each
# broken one has a fixed one beside it:
#
#	Prints: a line of standard output; all of them, in order
#	Ends:   exit N, or the signal that kills it
#
# A program exits with 77 where the system does not let it show its fault (no namespaces).
set -eu

srcdir=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
builddir=${abs_top_builddir:-$srcdir/build}
LC_ALL=C
export LC_ALL
# shellcheck disable=SC3045 # dash and bash know -c
ulimit -c 0

[ "${sanitized:-no}" = no ] || {
	echo 'broken: not run, the sanitizers would find the faults first'
	exit 77
}

die()
{
	echo "broken: $*" >&2
	exit 1
}

# said FILE WORD: what its first comment says behind "WORD:".
said()
{
	sed -n "/^ \*\/\$/q; s/^ \*	$2: *//p" "$1"
}

# ending STATUS: of a command, as the comments have it.
ending()
{
	if [ "$1" -gt 128 ]; then
		echo "SIG$(kill -l $(($1 - 128)))"
	else
		echo "exit $1"
	fi
}

# try SOURCE: runs its program, and compares.
try()
{
	name=$(basename "$1" .c)
	program=$builddir/examples/broken/$name
	[ "$(wc -l <"$1")" -le 60 ] || die "$name.c has more than 60 lines"
	if [ ! -x "$program" ]; then
		case $name in
		zmq_*) echo "broken: $name is left out, as it was not built" && return ;;
		esac
		die "$program was not built"
	fi
	status=0
	out=$(timeout --kill-after=1 20 "$program" 2>&1) || status=$?
	if [ "$status" -eq 77 ]; then
		echo "broken: $name cannot show its fault here: $out"
		return
	fi
	want="$(said "$1" Prints)
$(said "$1" Ends)"
	have="$out
$(ending "$status")"
	[ "$have" = "$want" ] || die "$name.c says:
$want
and the program does:
$have"
	count=$((count + 1))
}

count=0
for source in "$srcdir"/examples/broken/*.c; do
	case $source in
	*_fixed.c) partner=${source%_fixed.c}.c kind=fixed ;;
	*) partner=${source%.c}_fixed.c kind=broken ;;
	esac
	[ -f "$partner" ] || die "$source has no partner $partner"
	grep -q "^ \* $(basename "$source") - $kind: " "$source" || die "$source does not say $kind"
	grep -q " $(basename "$partner" | sed 's/\./\\./')" "$source" ||
		die "$source does not name $(basename "$partner")"
	try "$source"
done
[ "$count" -ge 20 ] || die "only $count programs ran"
echo "broken: $count programs do what they say"
