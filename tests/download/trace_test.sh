#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# trace_test.sh - `--trace`: a line for each record that passes through the parent, over every
# mechanism; times go up, sequences have no gaps, and no record is left out.
DEADLINE=120
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

command -v jq >/dev/null || skip_all "jq is missing"
RUN_DEADLINE=20
start_origin

head='^ *[0-9]+\.[0-9]{6} ms  slot [0-9]+ +pid [0-9]+ +'
event='> (START|PROGRESS|DONE|FAILED|RETURNED) +job [0-9]+ +56 bytes  seq [0-9]+ +at [0-9]+ +'
event="${event}in flight [0-9]+\.[0-9] us\$"
command='< (JOB|TEXT|CANCEL|QUIT) +job [0-9]+ +56 bytes$'

# check_trace: prints what is wrong with the order of events in the trace.
check_trace() {
	awk '
		function wrong(what) { print NR ": " what ": " $0 }
		$1 + 0 < last { wrong("the time goes back") }
		{ last = $1 + 0; slot = $4; pid = $6; kind = $8; job = $10 }
		slot in pid_of && pid_of[slot] != pid { seq[slot] = 0 } # a fresh worker
		{ pid_of[slot] = pid }
		$7 == ">" {
			if ($14 != seq[slot] + 1) wrong("the sequence has a gap")
			seq[slot] = $14
			if ($19 > 10 * 1000 * 1000) wrong("in flight for ages")
		}
		$7 == "<" && kind == "JOB" { given[job] = slot }
		kind == "START" && given[job] != slot { wrong("started by who was not given it") }
		kind == "START" { running[slot] = job }
		(kind == "PROGRESS" || kind == "DONE" || kind == "FAILED") && running[slot] != job {
			wrong("not the running job")
		}
		(kind == "PROGRESS" || kind == "DONE") && $16 + 0 < bytes[job] + 0 {
			wrong("the bytes fall")
		}
		kind == "PROGRESS" { bytes[job] = $16 }
		kind == "DONE" || kind == "FAILED" { delete running[slot]; delete bytes[job] }
	' "$T/err"
}

# how_many PATTERN
how_many() {
	grep -cE -e "$1" "$T/err"
}

records_of_summary() {
	jq -r 'select(.event == "summary") | .records' "$T/out"
}

each() {
	rm -rf "$T/got"
	# Two of them take half a second: PROGRESS is seen too. One fails.
	run_ipcdemo --ipc="$ipc" --trace --progress=json --retries=0 -j 3 -d "$T/got" \
		"$ORIGIN/bytes/100000/one" "$ORIGIN/fault/slow/100000/50000/two" \
		"$ORIGIN/fault/slow/100000/50000/three" "$ORIGIN/bytes/0/four" \
		"$ORIGIN/bytes/10/five?$(printf '%0200d' 0)" "$ORIGIN/fault/status/404/six"
	equal "$ipc: one of six jobs fails" 1 "$status"
	equal "$ipc: all lines but the error are records" \
		"ipcdemo: $ORIGIN/fault/status/404/six: HTTP 404 Not Found" \
		"$(grep -vE -e "$head($event|$command)" "$T/err")"
	grep -E -e "$head" "$T/err" >"$T/trace" && mv "$T/trace" "$T/err"
	equal "$ipc: the trace tells a story without a fault" '' "$(check_trace)"
	equal "$ipc: six jobs are given, but for those that came back" 6 \
		$(($(how_many " < JOB ") - $(how_many " > RETURNED ")))
	equal "$ipc: six are begun" 6 "$(how_many ' > START ')"
	equal "$ipc: five are done, one fails" "5 1" \
		"$(how_many ' > DONE ') $(how_many ' > FAILED ')"
	equal "$ipc: each done with its bytes" "0 10 50000 50000 100000" \
		"$(awk '$8 == "DONE" { print $16 }' "$T/err" | sort -n | paste -sd ' ' -)"
	is_true "$ipc: progress is seen" [ "$(how_many ' > PROGRESS ')" -ge 2 ]
	is_true "$ipc: the long URL takes five records of text or more" \
		[ "$(awk '$8 == "TEXT" && $10 == 4' "$T/err" | wc -l)" -ge 5 ]
	equal "$ipc: every worker is told to quit" 3 "$(how_many ' < QUIT ')"
	equal "$ipc: three slots, a process each" "3 3" \
		"$(awk '{ print $4 }' "$T/err" | sort -u | wc -l) $(
		awk '{ print $6 }' "$T/err" | sort -u | wc -l)"
	equal "$ipc: as many events as the summary counts" \
		"$(records_of_summary)" "$(awk '$7 == ">"' "$T/err" | wc -l)"
}
for_each_backend each

ipc=$(backends | awk '{ print $1; exit }')

# A fresh process per job: the trace shows as many pids as jobs.
run_ipcdemo --ipc="$ipc" --trace --progress=none --recycle=1 -j 2 -d "$T/recycled" \
	"$ORIGIN/bytes/1/1" "$ORIGIN/bytes/1/2" "$ORIGIN/bytes/1/3" "$ORIGIN/bytes/1/4"
succeeds "--recycle=1 --trace"
equal "--recycle=1: a process per job" 4 "$(awk '{ print $6 }' "$T/err" | sort -u | wc -l)"
equal "--recycle=1: the trace tells a story without a fault" '' "$(check_trace)"

# With --progress=auto the lines of the two do not run into each other.
run_ipcdemo --ipc="$ipc" --trace -d "$T/plain" "$ORIGIN/bytes/1000/1"
succeeds "--trace with progress"
equal "--trace with progress: records and whole lines of progress" 4 \
	"$(grep -vcE -e "$head($event|$command)" "$T/err")"

# Nothing passes where there is no worker.
run_ipcdemo --model=sequential --trace --progress=none -d "$T/alone" "$ORIGIN/bytes/1000/1"
succeeds "--model=sequential --trace"
equal "--model=sequential: no record" '' "$(cat "$T/err")"
finish
