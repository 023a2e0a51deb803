#!/bin/sh
# SPDX-License-Identifier: MIT
#
# spin_test.sh - the model of the ring and its doorbells (spin/ring.pml) has no error in any
# interleaving, and finds each fault that is planted in it: one that finds nothing proves nothing.
#
# SPIN_RECORDS=4 looks further than the everyday run, in a minute and a gigabyte.
set -eu

srcdir=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
CC=${CC:-cc}
LC_ALL=C
export LC_ALL
model=$srcdir/tests/ipc/spin/ring.pml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

die()
{
	echo "spin: $*" >&2
	exit 1
}

command -v spin >/dev/null || {
	echo 'spin: spin is missing (Debian: apt-get install spin)' >&2
	exit 77
}
command -v "${CC%% *}" >/dev/null || {
	echo "spin: the compiler ${CC%% *} is missing" >&2
	exit 77
}

# look VARIANT OPTIMIZE: searches the model with -DVARIANT; the outcome is in $work/VARIANT/out.
look()
{
	mkdir "$work/$1"
	(
		cd "$work/$1"
		spin "-D$1" "-DRECORDS=${SPIN_RECORDS:-3}" -a "$model" >spin.out 2>&1 &&
			$CC "$2" -w -DSAFETY -o pan pan.c >>spin.out 2>&1 &&
			timeout 250 ./pan -m10000 -w22 >out 2>&1
	) || die "$1 could not be searched: $(cat "$work/$1/spin.out" "$work/$1/out" 2>/dev/null)"
	grep -q 'errors:' "$work/$1/out" || die "$1: no verdict: $(cat "$work/$1/out")"
	# Cut short, a search shows nothing.
	! grep -qE 'max search depth too small|out of memory' "$work/$1/out" ||
		die "$1: not searched to the end"
}

for variant in AS_IT_IS NO_MEMBARRIER_CALL; do
	look $variant -O1
	grep -q 'errors: 0$' "$work/$variant/out" ||
		die "the model has an error ($variant): $(cat "$work/$variant/out")"
	echo "spin: $variant: no error in$(sed -n 's/ states, stored.*/ states/p' \
		"$work/$variant/out" | tr -s ' ')"
done

# The faults are those that the model's head names.
faults=$(sed -n 's/^ \*   \([A-Z_]\{5,\}\) .*/\1/p' "$model")
count=0
for fault in $faults; do
	look "$fault" -O0 # found at once; the compiler takes longer
	grep -qE 'assertion violated|invalid end state' "$work/$fault/out" ||
		die "$fault was planted and not found"
	count=$((count + 1))
	[ "$(grep -c "ifn\{0,1\}def $fault\$" "$model")" -gt 0 ] || die "$fault is not in the model"
done
[ "$count" -ge 10 ] || die "only $count faults are named in $model"
echo "spin: $count planted faults, each found"
