#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# output_test.sh - what the program writes to may refuse: a pipe without a reader, a limit.
DEADLINE=120
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_origin slow 300000 20

# reader_leaves WHAT OPTION...: the reader of standard output takes one line and goes.
reader_leaves() {
	what=$1
	shift
	mkfifo "$T/pipe"
	head -n 1 <"$T/pipe" >"$T/line" &
	reader=$!
	(harnessed --progress=json -d "$T/got" "$@" "$ORIGIN/slow") </dev/null >"$T/pipe" \
		2>"$T/err" 8>&-
	status=$?
	wait "$reader"
	rm "$T/pipe"
	check_run
	equal "$what: ends by SIGPIPE" "signal 13" "$how"
	equal "$what: leaves no file" '' "$(names_in "$T/got")"
	rm -rf "$T/got"
}

# reader_of_stderr_leaves WHAT OPTION...: the same for standard error, which has a line for each
# file that is there: the second finds no reader, while the third is on its way.
reader_of_stderr_leaves() {
	what=$1
	shift
	mkfifo "$T/pipe"
	head -n 1 <"$T/pipe" >"$T/line" &
	reader=$!
	(harnessed --progress=plain -d "$T/got" -j 3 "$@" "$ORIGIN/bytes/1/a" \
		"$ORIGIN/fault/slow/50000/15000/b" "$ORIGIN/slow") </dev/null >"$T/out" \
		2>"$T/pipe" 8>&-
	status=$?
	wait "$reader"
	rm "$T/pipe"
	check_run
	equal "$what: ends by SIGPIPE" "signal 13" "$how"
	equal "$what: leaves nothing unfinished" '' "$(names_in "$T/got" | grep -F .part)"
	rm -rf "$T/got"
}

over_mechanism() {
	reader_leaves "$ipc, the reader of stdout leaves" --ipc="$ipc"
	reader_of_stderr_leaves "$ipc, the reader of stderr leaves" --ipc="$ipc"
}

in_model() {
	reader_leaves "$1, the reader of stdout leaves" --model="$1"
	reader_of_stderr_leaves "$1, the reader of stderr leaves" --model="$1"
}

# Beyond the file size limit a write fails, it does not kill: 8 blocks of 512 bytes.
size_limit() {
	mkdir "$T/got"
	(
		ulimit -f 8
		exec "$IPCDEMO" "$@" --retries=0 -d "$T/got" "$ORIGIN/bytes/100000/large"
	) </dev/null >"$T/out" 2>"$T/err" 8>&-
	status=$?
	fails "file size limit, $1" 1 'cannot write: file too large'
	equal "file size limit, $1: leaves no file" '' "$(names_in "$T/got")"
	rm -rf "$T/got"
}

# `-o -`: the bytes and nothing else; the exit code tells whether they are right.
to_stdout() {
	sum=$(printf '5000 good\n' | sums_of | cut -d ' ' -f 1)
	for name in - /dev/stdout; do
		run_ipcdemo -o $name --checksum="$sum" "$ORIGIN/bytes/5000/good"
		equal "-o $name: exit status" 0 "$status"
		equal "-o $name: the bytes" "$sum" "$(sum_of "$T/out")"
		matches "-o $name: progress is elsewhere" '1 file, 4.9 KiB' "$T/err"
	done
	run_ipcdemo -o - --checksum="$(printf '%064d' 0)" "$ORIGIN/bytes/5000/good"
	equal "-o -, a wrong sum: exit status" 1 "$status"
	matches "-o -, a wrong sum: stderr says so" 'SHA-256' "$T/err"
	run_ipcdemo -o - --retries=1 --progress=plain "$ORIGIN/fault/503-once/3/5000/good"
	equal "-o -, tried again before the first byte" "$sum" "$(sum_of "$T/out")"
	matches "-o -, when the origin wants it" 'next try in 3 s' "$T/err"
	run_ipcdemo -o - --retries=1 --retry-all-errors --progress=plain \
		"$ORIGIN/fault/status/404/x"
	fails "-o - --retry-all-errors" 1 'HTTP 404.*next try in [12] s'
	run_ipcdemo -o - "$ORIGIN/fault/truncate/5000/good"
	fails "-o -, broken off" 1 'after 2500 of 5000 bytes'
	equal "-o -, broken off: no byte is written again" 2500 "$(wc -c <"$T/out")"
	run_ipcdemo -o - --progress=json "$ORIGIN/bytes/1/x"
	fails "-o - with --progress=json" 2 'cannot hold both'
	run_ipcdemo -o - "$ORIGIN/bytes/1/x" "$ORIGIN/bytes/1/y"
	fails "-o - with two URLs" 2 'one URL'
	equal "-o -: no file" '' "$(find . -maxdepth 1 '(' -name - -o -name '*.part' ')')"
	mkfifo "$T/pipe"
	head -c 1 <"$T/pipe" >"$T/line" &
	(harnessed -q -o - "$ORIGIN/bytes/50000000/x") </dev/null >"$T/pipe" 2>"$T/err" 8>&-
	status=$?
	rm "$T/pipe"
	check_run
	equal "-o -, the reader leaves: ends by SIGPIPE" "signal 13" "$how"
}

to_stdout
for_each_backend over_mechanism
for model in sequential thread hybrid event; do
	in_model $model
done
size_limit --model=process
size_limit --model=sequential
finish
