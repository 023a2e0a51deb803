#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317,SC2016 # see lib.sh; called by name; sh -c
# harness_test.sh - the harness sees what it is there to see: a test of the tests' oracles.
DEADLINE=60
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mkdir "$T/watched"

# harness STATUS PATTERN WHAT COMMAND...: run beneath the harness it exits so and says so.
harness() {
	expected=$1 pattern=$2 what=$3
	shift 3
	env -u HARNESS_SHARED "$HARNESS" --deadline=10 --orphan-grace=0.3 --watch="$T/watched" \
		--report="$T/how" -- "$@" >"$T/out" 2>"$T/err" </dev/null
	equal "$what: exit status" "$expected" $?
	how=$(cat "$T/how")
	if [ -n "$pattern" ]; then
		matches "$what: stderr" "$pattern" "$T/err"
	else
		equal "$what: stderr is empty" '' "$(cat "$T/err")"
	fi
}

# Nobody of the pids in FILE lives.
none_alive() {
	while read -r pid; do
		alive "$pid" && return 1
	done <"$1"
	return 0
}

harness 0 '' "a clean command" true
harness 7 '' "a command that fails" sh -c 'exit 7'
equal "how it ended is reported" "exit 7" "$how"
harness 130 '' "a command that dies of a signal" sh -c 'kill -s INT $$'
equal "the signal is reported" "signal 2" "$how"
harness 127 'no such file' "a command that is not there" "$T/nosuch"

harness 3 '' "a child that ends within the grace" sh -c '(sleep 0.1) & exit 3'
harness 125 'still alive: process .*sleep 50' "an orphan in a session of its own" \
	sh -c 'setsid sleep 50 & echo $! >"$1"; exit 0' sh "$T/pids"
is_true "the orphan was killed" none_alive "$T/pids"
equal "an orphan does not hide how the command ended" "exit 0" "$how"
harness 125 'still alive' "an orphan that lost its parent" \
	sh -c '(sh -c "sleep 50 & echo \$! >$1" &); sleep 0.1' sh "$T/pids"
is_true "that orphan was killed" none_alive "$T/pids"

harness 125 'left behind: .*/watched/socket' "a file in a watched directory" \
	mkfifo "$T/watched/socket"
harness 0 '' "a file that was there before" true
rm "$T/watched/socket"
harness 125 'left behind: .*/watched/dir' "a directory in a watched directory" \
	mkdir "$T/watched/dir"
shm=/dev/shm/ipcdemo-harness-test-$$
harness 125 "left behind: $shm" "a shared memory object" touch "$shm"
rm -f "$shm"
if command -v ipcmk >/dev/null && queue=$(ipcmk -Q | grep -o '[0-9]*$'); then
	ipcrm -q "$queue"
	harness 125 'left behind: System V msg id' "a System V queue" \
		sh -c 'ipcmk -Q | grep -o "[0-9]*$" >"$1"' sh "$T/queue"
	ipcrm -q "$(cat "$T/queue")"
	start_origin
	"$IPCDEMO" --ipc=sysv --progress=none -d "$T/other" \
		"$ORIGIN/fault/slow/100000/100000000/f" 8>&- &
	other=$!
	harness 0 '' "the queues of a program that runs beside it" \
		sh -c 'until [ -s "$1" ]; do sleep 0.02; done' sh "$T/other/f.part"
	kill "$other"
	wait "$other" 2>"$T/err"
	stop_origin
else
	skip_part "a System V queue: none can be made here"
fi

"$HARNESS" --deadline=0.3 --report="$T/how" -- sh -c \
	'trap "echo trapped; exit" TERM; setsid sleep 50 & echo $! >"$1"; sleep 50; sleep 50' \
	sh "$T/pids" >"$T/out" 2>"$T/err"
equal "the deadline: exit status" 124 $?
equal "the deadline is reported" "deadline 124" "$(cat "$T/how")"
equal "at the deadline the command can clean up" trapped "$(cat "$T/out")"
matches "at the deadline the descendants are named" 'process [0-9]+: sleep 50' "$T/err"
is_true "after the deadline none lives" none_alive "$T/pids"

# Five share a CPU, so one second of it takes five; the deadline is one of its own time. setsid, as
# the kernel may share CPUs by session. SIGXCPU ends what was given its second.
if command -v taskset >/dev/null; then
	burn='ulimit -S -t 5; while :; do :; done'
	cpu=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
	others=''
	for _ in 1 2 3 4; do
		setsid taskset -c "$cpu" sh -c "$burn" 2>/dev/null &
		others="$others $!"
	done
	"$HARNESS" --deadline=3 -- taskset -c "$cpu" sh -c "ulimit -S -t 1; while :; do :; done" \
		2>"$T/err"
	equal "waiting for a CPU does not count towards the deadline" 152 $?
	# shellcheck disable=SC2086 # pids are words
	kill $others
	wait
	"$HARNESS" --deadline=1 -- sh -c 'while :; do :; done' 2>"$T/err"
	equal "computing does" 124 $?
else
	skip_part "a deadline on a busy machine: there is no taskset"
fi

# Deaf to SIGTERM.
: >"$T/pids"
"$HARNESS" --report="$T/how" -- sh -c 'trap "" TERM; echo $$ >"$1"; sleep 50; sleep 50' sh \
	"$T/pids" 2>"$T/err" &
harness_pid=$!
await 5 test -s "$T/pids"
kill -s TERM "$harness_pid"
wait "$harness_pid"
equal "told to end: exit status" 143 $?
harness_pid=''
is_true "told to end: the deaf command was killed" none_alive "$T/pids"

"$HARNESS" --report="$T/how" -- sh -c 'kill -s INT $$; exit 5' 2>"$T/err" &
wait $!
equal "SIGINT is not ignored beneath a harness in the background" "signal 2" "$(cat "$T/how")"

env --ignore-signal=HUP "$HARNESS" --report="$T/how" -- sh -c 'kill -s HUP $$; exit 5' 2>"$T/err"
equal "SIGHUP is not ignored beneath a harness under nohup" "signal 1" "$(cat "$T/how")"

finish
