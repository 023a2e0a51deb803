#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# rate_report.sh - how well --limit-rate is kept and shared: `make rate-report`. Four files at once;
# what arrived within SECONDS (10) against the limit, and the least of the four against the most.
# It reports and judges nothing: a machine that is busy takes less.
DEADLINE=900
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

SECONDS_EACH=${SECONDS_EACH:-10}
LIMIT=4194304
start_origin

# Centiseconds that do not go back.
now_cs() {
	tr -d . </proc/uptime | cut -d ' ' -f 1
}

sizes() {
	stat -c %s "$T/got"/*.part 2>/dev/null
}

all_there() {
	[ "$(sizes | wc -l)" -eq 4 ]
}

measure() {
	start_ipcdemo "$@" --progress=none --limit-rate=$LIMIT -j 4 -d "$T/got" \
		"$ORIGIN/bytes/1000000000/a" "$ORIGIN/bytes/1000000000/b" \
		"$ORIGIN/bytes/1000000000/c" "$ORIGIN/bytes/1000000000/d"
	await 20 all_there || not_ok "$*: four files are on their way"
	sleep 2 # the burst of the beginning
	sizes >"$T/before"
	begun=$(now_cs)
	sleep "$SECONDS_EACH"
	sizes >"$T/after"
	ended=$(now_cs)
	kill -INT "$ipcdemo_pid"
	end_ipcdemo
	rm -rf "$T/got"
	paste "$T/before" "$T/after" | awk -v what="$*" -v cs=$((ended - begun)) -v limit=$LIMIT '
		{ took = $2 - $1; sum += took; if (NR == 1 || took < least) least = took
		  if (took > most) most = took }
		END { printf "%-24s %5.3f of the limit, the least %.3f of the most\n", what,
			sum / (limit * cs / 100), most ? least / most : 0 }'
}

for ipc in ${IPC_LIST:-pipe unix shm zmq}; do
	measure --ipc="$ipc"
done
measure --model=thread
measure --model=hybrid --threads=2
measure --model=event
finish
