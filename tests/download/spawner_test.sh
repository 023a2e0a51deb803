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
AT_CALL=$abs_top_builddir/tests/inject/at_call
start_origin
awk -v n="$WORKERS" 'BEGIN { for (i = 0; i < 2 * n; i++) print 40000, "f" i }' >"$T/list"
sums_of <"$T/list" >"$T/sums"
awk -v base="$ORIGIN" '{ print base "/fault/slow/40000/" $1 "/" $2 }' "$T/list" >"$T/urls"
awk -v base="$ORIGIN" '{ print base "/fault/stall/" $1 "/" $2 }' "$T/list" |
	head -n "$WORKERS" >"$T/urls-stall"
head -n "$WORKERS" "$T/urls" >"$T/urls-few"
head -n "$WORKERS" "$T/sums" >"$T/sums-few"

# Its pid, if it is there: it is the oldest child of that name, which its own have for a moment.
helper() {
	for pid in $(children_of "$ipcdemo_pid"); do
		read -r name <"/proc/$pid/comm" && [ "$name" = ipcdemo-spawner ] && echo "$pid" &&
			return
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
	kill -s KILL "$(helper)" || not_ok "$ipc: there is one to kill"
	end_ipcdemo
	succeeds "$ipc: the helper is killed"
	verify "$ipc: the helper is killed" "$T/got" "$T/sums"
}

# The same at the moments when something is half done: each at its third worker.
dies_at() {
	rm -rf "$T/got"
	run_program=$AT_CALL
	run_ipcdemo --report="$T/at" --worker --calls="$1" --nth=3 -- "$IPCDEMO" --ipc="$ipc" \
		-j "$WORKERS" -d "$T/got" -i "$T/urls-few"
	run_program=$IPCDEMO
	what="$ipc: the helper is killed instead of its $1"
	equal "$what: so it was" "hit 1 at $1" "$(cat "$T/at")"
	succeeds "$what" && verify "$what" "$T/got" "$T/sums-few"
}

# The kernel lets a user have so many descriptors under way, and no more (unix(7)).
too_many_under_way() {
	rm -rf "$T/got"
	run_program=$AT_CALL
	run_ipcdemo --report="$T/at" --error=ETOOMANYREFS --calls=sendmsg --nth=1 --every=1 -- \
		"$IPCDEMO" --ipc="$ipc" -j "$WORKERS" -d "$T/got" -i "$T/urls-few"
	run_program=$IPCDEMO
	what="$ipc: others have too many descriptors under way"
	is_true "$what: so it was" grep -q '^hit .* at sendmsg' "$T/at"
	succeeds "$what" && verify "$what" "$T/got" "$T/sums-few"
}

half_done() {
	dies_at recvmsg # the next order is on its way
	dies_at clone3  # it has come
	dies_at sendto  # the worker is there, and nobody has said so
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
	[ -n "$cannot_trace" ] || half_done
	[ -n "$cannot_trace" ] || too_many_under_way
	interrupted
	parent_dies
}

cannot_trace=''
if [ "${sanitized:-no}" != no ]; then
	cannot_trace="a leak checker does not work beneath ptrace"
elif ! "$AT_CALL" --nth=1 --report="$T/at" -- true; then
	cannot_trace="ptrace is not permitted"
fi
[ -z "$cannot_trace" ] || skip_part "$cannot_trace"
for ipc in unix shm; do
	each
done
finish
