#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh [PATTERN...] - puts one fault at a time into the sources and looks whether the test of that
# file fails. Each tests/mutants/NAME.patch (those that match a PATTERN, or all) begins with
#
#	Fault: what somebody might do wrong
#	Test: [VARIABLE=VALUE...] PROGRAM [ARGUMENT...]	for a shell, in the build directory
#	Objects: SOURCE...	what to compile anew, where that is not just the patched file
#
# and goes on as `git diff -U1` has it. Runs in a build directory, `make mutants` does. Only the
# objects that change are compiled, into a directory of their own, and the program is linked with
# them. A test that is still running after a minute has not seen the fault: what hangs must be told
# by the test. A test that fails without a fault too would see anything, so each runs so first.
#
# MUTANTS_SLICE=K/N: the Kth of N parts of them, for who has little time in one piece.
#
# Each line says "caught", "SURVIVED", "STALE": the patch does not apply any more, so make the fault
# again, or "UNSOUND": its test fails without it. Exit status 1 if there is one of the last three.
set -eu
LC_ALL=C
export LC_ALL
HOSTILE=tests/download/misbehaving # the program with workers that misbehave
LIMIT=60
LIMIT_GOOD=300 # all of a test, where a fault needs only the first check that fails

variable()
{
	make -s --no-print-directory "print-$1"
}

field()
{
	sed -n "s/^$1: //p" "$patch"
}

# verdict WORD: ends with it.
verdict()
{
	printf '%-8s %s (%s)\n' "$1" "$name" "$(field Fault)"
	[ "$1" = caught ]
	exit
}

# compile SOURCE: an object of the faulty tree.
compile()
{
	object=$work/$(echo "$1" | tr / _ | sed 's/c$/o/')
	file=$work/tree/$1
	[ -f "$file" ] || file=$srcdir/$1
	# shellcheck disable=SC2086 # words
	${COMPILE%%-iquote*} -iquote "$work/tree" -iquote "$work/tree/src" -iquote $COMPILE_REST \
		-Wno-error -c -o "$object" "$file"
}

# link PROGRAM OUTPUT: with the faulty objects in place of the good ones, before the libraries.
link()
{
	canonical=$(echo "$1" | tr /. __)
	objects=$(variable "${canonical}_OBJECTS")
	flags=$(variable "${canonical}_LDFLAGS")
	good=''
	for object in $objects; do
		[ -f "$work/$(echo "$object" | sed 's/^[a-z_]*-//' | tr / _)" ] ||
			good="$good $object"
	done
	# shellcheck disable=SC2086
	$LINK ${flags:-$AM_LDFLAGS} -o "$2" "$work"/*.o $good $LDADD
}

# command TEST: for a shell, with the path of a script.
command_of()
{
	echo "$1" | sed "s|tests/[^ ]*\.sh|sh $srcdir/&|"
}

# good TEST: without a fault. Prints TEST if it fails.
good()
{
	status=0
	log=$(mktemp)
	eval "timeout --kill-after=5 $LIMIT_GOOD env $(command_of "$1")" >"$log" 2>&1 || status=$?
	if [ "$status" -ne 0 ]; then
		echo "$1"
		grep -E '^(\[  (FAILED|ERROR)|not ok |skip)' "$log" | tail -n 5 |
			sed 's/^/# /' >&2
	fi
	rm "$log"
}

# one PATCH
one()
{
	patch=$1 name=$(basename "$1" .patch)
	! grep -qxF "$(field Test)" "$UNSOUND" || verdict UNSOUND
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	file=$(sed -n 's|^+++ b/||p' "$patch")
	mkdir -p "$work/tree/$(dirname "$file")"
	cp "$srcdir/$file" "$work/tree/$file"
	patch -s -p1 -F 3 -d "$work/tree" <"$patch" >"$work/log" 2>&1 || verdict STALE
	for source in $(field Objects | grep . || echo "$file"); do
		compile "$source" >>"$work/log" 2>&1 || { cat "$work/log" && verdict STALE; }
	done
	test=$(field Test)
	program=$(echo "$test" | tr ' ' '\n' | grep -m 1 '^tests/')
	case $program in
	*.sh)
		link ipcdemo "$work/ipcdemo" >>"$work/log" 2>&1 ||
			{ cat "$work/log" && verdict STALE; }
		test=$(command_of "$test")
		IPCDEMO=$work/ipcdemo
		export IPCDEMO
		if [ -x "$HOSTILE" ] && grep -q 'MISBEHAVING' "$srcdir/$program"; then
			link "$HOSTILE" "$work/misbehaving" >>"$work/log" 2>&1 ||
				{ cat "$work/log" && verdict STALE; }
			MISBEHAVING=$work/misbehaving
			export MISBEHAVING
		fi
		;;
	*)
		link "$program" "$work/program" >>"$work/log" 2>&1 ||
			{ cat "$work/log" && verdict STALE; }
		test=$(echo "$test" | sed "s|$program|$work/program|")
		;;
	esac
	mkfifo "$work/out"
	eval "exec timeout --kill-after=5 $LIMIT env $test" >"$work/out" 2>&1 &
	pid=$!
	# The first test that fails is enough: with it timeout(1) is told to end the rest, which has
	# a reader to the end, since SIGPIPE would leave nobody to clean up.
	exec 3<"$work/out"
	if grep -qm 1 '^\[  FAILED  \]\|^not ok ' <&3; then
		kill "$pid" 2>/dev/null || :
		wait "$pid" || :
		verdict caught
	fi
	status=0
	wait "$pid" || status=$?
	[ "$status" -ne 0 ] && [ "$status" -ne 77 ] && [ "$status" -ne 124 ] || verdict SURVIVED
	verdict caught
}

case ${1:-} in
--one) one "$2" ;;
--good)
	good "$2"
	exit
	;;
esac

srcdir=$(cd "${abs_top_srcdir:-$(dirname "$0")/../..}" && pwd)
abs_top_srcdir=$srcdir abs_top_builddir=$PWD
COMPILE=$(variable COMPILE)
COMPILE_REST=${COMPILE#*-iquote}
LINK="$(variable CCLD) $(variable AM_CFLAGS) $(variable CFLAGS)"
AM_LDFLAGS=$(variable AM_LDFLAGS)
LDADD=$(variable LDADD)
UNSOUND=$(mktemp)
export srcdir abs_top_srcdir abs_top_builddir COMPILE COMPILE_REST LINK AM_LDFLAGS LDADD UNSOUND
[ $# -gt 0 ] || set -- '*'
slice=${MUTANTS_SLICE:-1/1}
chosen=$(mktemp)
results=$(mktemp)
trap 'rm -f "$chosen" "$results" "$UNSOUND"' EXIT
for pattern; do
	find "$srcdir/tests/mutants" -name "$pattern.patch"
done | sort -u | awk -v k="${slice%/*}" -v n="${slice#*/}" 'NR % n == k % n' >"$chosen"
jobs=$(nproc)
xargs sed -n 's/^Test: //p' <"$chosen" | sort -u |
	xargs -d '\n' -P "$jobs" -n 1 sh "$0" --good >"$UNSOUND"
xargs -P "$jobs" -n 1 sh "$0" --one <"$chosen" | tee "$results" || :
grep -v "^caught" "$results" | sort || :
caught=$(grep -c '^caught' "$results" || :)
total=$(grep -cE '^(caught|SURVIVED|STALE|UNSOUND) ' "$results" || :)
echo "mutants: $caught of $total found"
[ "$total" -gt 0 ] && [ "$caught" -eq "$total" ]
