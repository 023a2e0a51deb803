#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# trace_json_test.sh - `--trace=FILE.json`: a file that trace viewers can read, over every
# mechanism; each job is a slice of its worker's track, each event an arrow; a killed worker's
# slice ends.
DEADLINE=120
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

command -v jq >/dev/null || skip_all "jq is missing"
RUN_DEADLINE=30
start_origin
trace=$T/trace.json

# check_trace WHAT: the trace follows the format's rules.
check_trace() {
	equal "$1: the trace is as viewers need it" '' \
		"$(jq -r -f "$srcdir/tests/download/trace.jq" "$trace" 2>&1 | head -n 5)"
}

# jobs: the slices of jobs, "NAME RESULT BYTES".
jobs() {
	jq -r '.[] | select(.args.result) | "\(.name) \(.args.result) \(.args.bytes)"' "$trace" |
		sort
}

each() {
	rm -rf "$T/got"
	run_ipcdemo --ipc="$ipc" --trace="$trace" --progress=json --retries=0 -j 2 -d "$T/got" \
		"$ORIGIN/bytes/100000/one" "$ORIGIN/fault/slow/100000/30000/two" \
		"$ORIGIN/bytes/0/three" "$ORIGIN/fault/status/404/four"
	equal "$ipc: one of four jobs fails" 1 "$status"
	check_trace "$ipc"
	equal "$ipc: a slice for each job" 'four failed 0
one done 100000
three done 0
two done 30000' "$(jobs)"
	equal "$ipc: an arrow and a mark for each event" \
		"$(jq -r 'select(.event == "summary") | "\(.records) \(.records)"' "$T/out")" \
		"$(jq -r '(map(select(.args.seq)) | length | tostring) + " " +
			([.[] | select(.name == "receive") | .args.records] | add | tostring)' \
			"$trace")"
	equal "$ipc: the jobs are given to their workers" 4 \
		"$(jq '[.[] | select(.ph == "s" or .ph == "f")] | group_by(.id) |
			map(select(map(.tid) | index($parent))) |
			map(select(.[0].ph == "s" and .[0].tid == $parent and length == 2)) |
			length' --argjson parent "$(jq '.[0].pid' "$trace")" "$trace")"
	equal "$ipc: tracks" 'parent worker 0 worker 1 ' \
		"$(jq -r '.[] | select(.name == "thread_name") | .args.name' "$trace" |
			sed 's/ (pid.*//' | sort | tr '\n' ' ')"
}
for_each_backend each

ipc=$(backends | awk '{ print $1; exit }')

# A worker is killed in the middle of a job: its slice ends there, another's follows.
start_ipcdemo --ipc="$ipc" --trace="$trace" --progress=none -j 1 -d "$T/killed" \
	"$ORIGIN/fault/held/1/100000/job"
under_way() {
	[ -s "$T/killed/job.part" ]
}
await 10 under_way || not_ok "the download is under way"
kill -s KILL "$(children_of "$ipcdemo_pid")"
open_gate 1
end_ipcdemo
succeeds "a worker is killed"
check_trace "a worker is killed"
equal "a worker is killed: two slices" 'job done 100000
job worker ended 0' "$(jobs)"

run_ipcdemo --model=sequential --trace="$trace" --progress=none -d "$T/alone" "$ORIGIN/bytes/9/1"
succeeds "--model=sequential"
check_trace "--model=sequential"
equal "--model=sequential: no records" 0 "$(jq '[.[] | select(.ph != "M")] | length' "$trace")"

run_ipcdemo --trace="$T/none/t.json" --progress=none -d "$T/unwritable" "$ORIGIN/bytes/9/1"
fails "a file that cannot be made" 1 'none/t\.json: No such file'
absent "$T/unwritable/1"
run_ipcdemo --trace=/dev/full --progress=none -d "$T/full" "$ORIGIN/bytes/9/1"
fails "a file for which there is no room" 1 '/dev/full: No space left'
finish
