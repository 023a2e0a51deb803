#!/bin/sh
# SPDX-License-Identifier: MIT
#
# tutorial_test.sh - the programs of examples/tutorial/ are short and do what their comments say.
set -eu

srcdir=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
builddir=${abs_top_builddir:-$srcdir/build}
LC_ALL=C
export LC_ALL

die()
{
	echo "tutorial: $*" >&2
	exit 1
}

# run NAME ARGUMENT...: within 20 seconds; $out has what it said.
run()
{
	name=$1
	shift
	lines=$(wc -l <"$srcdir/examples/tutorial/$name.c")
	[ "$lines" -le 80 ] || die "$name.c has $lines lines"
	out=$(timeout --kill-after=1 20 "$builddir/examples/tutorial/$name" "$@" 2>&1) ||
		die "$name: exit $?: $out"
}

# says WORDS: a line of $out is exactly that.
says()
{
	echo "$out" | grep -qxF "$1" || die "$name does not say '$1' but: $out"
}

# seconds WORDS: the figure in the line of $out that begins so.
seconds()
{
	echo "$out" | sed -n "s/^$1 \([0-9.]*\) s\$/\1/p"
}

# takes COMPARISON: of total, first and second, which awk knows as t, a and b.
takes()
{
	total=$(seconds 'both took')
	first=$(seconds 'Python从入门到放弃.pdf is done after')
	second=$(seconds '图解算法.pdf is done after')
	awk -v t="$total" -v a="$first" -v b="$second" "BEGIN { exit !($1) }" ||
		die "$name: $total s for $first s and $second s"
}

run sequential 0.4
takes 't >= a + b - 0.02'
run processes 0.4
takes 't >= a - 0.01 && t >= b - 0.01 && a >= 0.2 && b >= 0.2'
[ "$(echo "$out" | grep -c 'begins in process')" -eq 2 ] || die "processes: $out"
run counter_processes
says 'Ping has counted to 10'
says 'Pong has counted to 10'
says "the parent's counter is 0"
run counter_threads
says 'Ping and Pong together have counted 10 steps'
says 'the counter is 10'
echo 'tutorial: 4 programs, all well'
