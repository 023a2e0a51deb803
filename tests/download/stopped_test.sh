#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317,SC3045 # shared with lib.sh; called by name
# stopped_test.sh - workers, the parent and all of them are stopped and go on; signals come at any
# moment. What needs time is done over all mechanisms at once.
DEADLINE=120
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=60
start_origin

# ---- a worker is stopped ----

cpu_ticks() {
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

# The other goes on; after the stall timeout the stopped one is killed, and its job tried again.
worker_stopped() {
	start_ipcdemo -j 2 --stall-timeout=2 --progress=plain -d "$T/got" \
		"$ORIGIN/fault/slow/20000/160000/one" "$ORIGIN/fault/slow/20000/160000/two"
	await 10 [ -s "$T/got/one.part" ] || not_ok "a worker is stopped: it has begun"
	# shellcheck disable=SC2046 # pids are words
	set -- $(children_of "$ipcdemo_pid")
	before=$(cpu_ticks "$ipcdemo_pid")
	kill -s STOP "$1"
	await 20 grep -q 'stalled' "$T/err" || not_ok "a worker is stopped: it is noticed"
	spent=$(($(cpu_ticks "$ipcdemo_pid") - before))
	is_true "a worker is stopped: the parent sleeps meanwhile ($spent ticks)" \
		[ "$spent" -le 20 ]
	end_ipcdemo
	succeeds "a worker is stopped"
	printf '160000 one\n160000 two\n' | sums_of >"$T/sums-2"
	verify "a worker is stopped" "$T/got" "$T/sums-2"
	matches "a worker is stopped: it is told" \
		'(one|two): stalled: its worker said nothing for 2 s' "$T/err"
}

# It cannot hear that it is to quit. After a grace it is killed, without a second signal.
interrupted_while_one_is_stopped() {
	rm -rf "$T/got"
	start_ipcdemo -j 2 --stall-timeout=600 -d "$T/got" \
		"$ORIGIN/fault/slow/10000/600000/one" "$ORIGIN/fault/slow/10000/600000/two"
	await 10 [ -s "$T/got/one.part" ] || not_ok "a worker is stopped: it has begun"
	# shellcheck disable=SC2046 # pids are words
	set -- $(children_of "$ipcdemo_pid")
	kill -s STOP "$1"
	kill -s INT "$ipcdemo_pid"
	end_ipcdemo
	equal "a worker is stopped: one SIGINT ends the run" "signal 2" "$how"
}

# ---- over all mechanisms at once ----

list=$(usable_backends)

# start_all OPTION...: a run over each mechanism, with files of 200,000 bytes at $pace a second.
pace=100000
start_all() {
	rm -rf "$T/all" && mkdir "$T/all"
	for ipc in $list; do
		mkdir "$T/all/$ipc"
		env --default-signal=INT,QUIT "$IPCDEMO" --ipc="$ipc" -j 2 --progress=plain "$@" \
			-d "$T/all/$ipc" "$ORIGIN/fault/slow/$pace/200000/one" \
			"$ORIGIN/fault/slow/$pace/200000/two" "$ORIGIN/bytes/7/three" \
			</dev/null >"$T/all/$ipc.out" 2>"$T/all/$ipc.err" 8>&- &
		echo $! >"$T/all/$ipc.pid"
	done
}

# Or done already: on a busy machine the first may be through before the last has begun.
all_under_way() {
	for ipc in $list; do
		for file in one two; do
			[ -s "$T/all/$ipc/$file.part" ] || [ -s "$T/all/$ipc/$file" ] || return 1
		done
	done
}

# Until then SIGINT is ignored, as the shell has it for what runs in the background.
all_executed() {
	for ipc in $list; do
		[ "$(cat "/proc/$(cat "$T/all/$ipc.pid")/comm")" = "$(basename "$IPCDEMO")" ] ||
			return 1
	done
}

# signal_all NAME [with-workers]
signal_all() {
	for ipc in $list; do
		pid=$(cat "$T/all/$ipc.pid")
		workers=''
		[ $# -eq 1 ] || workers=$(children_of "$pid")
		# shellcheck disable=SC2086 # pids are words
		kill -s "$1" "$pid" $workers 2>/dev/null
	done
}

printf '200000 one\n200000 two\n7 three\n' | sums_of >"$T/sums"

# all_end WHAT STATUS: each run ends with it; with 0 all files are there, else none.
all_end() {
	for ipc in $list; do
		wait "$(cat "$T/all/$ipc.pid")"
		status=$?
		equal "$ipc: $1: exit status" "$2" "$status" || note_file "$T/all/$ipc.err"
		if [ "$status" -eq 0 ]; then
			verify "$ipc: $1" "$T/all/$ipc" "$T/sums"
		else
			equal "$ipc: $1: nothing is half there" '' "$(names_in "$T/all/$ipc" |
				grep -v three)"
		fi
	done
}

# The parent reads nothing for longer than the stall timeout, while its workers go on. All runs
# begin at once, some fifty processes, so a busy machine may keep the origin from one of them for a
# second: not for three.
parent_stopped() {
	start_all --stall-timeout=3 --retries=0
	await 20 all_under_way || not_ok "all runs are under way"
	signal_all STOP
	sleep 5 # the fault itself
	signal_all CONT
	all_end "the parent was stopped" 0
}

# As Ctrl-Z does, to the whole group.
all_stopped() {
	start_all --stall-timeout=3 --retries=0
	await 20 all_under_way || not_ok "all runs are under way"
	signal_all TSTP with-workers
	sleep 5
	signal_all CONT with-workers
	all_end "all were stopped" 0
}

# At any moment, the first milliseconds too. Who was asleep meanwhile has finished.
interrupted() {
	pace=2000 # the first must not be through before the last has begun
	for ms in 000 005 020 100; do
		start_all
		await 20 all_executed || not_ok "all runs have begun"
		sleep 0.$ms
		signal_all INT
		all_end "SIGINT after $ms ms" 130
	done
}

# ---- the other signals that end a run, and the one that nohup(1) takes away ----

# signalled NAME NUMBER
signalled() {
	rm -rf "$T/got"
	ulimit -c 0
	start_ipcdemo -j 2 -d "$T/got" "$ORIGIN/fault/slow/10000/600000/one"
	await 10 [ -s "$T/got/one.part" ] || not_ok "SIG$1: the download is under way"
	kill -s "$1" "$ipcdemo_pid"
	end_ipcdemo
	equal "SIG$1 is what it dies of" "signal $2" "$how"
	equal "SIG$1 leaves no file" '' "$(names_in "$T/got")"
}

nohup_is_kept() {
	rm -rf "$T/got"
	env --ignore-signal=HUP "$IPCDEMO" -q -d "$T/got" "$ORIGIN/fault/held/1/200000/one" \
		</dev/null >"$T/out" 2>"$T/err" 8>&- &
	pid=$!
	await 10 [ -s "$T/got/one.part" ] || not_ok "nohup: the download is under way"
	# shellcheck disable=SC2046 # pids are words
	kill -s HUP "$pid" $(children_of "$pid")
	open_gate 1
	wait "$pid"
	equal "nohup: SIGHUP to all of them ends nobody" 0 $?
	equal "nohup: the file is right" \
		"$(sed -n 's/  one$//p' "$T/sums")" "$(sum_of "$T/got/one")"
}

RUN_DEADLINE=30
interrupted_while_one_is_stopped
RUN_DEADLINE=60
worker_stopped
parent_stopped
all_stopped
interrupted
signalled HUP 1
signalled QUIT 3
nohup_is_kept
finish
