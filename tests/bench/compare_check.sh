#!/bin/sh
# SPDX-License-Identifier: MIT
# compare_check.sh - how often does `ipcdemo compare` cry wolf, and how often does it find a
# slowdown? Measures one program RUNS times, compares each two of these runs both ways, then
# measures SLOW_RUNS times with one mechanism slowed by 5 % of its own time and compares each with
# all the others. Reports and does not judge. It takes about 15 minutes; `make compare-check` runs
# it, `make compare-check LOAD=4` beside stress-ng.
#
# Environment:
#	RUNS (15)       runs of the same program
#	SLOW_RUNS (10)  runs of the slowed one
#	SLOW_IPC (pipe) the mechanism that is slowed
#	SLOW_NS         by how much in each send; otherwise found by trial before the load begins
#	LOAD (0)        so many processes compute beside the runs, and two write: stress-ng's, or
#	                busy loops where that is missing
#	LIMIT (2%)      of --fail-above
#	BENCH           options of the measured runs
#	KEEP=DIR        the results stay there, and those that are there are not measured again
set -u
LC_ALL=C
export LC_ALL

build=${abs_top_builddir:-$PWD}
RUNS=${RUNS:-15}
SLOW_RUNS=${SLOW_RUNS:-10}
LIMIT=${LIMIT:-2%}
BENCH=${BENCH:---floor --time=20}
LOAD=${LOAD:-0}
SLOW_IPC=${SLOW_IPC:-pipe}
export SLOW_IPC
command -v jq >/dev/null || { echo "jq is missing (Debian: apt-get install jq)" && exit 77; }
dir=${KEEP:-$(mktemp -d)} || exit 1
mkdir -p "$dir"
scratch=$(mktemp -d) || exit 1 # for what writes beside the runs
# shellcheck source=tests/harness/load.sh
. "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/harness/load.sh"
# shellcheck disable=SC2086 # pids are words
trap '[ -z "$load" ] || kill $load; rm -rf "$scratch"; [ -n "${KEEP:-}" ] || rm -r "$dir"' EXIT
trap 'exit 1' INT TERM

# bench PROGRAM FILE OPTION...
bench() {
	program=$1 file=$2
	shift 2
	# shellcheck disable=SC2086 # options are words
	[ -s "$file" ] || "$program" bench $BENCH -q --format=json --output="$file" "$@"
}

# a_row FILE: the figures of the slowed mechanism that are looked for: block, both ends on one CPU
a_row='.results[] | select(.backend == env.SLOW_IPC and .api == "ipc" and .wait == "block" and
	.placement == "same" and .block == 1)'

# compare OLD NEW: its exit status; the JSON is in $dir/compare.
compare() {
	"$build/ipcdemo" compare --fail-above="$LIMIT" --format=json "$1" "$2" \
		>"$dir/compare" 2>"$dir/compare.err"
}

# row_alone PROGRAM FIGURE: of the slowed mechanism, from many short rounds of that row alone
row_alone() {
	"$1" bench -q --ipc="$SLOW_IPC" --wait=block --place=same --floor --time=10 --rounds=60 \
		--format=json | jq "$a_row | $2"
}

# effect: by how many percent the slowed program is slower now
effect() {
	for _ in 1 2 3; do
		echo "$(row_alone "$build/ipcdemo" .floor_ratio)" \
			"$(row_alone "$build/tests/bench/slowed" .floor_ratio)"
	done | jq -R 'split(" ") | map(tonumber) | .[1] / .[0]' |
		jq -s 'sort | (.[1] - 1) * 10000 | round / 100'
}

# What a delay costs shows only in the row itself, so it is set by trial. A round trip has two
# sends.
calibrate() {
	SLOW_NS=$(row_alone "$build/ipcdemo" '.rtt_ns.p50 * 0.05 / 2 | round')
	export SLOW_NS
	for _ in 1 2 3 4 5 6; do
		percent=$(effect)
		echo "$SLOW_NS ns more a send make a round trip over $SLOW_IPC $percent % longer"
		! jq -ne "$percent > 4.85 and $percent < 5.15" >/dev/null || break
		SLOW_NS=$(jq -n "[[$SLOW_NS * 5 / ([$percent, 0.5] | max) | round, 1] | max,
			$SLOW_NS * 2] | min")
	done
}

[ "$SLOW_RUNS" -eq 0 ] || [ -n "${SLOW_NS:-}" ] || calibrate
export SLOW_NS
[ "$LOAD" -eq 0 ] || begin_load "$LOAD" "$scratch"
for i in $(seq "$RUNS"); do
	bench "$build/ipcdemo" "$dir/same.$i.json" || exit 1
done
all=0 alarms=0 rows=0 worse=0
for old in "$dir"/same.*.json; do
	for new in "$dir"/same.*.json; do
		[ "$old" != "$new" ] || continue
		compare "$old" "$new"
		[ $? -ne 1 ] || alarms=$((alarms + 1))
		all=$((all + 1))
		worse=$((worse + $(jq .worse "$dir/compare")))
		rows=$((rows + $(jq '.rows | length' "$dir/compare")))
	done
done
quiet=$(jq -s 'map(select(.environment.quiet)) | length' "$dir"/same.*.json)
echo "$RUNS runs of one program with '$BENCH', load $LOAD beside them, $quiet of them quiet"
echo "$all comparisons with --fail-above=$LIMIT: $alarms false alarms (exit 1);" \
	"$worse of $rows rows 'worse'"

all=0 found=0 blamed=0
for i in $(seq "$SLOW_RUNS"); do
	bench "$build/tests/bench/slowed" "$dir/slow.$i.json" || exit 1
	for old in "$dir"/same.*.json; do
		compare "$old" "$dir/slow.$i.json"
		all=$((all + 1))
		found=$((found + $(jq "[.rows[] | select(.backend == env.SLOW_IPC and
			.wait == \"block\" and .placement == \"same\" and
			.verdict == \"worse\")] | length" "$dir/compare")))
		blamed=$((blamed + $(jq "[.rows[] | select(.backend != env.SLOW_IPC and
			.verdict == \"worse\")] | length" "$dir/compare")))
		jq ".rows[] | select(.backend == env.SLOW_IPC and .wait == \"block\" and
			.placement == \"same\").ratio" "$dir/compare" >>"$dir/ratios"
	done
done
[ "$SLOW_RUNS" -gt 0 ] || exit 0
echo "$SLOW_IPC, block, same, $SLOW_NS ns slower a send: measured as" \
	"$(jq -s 'sort | .[length / 2 | floor]' "$dir/ratios") (median ratio)"
echo "$all comparisons: found in $found; rows of other mechanisms 'worse': $blamed"
