#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# output_test.sh - what the program writes to may refuse: a pipe without a reader, a limit.
DEADLINE=60
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
	judge_run
	equal "$what: ends by SIGPIPE" "signal 13" "$how"
	equal "$what: leaves no file" '' "$(names_in "$T/got")"
	rm -rf "$T/got"
}

over_mechanism() {
	reader_leaves "$ipc, the reader of stdout leaves" --ipc="$ipc"
}

# The same for standard error, which has a line for each job.
reader_of_stderr_leaves() {
	mkfifo "$T/pipe"
	head -n 1 <"$T/pipe" >"$T/line" &
	reader=$!
	(harnessed --progress=plain -d "$T/got" -j 1 "$ORIGIN/bytes/1/a" "$ORIGIN/slow" \
		"$ORIGIN/slow?2") </dev/null >"$T/out" 2>"$T/pipe" 8>&-
	status=$?
	wait "$reader"
	rm "$T/pipe"
	judge_run
	equal "the reader of stderr leaves: ends by SIGPIPE" "signal 13" "$how"
	rm -rf "$T/got"
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

for_each_backend over_mechanism
reader_leaves "sequential, the reader of stdout leaves" --model=sequential
reader_of_stderr_leaves
size_limit --model=process
size_limit --model=sequential
finish
