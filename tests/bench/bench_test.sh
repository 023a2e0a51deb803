#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154 # shared with lib.sh
#
# bench_test.sh - `ipcdemo bench` from the outside: every row that was asked for is there and
# makes sense, nothing can hang it, and whatever happens the result is written. Says nothing about
# speed.

DEADLINE=280
RUN_DEADLINE=200
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

command -v jq >"$T/which" || skip_all "jq is missing: the results cannot be read"
two_cpus=$(nproc)

# A round's deadline is of wall time: long enough for a busy machine.
patient=--timeout=150
# Short, and always of the same length.
short="--rounds=2 --count=200 --warmup=20 $patient --quiet"

# bench OPTION...: one run; its JSON is in $T/json.
bench() {
	# shellcheck disable=SC2086 # $short is words
	run_ipcdemo bench $short --format=json --output="$T/json" "$@"
}

# holds WHAT FILTER: the jq filter is true of the result.
holds() {
	equal "$1" true "$(jq "$2" "$T/json" 2>&1)"
}

# note_rows: why a run failed: what it printed, and the reasons of its rows.
note_rows() {
	note_file "$T/err"
	jq -r '.results[] | select(.reason) | .backend + ": " + .reason' "$T/json" \
		>"$T/reasons" 2>&1
	note_file "$T/reasons"
}

# ---- every mechanism, every way of waiting ----

# Where FEW is set, as in the sanitized run of ./bootstrap check: one of each group.
mechanisms=all
[ -z "${FEW:-}" ] || mechanisms=groups
bench --ipc=$mechanisms --wait=block,spin --place=same,cross --floor
equal "all mechanisms: exit status" 0 "$status" || note_rows
mv "$T/json" "$T/all.json"
bench --ipc=groups --mode=throughput,oneway --wait=block,spin,adaptive --place=same,cross --floor
equal "all modes: exit status" 0 "$status" || note_rows
mv "$T/json" "$T/modes.json"
jq -s '.[0] + {results: map(.results) | add, skipped: map(.skipped) | add}' "$T/all.json" \
	"$T/modes.json" >"$T/json"
holds "the schema is named" '.schema == "ipcdemo-bench/1"'
holds "all rows ended well" '[.results[] | select(.status != "ok")] == []'
# list_of FILTER: the names of those mechanisms, as a list of JSON.
list_of() {
	"$IPCDEMO" list --json | jq -c "[.mechanisms[] | select(.available)] | $1"
}
first_of_groups_are='. as $all | [.[] | . as $one | select(.group == "other" or .name ==
	first($all[] | select(.group == $one.group)).name).name]'
[ $mechanisms = all ] && asked_for='map(.name)' || asked_for=$first_of_groups_are
holds "each mechanism that was asked for was measured" \
	"([.results[].backend] | unique | sort) == ($(list_of "$asked_for") | sort)"
holds "each row says how the receiver waited and where both ends ran" \
	'all(.results[]; (.wait | length > 3) and (.placement | length > 3) and .hub_cpu >= 0)'
holds "each of our rows has a floor of the same axes, or a reason why not" \
	'def axes: [.backend, .mode, .wait, .placement, .size_bytes, .batch, .senders, .block];
	([.results[] | select(.api == "ipc") | axes] | sort) ==
	([(.results[], .skipped[]) | select(.api == "floor") | axes] | sort)'
holds "every round trip of every round is in the figures" \
	'[.results[] | select(.mode == "latency" and .block == 1)] |
	length > 0 and all(.[]; .samples == 400 and .rounds == 2)'
holds "percentiles rise" '[.results[] | select(.block == 1) | (.rtt_ns // .oneway_ns) // empty |
	[.min, .p50, .p90, .p99, .p999, .p9999, .max] | . == sort] | length > 0 and all'
holds "blocks give mean and p50 only" \
	'all(.results[] | select(.block > 1); .rtt_ns.p99 == null and .rtt_ns.p50 > 0)'
holds "streams have a rate, trips have none" \
	'all(.results[]; (.records_per_s != null) == (.mode == "throughput"))'
holds "bytes are records times their size" \
	'all(.results[] | select(.mode == "throughput");
	((.bytes_per_s / .records_per_s) - .size_bytes | fabs) < 0.01)'
holds "the ratio to the floor is the median of those of the rounds" \
	'def median: sort | (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2;
	[.results[] | select(.floor_ratio)] | length > 0 and
	all(.[]; (.round_floor_ratio | median) - .floor_ratio | fabs < 0.001)'
holds "and each of those is ours over the floor, part by part or as a whole" \
	'def median: sort | (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2;
	. as $all | [.results[] | select(.api == "ipc" and .floor_ratio_of == "p50_ns")] |
	length > 0 and all(.[]; . as $row | first($all.results[] | select(.api == "floor" and
		.backend == $row.backend and .mode == $row.mode and .wait == $row.wait and
		.placement == $row.placement and .block == $row.block)) as $floor |
	(if .mode == "latency" then
		[$row.round_parts_ns[0], $floor.round_parts_ns[0]] | transpose |
			map(.[0] / .[1]) | median
	else
		$row.round_p50_ns[0] / $floor.round_p50_ns[0]
	end) - $row.round_floor_ratio[0] | fabs < 0.001)'
holds "a round trip and its floor take turns within a round" \
	'[.results[] | select(.mode == "latency" and .floor_ratio) | .round_parts_ns[0] | length] |
	length > 0 and all(. == 10)'
holds "spinning on one CPU was left out, and why" \
	'[.skipped[] | select(.wait == "spin" and .placement == "same")] |
	length > 0 and all(.[]; .reason | test("spinning"))'
holds "the machine is described" '.environment | .kernel.release and .cpu.cpus > 0 and
	.compiler and .cpu.caches and .mitigations and .limits.sigpending and
	(.warnings | type) == "array"'
holds "the clock is described" '.clock | .cost_ns > 0 and .cost_ns < 5000 and .resolution_ns > 0'
holds "a blocking round trip makes at least a call a record" \
	'all(.results[] | select(.backend == "pipe" and .wait == "block" and .mode == "latency");
	.syscalls_per_record > 1.95 and .syscalls_per_record < 2.05)'
holds "a blocking row sleeps" 'all(.results[] | select(.api == "ipc" and .wait == "block" and
	.placement == "same" and .mode == "latency"); .ctxsw_per_record > 0.3)'
holds "CPU time was used" 'all(.results[]; .cpu_ns_per_record > 0)'
if [ "$two_cpus" -gt 1 ]; then
	holds "the bare line stands beside each row of shared memory" \
		'[.results[] | select((.backend == "shm" or .backend == "memfd") and
		.hub_cpu != .slot_cpu)] | length > 0 and all(.[]; .line_ns > 0)'
	holds "one way, the clocks' error is stated" \
		'all(.results[] | select(.mode == "oneway"); .clock_error_ns > 0)'
else
	skip_part "two CPUs are needed for placement cross"
fi

bench --count=20 --wait=block --place=same
equal "by default: exit status" 0 "$status" || note_rows
holds "by default the first mechanism of each group is measured" \
	"[.results[].backend] == $(list_of "$first_of_groups_are")"

# ---- was it quiet? ----

loops=''
for _ in $(seq "$(nproc)"); do
	(while :; do :; done) &
	loops="$loops $!"
done
run_ipcdemo bench --ipc=pipe --place=same --wait=block --rounds=2 --time=2 --quiet --format=json \
	--output="$T/json"
run_ipcdemo bench --ipc=pipe --mode=oneway --rate=50000 --place=cross --wait=block --rounds=3 \
	--count=2000 --quiet --format=json --output="$T/paced.json"
# shellcheck disable=SC2086 # pids are words
kill $loops
holds "a busy loop on each CPU is told" '.environment | .quiet == false and
	.others_share > 0.05 and any(.warnings[]; test("^other programs used [0-9]+% of"))'
mv "$T/paced.json" "$T/json"
holds "a pacing that others interrupt leaves a CPU time that can be" \
	'all(.results[]; .cpu_ns_per_record < 1e9)'

# ---- what a row costs that is not saturated ----

run_ipcdemo bench --ipc=pipe,shm --place=same --rounds=1 --time=20 $patient --quiet --format=json \
	--output="$T/json"
holds "each row's use of CPU at 1,000 round trips a second is measured" \
	'.results | length == 4 and all(.[]; .cpu_share_at_1000_per_s > 0 and
		.cpu_share_at_1000_per_s < 2 and
		.cpu_share_at_1000_per_s != .cpu_ns_per_record * 2000 / 1e9)'

# ---- the other axes ----

bench --ipc=pipe,unix --mode=throughput --place=same --wait=block,poll --batch=1,32 --senders=1,3 \
	--size=8,64 --floor
equal "batches and senders: exit status" 0 "$status" || note_rows
holds "batches and senders: each combination" \
	'[.results[] | select(.api == "ipc")] | length == 32 and all(.[]; .status == "ok" and
	.records == 2 * ((200 + .senders - 1) / .senders | floor) * .senders)'
holds "a batch costs fewer calls" \
	'[.results[] | select(.backend == "pipe" and .senders == 1 and .size_bytes == 8 and
		.wait == "block" and .api == "ipc")] |
	(map(select(.batch == 32))[0].syscalls_per_record) * 4 <
	(map(select(.batch == 1))[0].syscalls_per_record)'
holds "several senders have no floor, and why" \
	'any(.skipped[]; .senders == 3 and .api == "floor" and (.reason | length > 10))'

bench --ipc=pipe --mode=latency,oneway --rate=2000 --place=same --wait=block
equal "open loop: exit status" 0 "$status" || note_rows
holds "open loop: what the pacing was late is told apart" \
	'all(.results[]; .rate_per_s == 2000 and .samples == 400 and .lag_ns.p50 >= 0 and
	.lag_ns.max >= .lag_ns.p50)'

bench --ipc=unix --size=56,65536,131072 --place=same --wait=block
equal "a size over the limit: exit status" 0 "$status"
holds "a size over the limit is left out, the others are not" \
	'(.results | map(.size_bytes)) == [56, 65536] and (.skipped[0].reason | test("131072"))'

bench --ipc=pipe --place=all --wait=block
holds "all pairs of CPUs" '(.environment.cpu.cpus_allowed | length) as $n |
	(.results | length) == ($n * ($n + 1) / 2) and
	all(.results[]; .placement | test("^cpu[0-9]+-cpu[0-9]+$"))'

bench --ipc=shm --mode=throughput --size=1M --place=same --wait=block --count=3 --depth=4
equal "a size of 1M: exit status" 0 "$status" || note_rows
holds "a size of 1M is 1,048,576 bytes" '[.results[] | [.size_bytes, .depth]] == [[1048576, 4]]'

# ---- open loop ----

bench --ipc=pipe --rate=100000000 --time=20 --place=same --wait=block
equal "overload: exit status" 0 "$status" || note_rows
holds "overload: the row is saturated, says what it reached, and has no latency" \
	'.results[0] | .status == "saturated" and .rtt_ns == null and .achieved_per_s > 0 and
	.achieved_per_s < 95000000 and .late_ns > 0 and (.reason | test("of 100000000 a second"))'
run_ipcdemo bench --ipc=pipe --rate=100000000 --time=20 --place=same --wait=block --rounds=1 -q \
	$patient
matches "overload: the table says so" \
	'^pipe +block +same +[0-9.]+( [kM])? +[0-9.]+ [mu]?s saturated$' "$T/out"
bench --ipc=pipe --find-rate --p99=1s --time=5 --place=same --wait=block
equal "the highest rate: exit status" 0 "$status" || note_rows
holds "the highest rate under an easy bound is one that the row keeps" \
	'.results[0] | .rate_per_s > 0 and (.status == "ok" or .status == "saturated")'
bench --ipc=pipe --find-rate --p99=1ns --time=5 --place=same --wait=block
equal "a bound that nothing can keep: exit status" 1 "$status"
holds "a bound that nothing can keep is an error that says so" \
	'.results[0] | .status == "error" and (.reason | test("p99 is above"))'

# ---- downloads ----

sixty=$(yes pipe | head -n 60 | paste -sd , -)
run_ipcdemo bench --mode=download --ipc="$sixty,unix,shm" --rounds=1 $patient -q --format=json \
	--output="$T/json"
equal "downloads: exit status" 0 "$status" || note_rows
holds "downloads: each mechanism once for each load, and none" '[.results[] | .backend + .load] |
	length == (unique | length) and ([.[] | select(startswith("none"))] | length == 2)'
holds "downloads: no figure is made up after one round" \
	'all(.results[] | select(.api == "ipc"); .wall_s > 0 and .ipc_wall_share == null)'
TMPDIR=$T/absent run_ipcdemo bench --mode=download --ipc=pipe --rounds=2 $patient --format=json \
	--output="$T/json"
equal "downloads: with a TMPDIR that is not there: exit status" 0 "$status" || note_rows
is_true "downloads: where there is no terminal the first round says how long it takes" \
	grep -q '^ipcdemo bench: round 1 of 2 done, about [0-9]* s to go$' "$T/err"
# shellcheck disable=SC3045 # dash has ulimit -f
big_files_fail() {
	(ulimit -f 2048 && run_ipcdemo bench --mode=download --ipc=pipe --rounds=1 $patient -q &&
		echo "$status" >"$T/status")
	cat "$T/status"
}
equal "downloads: a row that failed is exit status 1" 1 "$(big_files_fail | tail -n 1)"
for row in pipe none; do
	matches "downloads: and the table says why: $row" \
		"^$row +8 x 32 MiB +error: f[0-7]: cannot" "$T/out"
done
is_true "downloads: it ends at the first file that fails, of the four under way" \
	[ "$(grep -c 'cannot write' "$T/err")" -le 4 ]
ls /dev/shm >"$T/before"
start_ipcdemo bench --mode=download --ipc=pipe --rounds=100 $patient -q --format=json \
	--output="$T/json"
is_true "a download has begun" await 20 has_child "$ipcdemo_pid"
files_in_memory() {
	[ -n "$(find /dev/shm -path '*/ipcdemo-bench-*/files/*' 2>/dev/null | head -n 1)" ]
}
[ ! -w /dev/shm ] || is_true "its files are in memory" await 20 files_in_memory
kill -s TERM "$ipcdemo_pid"
end_ipcdemo
equal "downloads: SIGTERM ends it" "signal 15" "$how"
# Benchmarks of tests beside this one come and go: what stays is there each time.
nothing_stays() {
	[ -z "$(ls /dev/shm | comm -13 "$T/before" - | grep ipcdemo-bench)" ]
}
is_true "downloads: and nothing stays in memory" await 20 nothing_stays

# ---- starts ----

run_ipcdemo bench --mode=start --ipc=pipe,mutex,zmq --rounds=1 --count=2 $patient -q --format=json \
	--output="$T/json"
one_of "starts: exit status" "$status" 0 3 || note_rows
holds "starts: each way once, with its time and memory" '[.results[] |
	select(.backend == "pipe" and .status == "ok" and .samples == 2) |
	select(.start_ns.p50 > 0 and .private_bytes > 0) | .start] | unique | length == 8'
holds "starts: none is both measured and left out" '[.results + .skipped | .[] |
	select(.start) | .backend + .start] | length == (unique | length)'
# What is copied of 256 MiB is their page tables: eight bytes for each of 65,536 pages.
holds "starts: a fork pays for the parent's memory, a thread does not" '[.results[] |
	select(.backend == "pipe")] | map({(.start): .private_bytes}) | add |
	.["fork, 256 MiB"] - .fork > 400000 and .thread < .fork'
# Of a program that is executed the sanitizers' own memory is most, and differs by 300 KB.
[ "${sanitized:-no}" != no ] || holds "starts: nor does vfork" '[.results[] |
	select(.backend == "pipe")] | map({(.start): .private_bytes}) | add |
	.["vfork, 256 MiB"] - .vfork < 200000'
run_ipcdemo bench --mode=start --ipc=pipe --rounds=1 --count=1 $patient -q --report="$T/page.html"
equal "starts: exit status of a table and a page" 0 "$status"
matches "starts: a table" '^pipe  *fork, 256 MiB .* KiB' "$T/out"
run_ipcdemo compare "$T/json" "$T/json"
matches "starts: compare tells them apart" '^ *start, fork, 256 MiB(:|$)' "$T/out"
run_ipcdemo bench --mode=start --ipc=pipe --rounds=1 --count=1 $patient -q --format=csv
equal "starts: CSV has a line for each" 9 "$(wc -l <"$T/out")"

# ---- what is counted, against strace ----

traced() {
	timeout 60 strace -f -qq -e trace=read,write -o "$T/trace" "$IPCDEMO" bench --ipc=pipe \
		--place=same --wait=block --rounds=1 --warmup=20 --quiet --format=json \
		--output="$T/json" --count="$1" </dev/null >"$T/out" 2>"$T/err" 8>&- || return 1
	grep -cE '(read|write)\(' "$T/trace"
}
if command -v strace >"$T/which" && few=$(traced 100) && many=$(traced 1100); then
	counted=$(jq '.results[0].syscalls_per_record * 2000 | round' "$T/json")
	equal "1,000 round trips over a pipe are 4,000 calls to strace" 4000 "$((many - few))"
	one_of "and as many were counted" "$counted" 3996 3997 3998 3999 4000 4001 4002 4003 4004
else
	skip_part "counting calls: strace is missing or may not trace"
fi

# ---- what is written ----

run_ipcdemo bench --ipc=pipe,unix --place=same --rounds=1 --count=50 $patient --format=csv
equal "csv: a line for each row and a header" 5 "$(wc -l <"$T/out")"
equal "csv: all lines have as many fields" 1 "$(awk -F, '{ print NF }' "$T/out" | sort -u | wc -l)"
run_ipcdemo bench --ipc=pipe,unix --place=same --wait=block --rounds=6 --count=50 $patient --floor
equal "table: exit status" 0 "$status"
matches "table: says how and where" '^pipe +block +same ' "$T/out"
matches "table: says what it means, or why it does not" \
	'mechanism changes a round trip of 56|No conclusion is drawn' "$T/out"
equal "table: within 80 columns without a terminal" '' "$(awk 'length > 80' "$T/out")"
matches "table: with floors there is room for the spread, too" '^mechanism .* spread +x floor ' \
	"$T/out"

bench --ipc=pipe --place=same --wait=block --hgrm="$T/one.hgrm" --report="$T/page.html"
equal "hgrm and page: exit status" 0 "$status"
matches "hgrm: the header of HdrHistogram" '^ *Value +Percentile +TotalCount +1/\(1-Percentile\)' \
	"$T/one.hgrm"
matches "hgrm: all samples" 'Total count *= *400\]' "$T/one.hgrm"
equal "hgrm: values and counts rise" '' "$(awk '/^ +[0-9]/ {
	if ($1 < value || $3 < count) print; value = $1; count = $3 }' "$T/one.hgrm")"
matches "page: holds the result" '"schema":"ipcdemo-bench/1"' "$T/page.html"
equal "page: loads nothing" '' \
	"$(grep -oE '(src|href)="?(https?:|//)[^ >]*|@import|url\(http' "$T/page.html")"
equal "page: its marks were replaced" '' "$(grep -oE '@(DATA|CHART_JS)@' "$T/page.html")"
bench --ipc=pipe,unix --place=same --wait=block --hgrm="$T/many.hgrm"
equal "hgrm: a file for each row" 'many-pipe-ipc-latency-block-same-56.hgrm
many-unix-ipc-latency-block-same-56.hgrm' "$(cd "$T" && ls many*)"

# ---- what goes wrong ----

run_ipcdemo bench --ipc=pip
fails "an unknown mechanism" 2 "did you mean 'pipe'"
run_ipcdemo bench --ipc=pipe --wait=spin --place=same
fails "a senseless combination alone" 2 'spinning'
run_ipcdemo bench --size=57
fails "a size that is no multiple of 8" 2 'multiple of 8'
run_ipcdemo bench --rate=1000 --mode=throughput
fails "a complaint about all rows" 2 'a rate is for'
equal "a complaint about all rows comes once" 1 "$(grep -c 'a rate is for' "$T/err")"
run_ipcdemo bench --mode=download --size=64
fails "an axis that a download has not" 2 '--size does not apply'
run_ipcdemo bench --mode=start --floor
fails "an axis that a start has not" 2 '--floor does not apply to --mode=start'
run_ipcdemo bench --mode=start,latency
fails "a start beside others" 2 'goes alone'
run_ipcdemo bench --find-rate --p99=soon
fails "a bound that is not a time" 2 "'soon' is not a time"
run_ipcdemo bench --p99=1ms
fails "a bound for nothing" 2 'find-rate'
run_ipcdemo bench --wait=sleep
fails "an unknown way of waiting" 2 'block, poll, spin, adaptive'
run_ipcdemo bench --rounds=0
fails "no rounds" 2 'range'
run_ipcdemo bench --ipc=pipe --output="$T/absent/file"
fails "an output that cannot be made, before measuring" 1 'absent/file'
if [ -c /dev/full ]; then
	run_ipcdemo bench --ipc=pipe --rounds=1 --count=10 --place=same --output=/dev/full
	fails "a full disk" 1 'No space'
fi

# bench_child NAME: the pid of such a process of the run in the background.
bench_child() {
	for hub in $(children_of "$ipcdemo_pid"); do
		for pid in $hub $(children_of "$hub"); do
			[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] && echo "$pid" && return 0
		done
	done
	return 1
}

# interrupt NAME SIGNAL: sends it to the first process of that name, once there is one.
interrupt() {
	await 20 interrupt_now "$1" "$2"
}

stopped() {
	case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in
	T*) ;;
	*) return 1 ;;
	esac
}

# Under load a process may end between the look and the signal, and one that has ended takes a
# signal without effect until its parent has waited for it. One that has stopped has not ended.
interrupt_now() {
	victim=$(bench_child "$1") && kill -s STOP "$victim" 2>/dev/null || return 1
	while alive "$victim"; do
		stopped "$victim" && kill -s "$2" "$victim" && return 0
	done
	return 1
}

# Paced, or the rounds would be followed by some at a moderate rate, whose failure costs no row
# anything: a busy machine may let us look so late.
long="--ipc=pipe,unix --place=same --wait=block --rounds=3 --time=1500 --rate=1000 --quiet \
	--format=json"

# shellcheck disable=SC2086
start_ipcdemo bench $long --output="$T/json"
is_true "a slot is killed" interrupt bench-slot KILL
end_ipcdemo
equal "killed slot: exit status" 1 "$status"
holds "killed slot: one row ends with an error that says so" \
	'[.results[] | select(.status == "error") | .reason] |
	length == 1 and (.[0] | test("signal 9"))'
holds "killed slot: the other row is whole" \
	'[.results[] | select(.status == "ok") | .rounds] == [3]'

# shellcheck disable=SC2086
start_ipcdemo bench $long --output="$T/json"
is_true "a hub is killed" interrupt bench-hub KILL
end_ipcdemo
equal "killed hub: exit status" 1 "$status"
holds "killed hub: one row ends with an error that says so" \
	'[.results[] | select(.status == "error") | .reason] |
	length == 1 and (.[0] | test("killed by signal 9"))'

# shellcheck disable=SC2086
start_ipcdemo bench $long --output="$T/json" --timeout=3
is_true "a slot is stopped" interrupt bench-slot STOP
end_ipcdemo
equal "stopped slot: exit status" 1 "$status"
holds "stopped slot: the watchdog ends the row" \
	'[.results[] | select(.status == "error") | .reason] == ["no end within 3 s"]'

# shellcheck disable=SC2086
start_ipcdemo bench $long --output="$T/json"
await 20 bench_child bench-slot >"$T/victim"
is_true "a round has begun" test -s "$T/victim"
kill -s INT "$ipcdemo_pid"
end_ipcdemo
equal "Ctrl-C: dies by the signal" "signal 2" "$how"
holds "Ctrl-C: what was measured is written" \
	'.signal == 2 and (.results | length == 2) and all(.results[]; .status == "stopped")'

if become_nobody; then
	# shellcheck disable=SC2086
	run_ipcdemo bench $short --ipc=pipe,all --wait=block --place=same --format=csv
	equal "as uid 65534: exit status" 0 "$status" || note_rows
	equal "a name and all: each once" "$(usable_backends | sort)" \
		"$(sed 1d "$T/out" | cut -d , -f 1 | sort)"
	become_self
else
	skip_part "uid 65534 cannot run the program from here"
fi

finish
