#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# kill_test.sh - workers and parent are killed and interrupted in mid-download.
DEADLINE=240
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=30
start_origin

# Two files that take a minute.
LONG="$ORIGIN/fault/slow/10000/600000/one $ORIGIN/fault/slow/10000/600000/two"
printf '200000 one\n200000 two\n' | sums_of >"$T/sums"

# Both files are being written.
under_way() {
	[ -s "$T/got/one.part" ] && [ -s "$T/got/two.part" ]
}

# start URL...: with two workers over $ipc, until both are in the middle of a file.
start() {
	rm -rf "$T/got"
	start_ipcdemo --ipc="$ipc" -j 2 -d "$T/got" "$@"
	await 10 under_way || {
		not_ok "$ipc: both downloads are under way"
		note_file "$T/err"
	}
	# shellcheck disable=SC2046 # the pids are words
	set -- $(children_of "$ipcdemo_pid")
	worker=${1:-}
	equal "$ipc: two workers" 2 $# || finish # there is nothing to kill
}

nothing_in_place() {
	absent "$T/got/one" "$T/got/two"
}

gate=0
worker_killed() {
	gate=$((gate + 1))
	start "$ORIGIN/fault/held/$gate/200000/one" "$ORIGIN/fault/held/$gate/200000/two"
	kill -s KILL "$worker" || not_ok "$ipc: the worker could be killed"
	open_gate $gate
	end_ipcdemo
	succeeds "$ipc: a worker is killed by SIGKILL, its job starts again"
	verify "$ipc: a worker is killed by SIGKILL" "$T/got" "$T/sums"
}

# Does the mechanism have objects that outlive every process (NAMED)?
leaves_names() {
	"$IPCDEMO" list --json | awk -v name="\"$ipc\"" '
		/"name":/ { found = index($0, name) }
		found && /"NAMED"/ { named = 1 }
		END { exit !named }'
}

msg_queue() {
	awk -v id="$1" '$2 == id' /proc/sysvipc/msg
}

# kill -9 leaves no time to clean up: what is left may be the .part files, and no process.
parent_killed() {
	# shellcheck disable=SC2086
	start $LONG
	kill -s KILL "$ipcdemo_pid" || not_ok "$ipc: the parent could be killed"
	if leaves_names; then
		wait "$harness_pid"
		equal "$ipc: the parent is killed by SIGKILL, all workers end, its queues stay" \
			"125 signal 9" "$? $(cat "$T/how")"
		harness_pid=''
		left=$(sed -n 's/.*left behind: System V msg id \([0-9]*\) .*/\1/p' "$T/err")
		equal "$ipc: nothing else stays" "$(echo "$left" | grep -c .)" \
			"$(grep -c 'left behind' "$T/err")"
	else
		end_ipcdemo
		equal "$ipc: the parent is killed by SIGKILL, all workers end within 1 s" \
			"137 signal 9" "$status $how"
		left=''
	fi
	nothing_in_place
	# What it left does not hinder the next run.
	run_ipcdemo --ipc="$ipc" -j 2 -d "$T/got" "$ORIGIN/bytes/200000/one" \
		"$ORIGIN/bytes/200000/two"
	succeeds "$ipc: the next run takes the leftovers over"
	verify "$ipc: the next run" "$T/got" "$T/sums"
	for id in $left; do
		is_true "$ipc: the next run removes queue $id" [ -z "$(msg_queue "$id")" ]
	done
}

# signalled NAME NUMBER TARGET
signalled() {
	# shellcheck disable=SC2086
	start $LONG
	started_ms=$(now_ms)
	kill -s "$1" -- "$3$ipcdemo_pid" || not_ok "$ipc: SIG$1 is sent"
	end_ipcdemo
	took_ms=$(($(now_ms) - started_ms))
	equal "$ipc: SIG$1 is what it dies of" "signal $2" "$how"
	is_true "$ipc: SIG$1: stderr says what happened" [ -s "$T/err" ]
	equal "$ipc: SIG$1 leaves no file" '' "$(names_in "$T/got")"
}

one_worker_left() {
	# shellcheck disable=SC2046
	set -- $(children_of "$ipcdemo_pid")
	[ $# -eq 1 ]
}

# A stopped worker cannot end by itself, so the first Ctrl-C waits for it; the second does not.
second_interrupt() {
	# shellcheck disable=SC2086
	start $LONG
	kill -s STOP "$worker"
	kill -s INT -- "-$ipcdemo_pid" || not_ok "$ipc: a first SIGINT is sent"
	await 5 one_worker_left # the other has ended: the first Ctrl-C has been seen
	started_ms=$(now_ms)
	kill -s INT -- "-$ipcdemo_pid" 2>/dev/null ||
		skip_part "$ipc: the second SIGINT: the first was enough"
	end_ipcdemo
	took_ms=$(($(now_ms) - started_ms))
	equal "$ipc: a second SIGINT is what it dies of" "signal 2" "$how"
	nothing_in_place
}

each() {
	worker_killed
	parent_killed
	# As Ctrl-C does: to the whole group.
	soon "$ipc: SIGINT ends the run" 4000 signalled INT 2 -
	soon "$ipc: SIGTERM ends the run" 4000 signalled TERM 15 ''
	soon "$ipc: a second SIGINT ends the run" 800 second_interrupt
}

for_each_backend each
finish
