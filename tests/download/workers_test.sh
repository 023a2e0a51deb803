#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# workers_test.sh - workers that come and go leave no descriptor open in the parent, whatever runs
# them; one that has nothing to do takes what waits behind a slow file.
DEADLINE=120
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=40
start_origin
awk 'BEGIN { for (i = 0; i < 100; i++) print i, "f" i }' >"$T/list"
sums_of <"$T/list" >"$T/sums"
awk -v base="$ORIGIN" '{ print base "/bytes/" $1 "/" $2 }' "$T/list" >"$T/urls"
{ echo "$ORIGIN/fault/slow/1000/1000000/slow" && head -n 12 "$T/urls"; } >"$T/urls-slow"

# replaced WHAT OPTION...: one worker after the other, more of them than there may be descriptors.
replaced() {
	what="100 files by $1, 90 descriptors"
	shift
	rm -rf "$T/got"
	run_program=/bin/sh
	run_ipcdemo -c 'ulimit -n 90; exec "$@"' sh "$IPCDEMO" --ipc="$ipc" --recycle=1 -j 2 \
		--progress=none "$@" -d "$T/got" -i "$T/urls"
	run_program=$IPCDEMO
	succeeds "$what" && verify "$what" "$T/got" "$T/sums"
}

twelve_done() {
	[ "$(grep -c '"event":"done"' "$T/out")" -eq 12 ]
}

# The worker of the slow file has some of the others too, and returns all of these.
behind_a_slow_file() {
	rm -rf "$T/got"
	start_ipcdemo --ipc="$ipc" -j 2 --progress=json -d "$T/got" -i "$T/urls-slow"
	what="$ipc: no file waits behind a slow one"
	if await 20 twelve_done; then
		ok "$what"
	else
		not_ok "$what"
	fi
	kill -s INT "$ipcdemo_pid"
	end_ipcdemo
}

FEW=yes
for_each_backend behind_a_slow_file
ipc=unix
replaced processes
replaced 'processes executed anew' --start=spawn
replaced threads --model=thread
replaced 'threads of processes' --model=hybrid --threads=2
finish
