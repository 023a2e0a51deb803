#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154 # shared with lib.sh
#
# compare_test.sh - `ipcdemo compare` on results made up here, where the truth is known.

DEADLINE=60
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# result FACTOR SHIFT [EXTRA [COPIES]]: a result whose figures per round are scattered about their
# centre; those of the mechanism "pipe" are FACTOR times as great. SHIFT seeds the scatter. EXTRA: a
# mechanism with one more row. COPIES: so many rows of other sizes that do not differ.
result() {
	awk -v factor="$1" -v seed="$2" -v extra="${3:-}" -v copies="${4:-0}" '
	function scatter(centre, spread,    i, sum) {
		for (i = sum = 0; i < 12; i++)
			sum += rand()
		return centre * (1 + spread * (sum - 6))
	}
	function rounds(centre, spread,    i, list) {
		for (i = 0; i < 15; i++)
			list = list (i ? ", " : "") sprintf("%.6f", scatter(centre, spread))
		return "[" list "]"
	}
	function row(backend, mode, ratio, p50, rate) {
		printf "%s{\"backend\": \"%s\", \"api\": \"ipc\", \"mode\": \"%s\", " \
			"\"wait\": \"block\", \"placement\": \"same\", \"size_bytes\": %d, " \
			"\"senders\": 1, \"batch\": 1, \"block\": 1, \"rate_per_s\": null, " \
			"\"floor_ratio_of\": \"%s\", \"round_floor_ratio\": %s, " \
			"\"round_p50_ns\": %s, \"round_records_per_s\": %s}", comma, backend, \
			mode, size, mode == "throughput" ? "records_per_s" : "p50_ns", \
			ratio ? rounds(ratio, 0.02) : "null", \
			p50 ? rounds(p50, 0.02) : "null", rate ? rounds(rate, 0.02) : "null"
		comma = ",\n"
	}
	BEGIN {
		srand(seed)
		size = 56
		printf "{\"schema\": \"ipcdemo-bench/1\", \"environment\": {}, \"results\": ["
		# The machine is twice as slow in the second run; the ratio to the floor is not.
		row("pipe", "latency", 1.02 * factor, 6000 * seed, 0)
		row("unix", "latency", 1.02, 9000 * seed, 0)
		row("pipe", "throughput", 0.98 / factor, 0, 700000 / seed)
		row("shm", "latency", 0, 100 * factor, 0)
		if (extra != "")
			row(extra, "latency", 1, 100, 0)
		for (size = 64; copies-- > 0; size += 8)
			row("unix", "latency", 1.02, 9000, 0)
		# A floor is not compared.
		printf ",\n{\"backend\": \"pipe\", \"api\": \"floor\", \"mode\": \"latency\"}"
		print "]}"
	}'
}

result 1 1 >"$T/old.json"
result 1 2 >"$T/same.json"
result 1.05 2 >"$T/slower.json"
result 0.9 2 >"$T/faster.json"
result 1 2 zmq >"$T/more.json"
sed 's/"environment": {}/"environment": {"quiet": false, "warnings": ["the load was 9"]}/' \
	"$T/same.json" >"$T/loud.json"

# verdict BACKEND MODE: of the last comparison
verdict() {
	awk -v backend="$1" -v mode="$2," '
		/^ *[a-z]+, / { group = $1 }
		group != mode { next }
		/^  [a-z]+,.*:/ && $0 ~ " " backend "(,|$)" { print "no difference shown" }
		$1 == backend && /only in/ { sub(/.*only/, "only"); print }
		$1 == backend && /(worse|better)$/ { print $NF }' "$T/out"
}

run_ipcdemo compare "$T/old.json" "$T/same.json"
equal "two runs of one program: exit status" 0 "$status"
equal "two runs of one program: no row differs" \
	"4 rows: 0 worse, 0 better, 4 with no difference shown, 0 not compared." \
	"$(tail -n 1 "$T/out")"

run_ipcdemo compare "$T/old.json" "$T/slower.json"
equal "a slowdown alone is no failure" 0 "$status"
equal "5% slower: found, although the whole machine was twice as slow" worse \
	"$(verdict pipe latency)"
equal "5% slower: the other row is not blamed" "no difference shown" "$(verdict unix latency)"
equal "5% less throughput: worse" worse "$(verdict pipe throughput)"
equal "5% slower without a floor: found" worse "$(verdict shm latency)"
matches "a row with a floor: both medians, the ratio and its interval" \
	'^  pipe +x floor +1\.0[0-9]+ +1\.0[0-9]+ +1\.0[0-9]+ +1\.[0-9.]+ worse$' "$T/out"
matches "a row without a floor shows times" '^  shm +p50 +[0-9.]+ ns +[0-9.]+ ns .* worse$' \
	"$T/out"
matches "and what could be shown at all" 'cannot show less than [1-4]\.[0-9]%' "$T/out"
equal "the table keeps to 80 columns" '' "$(awk 'length > 80' "$T/out")"
result 555.1 2 >"$T/times555.json"
run_ipcdemo compare "$T/old.json" "$T/times555.json"
matches "a ratio has the digits that its interval leaves it" \
	'^  shm +p50 .* 5[0-9]{2} +5[0-9]{2}\.\.5[0-9]{2} worse$' "$T/out"
if command -v jq >"$T/which"; then
	jq '(.results[] | select(.backend == "shm").round_p50_ns) =
		[range(15) | if . < 8 then 300 + . else 30000 end]' "$T/old.json" >"$T/wide.json"
	run_ipcdemo compare "$T/old.json" "$T/wide.json"
	matches "and two of them, however wide that is" \
		'^  shm +p50 .* [23]\.[0-9] +[23]\.[0-9]\.\.[0-9]{3} worse$' "$T/out"
fi

run_ipcdemo compare --fail-above=3% "$T/old.json" "$T/slower.json"
fails "a gate over a row without a floor is refused" 2 '1 rows? ha(s|ve) no floor.*--without-floor'

run_ipcdemo compare --without-floor --fail-above=3% "$T/old.json" "$T/slower.json"
equal "5% slower than 3% allows: exit 1" 1 "$status"
matches "and stderr says how many rows" '3 rows are slower by more than 3%' "$T/err"
run_ipcdemo compare --without-floor --fail-above=10% "$T/old.json" "$T/slower.json"
equal "5% slower where 10% is allowed: exit 0" 0 "$status"
run_ipcdemo compare --without-floor --fail-above=0 "$T/old.json" "$T/same.json"
equal "what chance explains is no failure, whatever the limit" 0 "$status"

run_ipcdemo compare --without-floor --fail-above=0 "$T/old.json" "$T/faster.json"
equal "10% faster: exit 0" 0 "$status"
equal "10% faster: better" better "$(verdict pipe latency)"
equal "10% more throughput: better" better "$(verdict pipe throughput)"

run_ipcdemo compare "$T/old.json" "$T/loud.json"
matches "a run that was not quiet: its warnings" '^Not quiet, new run: the load was 9' "$T/out"

# What stays awake, and a library's threads, share the CPUs with whatever made it so.
awake='s/"backend": "unix", \(.*\)"wait": "block"/"backend": "unix", \1"wait": "adaptive"/'
threads='s/"backend": "shm",/& "syscalls_per_record": null,/'
result 1.5 1 >"$T/half.json"
for run in old half; do
	sed "$awake; $threads" "$T/$run.json" >"$T/depends.$run"
done
run_ipcdemo compare --without-floor --fail-above=5% "$T/depends.old" "$T/depends.half"
equal "in quiet runs such rows count: exit status" 1 "$status"
sed 's/"environment": {}/"environment": {"quiet": false}/' "$T/depends.half" >"$T/depends.loud"
run_ipcdemo compare "$T/depends.old" "$T/depends.loud"
matches "where a run was not quiet they are left out" '^  shm +needs two quiet runs' "$T/out"
matches "... in words" 'or whose library has threads, are not compared' "$T/out"
matches "... and the others are not" '^  pipe .* worse$' "$T/out"
run_ipcdemo compare --without-floor --fail-above=5% "$T/depends.old" "$T/depends.loud"
equal "... a gate judges the others" 1 "$status"
sed 's/"wait": "block"/"wait": "spin"/' "$T/depends.old" >"$T/blind.old"
sed 's/"wait": "block"/"wait": "spin"/' "$T/depends.loud" >"$T/blind.loud"
run_ipcdemo compare --without-floor --fail-above=5% "$T/blind.old" "$T/blind.loud"
fails "a gate that could judge nothing is refused" 2 'no row can be judged.*measure again'
run_ipcdemo compare "$T/depends.old" "$T/depends.loud"
matches "... which the last line counts" '2 worse, 0 better, 0 with .*, 2 not compared' "$T/out"

# Of many rows that are the same some differ by chance.
if command -v jq >"$T/which"; then
	result 1 1 '' 500 >"$T/many.json"
	result 1.1 2 '' 500 >"$T/slow.json"
	run_ipcdemo compare --format=json "$T/many.json" "$T/slow.json"
	equal "500 rows that differ by chance alone: none is called" '[]' "$(jq -c \
		'[.rows[] | select(.size_bytes > 56 and .verdict != "no difference shown")]' \
		"$T/out")"
	equal "and the slow rows among them are" 3 "$(jq .worse "$T/out")"
fi

run_ipcdemo compare "$T/old.json" "$T/more.json"
equal "a row of one run only is named" "only in the new run" "$(verdict zmq latency)"
run_ipcdemo compare "$T/more.json" "$T/old.json"
equal "of either run" "only in the old run" "$(verdict zmq latency)"

if command -v jq >"$T/which"; then
	run_ipcdemo compare --format=json "$T/old.json" "$T/slower.json"
	equal "JSON: the ratio of the slow row" true \
		"$(jq '.rows[0].ratio | . > 1.03 and . < 1.07' "$T/out")"
	equal "JSON: its interval holds the truth" true \
		"$(jq '.rows[0].ratio_ci99 | .[0] < 1.05 and .[1] > 1.05 and .[0] > 1' "$T/out")"
	equal "JSON: counts" '[3,0,1,0]' \
		"$(jq -c '[.worse, .better, .no_difference, .not_compared]' "$T/out")"
else
	skip_part "the JSON of compare: jq is missing"
fi

# ---- what is no result ----

echo '{"schema": "other/1", "results": []}' >"$T/other.json"
echo '{"schema": "ipcdemo-bench/1"' >"$T/torn.json"
echo '{"schema": "ipcdemo-bench/1", "results": [7, null, {"api": "ipc"}, {"api": 3}]}' \
	>"$T/odd.json"
run_ipcdemo compare "$T/old.json" "$T/other.json"
fails "another schema" 2 'other.json: not a result'
run_ipcdemo compare "$T/old.json" "$T/torn.json"
fails "a torn file" 2 'torn.json'
run_ipcdemo compare "$T/absent.json" "$T/absent.json"
fails "an absent file" 2 'ipcdemo compare: .*/absent.json: No such file or directory'
equal "an absent file: one line" 1 "$(wc -l <"$T/err")"
run_ipcdemo compare "$T/old.json"
fails "one file only" 2 'two results'
run_ipcdemo compare "$T/old.json" "$T/old.json" "$T/old.json"
fails "three files" 2 'too many'
run_ipcdemo compare --fail-above=five "$T/old.json" "$T/old.json"
fails "a limit that is no percentage" 2 'fail-above'
run_ipcdemo compare "$T/old.json" "$T/odd.json"
equal "rows that are none: no crash" 0 "$status"

finish
