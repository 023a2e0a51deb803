#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# spawner_test.sh - a pool of many workers, which a helper process forks: the helper is killed,
# Ctrl-C reaches all of them, the parent is killed.
DEADLINE=120
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=60
WORKERS=80
start_origin
awk -v n="$WORKERS" 'BEGIN { for (i = 0; i < 2 * n; i++) print 40000, "f" i }' >"$T/list"
sums_of <"$T/list" >"$T/sums"
awk -v base="$ORIGIN" '{ print base "/fault/slow/40000/" $1 "/" $2 }' "$T/list" >"$T/urls"
awk -v base="$ORIGIN" '{ print base "/fault/stall/" $1 "/" $2 }' "$T/list" |
	head -n "$WORKERS" >"$T/urls-stall"

# Its pid, if it is there.
helper() {
	for pid in $(children_of "$ipcdemo_pid"); do
		read -r name <"/proc/$pid/comm" && [ "$name" = ipcdemo-spawner ] && echo "$pid"
	done 2>/dev/null
}

has_helper() {
	[ -n "$(helper)" ]
}

# start_many URLS ARGUMENT...
start_many() {
	rm -rf "$T/got"
	urls=$1
	shift
	start_ipcdemo --ipc="$ipc" -j "$WORKERS" -d "$T/got" -i "$urls" "$@"
	await 20 has_helper || not_ok "$ipc: there is a helper"
}

# Half of the files need workers that nobody has forked yet.
helper_dies() {
	start_many "$T/urls" --recycle=1
	kill -s KILL "$(helper)"
	end_ipcdemo
	succeeds "$ipc: the helper is killed"
	verify "$ipc: the helper is killed" "$T/got" "$T/sums"
}

all_begun() {
	[ "$(find "$T/got" -name '*.part' | wc -l)" -eq "$WORKERS" ]
}

# Whom the terminal tells, ends; what is left over, the harness finds.
interrupted() {
	start_many "$T/urls-stall"
	await 20 all_begun || not_ok "$ipc: all workers have begun"
	kill -s INT -- "-$ipcdemo_pid"
	end_ipcdemo
	equal "$ipc: Ctrl-C ends all of them" 'signal 2' "$how"
}

gone() {
	for pid in $workers; do
		! alive "$pid" || return 1
	done
}

parent_dies() {
	start_many "$T/urls-stall"
	await 20 all_begun || not_ok "$ipc: all workers have begun"
	workers=$(children_of "$ipcdemo_pid")
	kill -s KILL "$ipcdemo_pid"
	wait "$harness_pid"
	harness_pid=''
	await 10 gone || not_ok "$ipc: the parent is killed, and nobody is left"
	ok "$ipc: the parent is killed, and nobody is left"
}

each() {
	helper_dies
	interrupted
	parent_dies
}

for ipc in unix shm; do
	each
done
finish
