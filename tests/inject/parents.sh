#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# parents.sh - `make kill-parents KILLS=5000`: SIGKILL for the parent at a random moment, over each
# mechanism in turn. A second later none of its workers is left, and of its objects none but what a
# mechanism with names (NAMED) says, which its next run removes; no half file stands under a file's
# name.
KILLS=${KILLS:-5000}
DEADLINE=$((KILLS * 4 + 120))
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=30
start_origin
printf '150000 one\n90 two\n150000 three\n' >"$T/list"
sums_of <"$T/list" >"$T/sums"
URLS=$(awk -v base="$ORIGIN" '{ print base "/bytes/" $1 "/" $2 }' "$T/list")
each_kills=$((KILLS / $(backends | wc -l) + 1))
total=0 leaked=0 halves=0 late=0

# A run lasts some 30 ms, its start included: half of them are killed before a byte has come.
kill_one() {
	rm -rf "$T/got"
	# shellcheck disable=SC2086 # words
	"$HARNESS" --deadline=$RUN_DEADLINE --orphan-grace=1 --report="$T/how" -- sh -c '
		"$@" & pid=$!
		sleep "$DELAY"
		kill -s KILL $pid 2>/dev/null
		wait $pid' sh "$IPCDEMO" --ipc="$ipc" -j 3 -q -d "$T/got" $URLS \
		</dev/null >"$T/out" 2>"$T/err" 8>&-
	status=$?
	total=$((total + 1))
	[ $status -ne 125 ] || ! grep -v 'System V msg' "$T/err" | grep -q 'left behind' || {
		leaked=$((leaked + 1))
		note_file "$T/err"
	}
	[ $status -ne 124 ] || not_ok "$ipc: the workers end"
	[ "$(cat "$T/how")" != 'exit 0' ] || late=$((late + 1))
	for file in one two three; do
		[ ! -e "$T/got/$file" ] ||
			[ "$(sum_of "$T/got/$file")" = "$(sed -n "s/  $file\$//p" "$T/sums")" ] ||
			halves=$((halves + 1))
	done
}

each() {
	before="$leaked $halves"
	queues=$(wc -l </proc/sysvipc/msg)
	n=0
	while [ $n -lt "$each_kills" ]; do
		DELAY=0.0$(od -An -N2 -tu2 /dev/urandom | awk '{ printf "%03d", $1 % 600 }')
		export DELAY
		kill_one
		n=$((n + 1))
	done
	rm -rf "$T/got"
	# shellcheck disable=SC2086 # words
	run_ipcdemo --ipc="$ipc" -j 3 -q -d "$T/got" $URLS
	is_true "$ipc: the next run removes what stayed" \
		[ "$(wc -l </proc/sysvipc/msg)" -le "$queues" ]
	equal "$ipc: $each_kills kills of the parent: nothing left, no half file" "$before" \
		"$leaked $halves"
}

for_each_backend each
note "$total kills ($late came too late): leaked $leaked, half files $halves"
finish
