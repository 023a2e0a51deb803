#!/bin/sh
# SPDX-License-Identifier: MIT
#
# loaded.sh - the everyday suite, again and again on a busy machine: as the caller, as uid 65534 if
# the caller is root, and on one CPU. One line for each run; for one that failed its tests' names,
# what they said, and how to try it again. To be run in the build directory, by make check-loaded.
# Environment:
#	RUNS (10)      rounds
#	AS             only these: "self", "nobody", "one-cpu"
#	TESTS          only these tests
#	abs_top_srcdir the sources
set -u
runs=${RUNS:-10}
sources=${abs_top_srcdir:?}
here=$(realpath --relative-to="$sources" .)
place=$(mktemp -d) || exit 1
copy=$place/sources # for nobody
# shellcheck source=tests/harness/load.sh
. "$sources/tests/harness/load.sh"

finish() {
	# shellcheck disable=SC2086 # pids are words
	[ -z "$load" ] || kill $load 2>/dev/null
	rm -rf "$place"
}
trap finish EXIT
trap 'exit 143' INT TERM HUP

# Sources and build, in the same places relative to each other, for a user who may not be able to
# read ours.
copy_for_nobody() {
	mkdir -p "$copy/$here" && chmod 755 "$place" &&
		(cd "$sources" && tar -cf - --exclude=./build --exclude=.git .) |
		tar -xf - -C "$copy" && cp -a . "$copy/$here/" && chown -R 65534:65534 "$copy"
}

# suite SOURCES COMMAND...: COMMAND make check, of the build that belongs to SOURCES.
suite() {
	tree=$1 directory=$1/$here
	shift
	find "$directory" -name '*.trs' -delete
	"$@" make -k --no-print-directory -C "$directory" -j 5 check abs_top_srcdir="$tree" \
		abs_top_builddir="$directory" ${TESTS:+"TESTS=$TESTS"} \
		>"$place/log" 2>&1
}

as_self() {
	suite "$sources"
}

as_one_cpu() {
	suite "$sources" taskset -c 0
}

as_nobody() {
	[ -d "$copy" ] || copy_for_nobody || return 1
	suite "$copy" env TMPDIR=/tmp HOME=/tmp \
		setpriv --reuid=65534 --regid=65534 --clear-groups
}

# What the tests of the last run said that failed; where none did, what make said.
show_failures() {
	said='^not ok |^\[  (ERROR|FAILED|  LINE ) |does not hold|again:|^harness: |hangs|killed'
	if ! grep -qE '^# (FAIL|ERROR): +[1-9]' "$place/log"; then
		tail -n 5 "$place/log" | sed 's/^/    /'
		return
	fi
	find "$directory" -name '*.trs' -exec grep -lE '^:test-result: (FAIL|ERROR)' {} + |
		while read -r trs; do
			echo "  ${trs%.trs}:"
			grep -E -A 4 "$said" "${trs%.trs}.log" | head -n 20 | sed 's/^/    /'
		done
}

kinds=${AS:-'self nobody one-cpu'}
[ "$(id -u)" -eq 0 ] || kinds=$(echo "$kinds" | sed 's/nobody//')
begin_load 4 "$place"
red=0 run=1
while [ "$run" -le "$runs" ]; do
	for kind in $kinds; do
		began=$(date +%s)
		result=passed
		case $kind in
		self) as_self ;;
		nobody) as_nobody ;;
		one-cpu) as_one_cpu ;;
		*) false ;;
		esac || result=FAILED
		echo "run $run, $kind: $result ($(($(date +%s) - began)) s)"
		[ $result = passed ] && continue
		red=$((red + 1))
		show_failures
	done
	run=$((run + 1))
done
echo "$red red"
[ "$red" -eq 0 ]
