#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317,SC2086 # shared with lib.sh; lists of words
# models_test.sh - every model brings the same jobs to the same end: files, checksums, retries, exit
# codes, JSON; and leaves nothing when it is interrupted or killed.
DEADLINE=120
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=30
start_origin
awk 'BEGIN { for (i = 0; i < 40; i++) print i * i * 300, "f" i }' >"$T/list"
sums_of <"$T/list" >"$T/sums"
while read -r sum name; do
	size=$(awk -v name="$name" '$2 == name { print $1 }' "$T/list")
	echo "$ORIGIN/bytes/$size/$name sha256=$sum"
done <"$T/sums" >"$T/urls"
G=$T/got

# run CASE ARGUMENT...: the model under test, into an empty $G.
run() {
	case_="$label: $1"
	shift
	rm -rf "$G"
	run_ipcdemo $options -d "$G" "$@"
}

ends_well() {
	run 'files with checksums' -j 4 --progress=plain -i "$T/urls"
	succeeds "$case_"
	verify "$case_" "$G" "$T/sums"
	run 'more workers than files' -j 60 --progress=none -i "$T/urls"
	succeeds "$case_"
	verify "$case_" "$G" "$T/sums"
}

ends_badly() {
	run 'one of two fails' --progress=none "$ORIGIN/bytes/7/good" "$ORIGIN/fault/status/404/bad"
	fails "$case_" 1 'bad: HTTP 404 Not Found'
	equal "$case_: the other is there" good "$(names_in "$G")"
	run 'a connection breaks off, and is tried again' --progress=plain --retries=1 \
		"$ORIGIN/fault/truncate/1000/broken"
	fails "$case_" 1 'broken: '
	matches "$case_: it was tried twice" 'next try in' "$T/err"
	run 'a wrong checksum' --progress=none --retries=0 \
		--checksum="sha256=$(printf '%064d' 0)" "$ORIGIN/bytes/1000/wrong"
	fails "$case_" 1 'SHA-256'
	equal "$case_: nothing is left" '' "$(names_in "$G")"
	run 'the origin stalls' --progress=none --retries=0 --stall-timeout=1 \
		"$ORIGIN/fault/stall/1000/stalled"
	fails "$case_" 1 'nothing'
}

tells() {
	run JSON --progress=json -i "$T/urls"
	equal "$case_: exit 0" 0 "$status"
	equal "$case_: a start and a done for each file" '40 40' \
		"$(grep -c '"event":"start"' "$T/out") $(grep -c '"event":"done"' "$T/out")"
	matches "$case_: the model" "\"event\":\"summary\".*\"model\":\"$model\"" \
		"$T/out"
}

under_way() {
	[ -s "$G/one.part" ] && { [ "$model" = sequential ] || [ -s "$G/two.part" ]; }
}

# stopped_by SIGNAL STATUS
stopped_by() {
	case_="$label: SIG$1"
	rm -rf "$G"
	start_ipcdemo $options --progress=none -j 2 -d "$G" \
		"$ORIGIN/fault/slow/10000/600000/one" "$ORIGIN/fault/slow/10000/600000/two"
	await 10 under_way || not_ok "$case_: the files are under way"
	began_ms=$(now_ms)
	kill -s "$1" "$ipcdemo_pid"
	end_ipcdemo
	took_ms=$(($(now_ms) - began_ms))
	equal "$case_: dies of it" "$2" "$status"
	equal "$case_: no file that is not whole stands under its name" '' \
		"$(cd "$G" && find . -name one -o -name two)"
}

each() {
	ends_well
	ends_badly
	tells
	soon "$label: SIGINT ends the run" 3000 stopped_by INT 130
	soon "$label: SIGKILL ends the run" 3000 stopped_by KILL 137
}

# each_model OPTION...: the model is the last word of the first option.
each_model() {
	options="--model=$*" model=$1 label="$*"
	each
}

compared() {
	rm -rf "$G"
	run_ipcdemo --compare-models -j 4 -d "$G" -i "$T/urls"
	equal '--compare-models: exit 0' 0 "$status"
	for model in $models; do
		matches "--compare-models: a row for $model" \
			"^$model +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9]+ +[0-9.]+\$" "$T/out"
	done
	matches '--compare-models: it says what the figures mean' 'One after the other' "$T/out"
	equal '--compare-models: no file is kept' '' "$(names_in "$G")"
	run_ipcdemo --compare-models --format=json -j 4 -d "$G" "$ORIGIN/fault/status/404/bad"
	equal '--compare-models: a failed job is exit 1' 1 "$status"
	matches '--compare-models: JSON' '"schema": "ipcdemo-models/1"' "$T/out"
	run_ipcdemo --compare-models -j 2 -d "$G" "$ORIGIN/bytes/7/good" \
		"$ORIGIN/fault/status/404/bad"
	equal '--compare-models: one of two fails: exit 1' 1 "$status"
	equal '--compare-models: and each row says so' 5 "$(grep -c '   1 failed$' "$T/out")"
}

# What is finished holds no descriptor: forty files with fewer than forty.
few_descriptors() {
	for model in sequential event; do
		program=$run_program run_program=/bin/sh
		run_ipcdemo -c 'ulimit -n 32; exec "$@"' sh "$program" --model=$model -j 2 \
			-d "$T/few-$model" -i "$T/urls"
		run_program=$program
		succeeds "$model: forty files with 32 descriptors"
		verify "$model: forty files with 32 descriptors" "$T/few-$model" "$T/sums"
	done
}

models='sequential process thread hybrid event'
compared
few_descriptors
# Over every mechanism: what it cannot do is refused, with the reason.
over() {
	for options in '--model=thread' '--model=hybrid --threads=3' '--start=spawn'; do
		label="$ipc $options"
		run 'forty files' --ipc="$ipc" -j 3 --progress=none -i "$T/urls"
		if [ "$status" -eq 2 ]; then
			matches "$case_: refused" "cannot use $ipc: " "$T/err"
		else
			succeeds "$case_"
			verify "$case_" "$G" "$T/sums"
		fi
	done
}

# A worker dies; the run goes on.
gate=0
worker_dies() {
	label="$*: a worker is killed"
	gate=$((gate + 1))
	rm -rf "$G"
	start_ipcdemo "$@" --progress=plain -d "$G" \
		"$ORIGIN/fault/held/$gate/150000/one" "$ORIGIN/fault/held/$gate/150000/two"
	model=process
	await 10 under_way || not_ok "$label: the files are under way"
	# shellcheck disable=SC2046 # pids are words
	set -- $(children_of "$ipcdemo_pid")
	kill -s KILL "$1"
	open_gate $gate
	end_ipcdemo
	succeeds "$label"
	matches "$label: it is told" 'killed by signal 9' "$T/err"
	equal "$label: both files are there" 'one two' "$(names_in "$G" | paste -sd ' ' -)"
}

some_written() {
	[ "$(find "$G" -name '*.part' -size +0 2>/dev/null | wc -l)" -ge 35 ]
}

all_written() {
	[ "$(find "$G" -name '*.part' -size 30000c 2>/dev/null | wc -l)" -ge 35 ]
}

# Files that end while the parent does not look wait for their checksums together, with a descriptor
# each. It counts those before it starts workers: 40 here, not the 60 that it could start.
many_end_at_once() {
	rm -rf "$G"
	for i in $(seq 60); do echo "30000 late$i"; done | sums_of >"$T/late"
	while read -r sum name; do
		echo "$ORIGIN/fault/held/1000/30000/$name sha256=$sum"
	done <"$T/late" >"$T/late.urls"
	program=$run_program run_program=/bin/sh
	start_ipcdemo -c 'ulimit -n 165; exec "$@"' sh "$program" --ipc=signal -j 60 -d "$G" \
		-i "$T/late.urls"
	run_program=$program
	await 20 some_written || not_ok "many files are under way"
	kill -s STOP "$ipcdemo_pid"
	open_gate 1000
	await 20 all_written || not_ok "many files are written"
	kill -s CONT "$ipcdemo_pid"
	end_ipcdemo
	succeeds 'few descriptors, and many files end at once'
	verify '... and every file' "$G" "$T/late"
}

refused() {
	run_ipcdemo --threads=2 "$ORIGIN/bytes/7/two"
	fails '--threads without hybrid' 2 'goes with --model=hybrid'
	run_ipcdemo --model=event --start=spawn "$ORIGIN/bytes/7/two"
	fails '--start=spawn without processes' 2 'goes with --model=process'
	program=$run_program run_program=/bin/sh
	run_ipcdemo -c 'ulimit -n 160; exec "$@"' sh "$program" -j 40 -d "$T/few" -i "$T/urls"
	succeeds 'fewer descriptors than 40 workers need: fewer workers'
	matches '... and it is told' '[0-9]* of 40 workers start' "$T/err"
	verify '... and every file' "$T/few" "$T/sums"
	run_program=$program
	run_ipcdemo --worker-- nonsense
	fails 'a worker without tickets' 2 'is for ipcdemo itself'
}

each_model sequential
each_model event
each_model process
each_model process --start=spawn
each_model thread
each_model hybrid --threads=2
for_each_backend over
worker_dies --start=spawn -j 2
worker_dies --model=hybrid -j 2 --threads=1
worker_dies --model=hybrid -j 1 --threads=2
worker_dies --start=spawn -j 2 --ipc=shm
# Two processes of two threads, and three jobs for each thread: no process sees more than six.
options='--model=hybrid -j 2 --threads=2 --recycle=3' label='hybrid --recycle=3'
run 'processes that are replaced' -v --progress=plain -i "$T/urls"
succeeds "$case_"
verify "$case_" "$G" "$T/sums"
# A thread of each process counts, so 40 jobs by threes are 14 or more. On a busy machine a thread
# may get three jobs at most: it is never replaced, and its line has a pid and no number.
is_true "$case_: threads that were replaced" \
	[ "$(sed -n 's/^  worker [0-9]* (pid [0-9]*): [1-9].*/1/p
		s/^  worker [0-9]* (\([0-9]*\) processes).*/\1/p' "$T/err" |
		awk '{ n += $1 } END { print n + 0 }')" -ge 14 ]
options='--model=thread --recycle=1' label='thread --recycle=1'
run 'a thread for each file' -j 3 --progress=none -i "$T/urls"
succeeds "$case_"
verify "$case_" "$G" "$T/sums"
many_end_at_once
refused
finish
