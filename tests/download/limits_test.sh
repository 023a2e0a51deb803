#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# limits_test.sh - descriptors, processes, pending signals and shared memory run out; clocks are
# elsewhere; 1,000 workers; all mechanisms at once. A run ends well, or says what it needed.
DEADLINE=240
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=60
start_origin
awk 'BEGIN { for (i = 0; i < 12; i++) printf "%d f%02d\n", i * 3001, i }' >"$T/list"
sums_of <"$T/list" >"$T/sums"
awk -v base="$ORIGIN" '{ print base "/bytes/" $1 "/" $2 }' "$T/list" >"$T/urls"

# under CODE ARGUMENT...: CODE runs first in a shell that then, as "$@", becomes the program.
under() {
	code=$1
	program=$run_program run_program=/bin/sh
	shift
	run_ipcdemo -c "$code" sh "$program" "$@"
	run_program=$program
}

# either WHAT PATTERN DIR: all files are there and right, or it ended with 3 and said PATTERN. $well
# counts the former.
well=0
either() {
	if [ "$status" -eq 0 ]; then
		well=$((well + 1))
		verify "$1" "$3" "$T/sums"
	else
		fails "$1" 3 "$2"
	fi
	rm -rf "$3"
}

descriptors() {
	for n in 6 10 16 24 40 64; do
		under "ulimit -n $n"'; exec "$@"' --ipc="$ipc" -j 8 -d "$T/got" -i "$T/urls"
		either "$ipc: $n descriptors" 'ulimit -n|open files' "$T/got"
	done
}

# ---- shared memory ----

# Its size in a mount namespace of its own. Only what asked for room in time is told that there is
# none; a store would kill (SIGBUS).
small_shm() {
	for size in 4k 16k 64k 1m; do
		under 'mount -t tmpfs -o size='"$size"' none /dev/shm || exit 99; exec "$@"' \
			--ipc="$ipc" -j 4 -d "$T/got" -i "$T/urls"
		either "$ipc: $size of shared memory" 'no space left on device' "$T/got"
	done
}

# ---- what is counted for a user ----

processes() {
	# The leak checker would need a process of its own.
	under 'ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0; export ASAN_OPTIONS
		exec prlimit --nproc=1 -- "$@"' -j 4 -d "$T/nobody/got" -i "$T/urls"
	[ "$(id -u)" -ne 0 ] || [ -n "$run_as" ] || return
	fails "no process to be had" 3 'ulimit -u'
	equal "no process to be had: nothing is there" '' "$(names_in "$T/nobody/got")"
}

pending_signals() {
	for n in 0 1 8 64 4096; do
		under "exec prlimit --sigpending=$n"' -- "$@"' --ipc=signal -j 4 \
			-d "$T/nobody/got" -i "$T/urls"
		either "$n pending signals" 'raise ulimit -(i|u or -i)' "$T/nobody/got"
	done
}

# The 1,025th pipe of an ordinary user holds two pages (fs.pipe-user-pages-soft).
thousand_workers() {
	awk -v base="$ORIGIN" 'BEGIN { for (i = 0; i < 1000; i++) print base "/bytes/9/g" i }' \
		>"$T/many"
	under 'ulimit -n "$(ulimit -Hn)"; exec "$@"' --ipc="$1" -j 1000 -q \
		-d "$T/nobody/got" -i "$T/many"
	if [ "$status" -eq 3 ]; then
		fails "$1: 1,000 workers" 3 'ulimit'
	else
		equal "$1: 1,000 workers: exit status" 0 "$status"
		equal "$1: 1,000 workers: files" 1000 "$(names_in "$T/nobody/got" | wc -l)"
	fi
	rm -rf "$T/nobody/got"
}

# ---- another user of the machine ----

# What uid 65534 reaches of a run of root's, over all mechanisms at once.
another_user() {
	pids=''
	for ipc in $list; do
		"$IPCDEMO" --ipc="$ipc" -q -j 1 -d "$T/other-$ipc" \
			"$ORIGIN/fault/slow/2000/1000000/slow" </dev/null >"$T/out" \
			2>"$T/err" 8>&- &
		pids="$pids $!"
	done
	for ipc in $list; do
		await 20 [ -s "$T/other-$ipc/slow.part" ] || not_ok "$ipc: it is under way"
	done
	for pid in $pids; do
		for process in $pid $(children_of "$pid"); do
			$nobody sh -c 'kill -s 0 "$1" || kill -s RTMIN "$1" || ls "/proc/$1/fd/" ||
				cat "/proc/$1/maps"' sh "$process" 2>/dev/null | grep -q . &&
				not_ok "process $process: another user gets at it"
		done
	done
	equal "no object is another user's to open" '' "$(find /dev/shm /dev/mqueue \
		"$XDG_RUNTIME_DIR" -mindepth 1 -perm /077 -newer "$T/list" 2>/dev/null |
		grep -v '/ipcdemo-test\.')"
	equal "no System V queue is" '' "$(awk 'NR > 1 && $3 % 100 != 0' /proc/sysvipc/msg)"
	equal "nobody listens" '' "$(for pid in $pids; do
		for process in $pid $(children_of "$pid"); do
			find "/proc/$process/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null
		done
	done | tr -dc '0-9\n' | sort -u | while read -r inode; do
		awk -v inode="$inode" '$4 == "0A" && $10 == inode' /proc/net/tcp
	done)"
	# shellcheck disable=SC2086 # pids are words
	kill $pids
	for pid in $pids; do
		wait "$pid"
		equal "a run that another user has looked at ends as it should" 143 $?
	done
}

# ---- clocks ----

# The monotonic clock and that of the boot are in another place; the wall clock is never asked.
other_clocks() {
	program=$run_program run_program=unshare
	for offset in 3600 1000000000; do
		run_ipcdemo -T --fork --monotonic "$offset" --boottime "$offset" "$program" \
			--stall-timeout=2 -d "$T/got" -i "$T/urls"
		succeeds "clocks that are $offset s ahead"
		verify "clocks that are $offset s ahead" "$T/got" "$T/sums"
		rm -rf "$T/got"
	done
	run_program=$program
	# mq_timedreceive(3) knows no other, as its card says; sandbox_calls.c has only names.
	asking='ipc/mq.c src/download/sandbox_calls.c'
	equal "decisions do not ask the wall clock" "$asking" "$(cd "$srcdir" &&
		grep -lE 'CLOCK_REALTIME|gettimeofday|[^a-z_]time\(NULL' ipc/*.c ipc/core/*.c \
			src/common/*.[ch] src/download/*.c | paste -sd ' ')"
}

# ---- all mechanisms at once ----

# Twice each, in one directory, over one list: each file is fetched by somebody, none is damaged.
together() {
	pids=''
	for ipc in $list $list; do
		"$IPCDEMO" --ipc="$ipc" --exists=skip -q -j 3 -i "$T/urls" -d "$T/got" \
			</dev/null >>"$T/out" 2>>"$T/err" 8>&- &
		pids="$pids $!"
	done
	codes=''
	for pid in $pids; do
		wait "$pid" || codes="$codes $?"
	done
	equal "two runs over each mechanism at once: all succeed" '' "$codes" || note_file "$T/err"
	verify "two runs over each mechanism at once" "$T/got" "$T/sums"
	rm -rf "$T/got"
}

list=$(usable_backends)
together
for_each_backend descriptors
is_true "with enough descriptors there are files ($well)" [ "$well" -gt 0 ]
if unshare -m mount -t tmpfs none /dev/shm 2>/dev/null; then
	run_as='unshare -m'
	well=0
	for_each_backend small_shm
	is_true "with enough shared memory there are files ($well)" [ "$well" -gt 0 ]
	become_self
else
	skip_part "little shared memory: a mount namespace is not permitted"
fi
if unshare -T --fork --monotonic 1 true 2>/dev/null; then
	other_clocks
else
	skip_part "other clocks: a time namespace is not permitted"
fi
if become_nobody; then
	processes
	pending_signals
	[ -z "$nobody" ] || another_user
	thousand_workers pipe
	become_self
else
	skip_part "uid 65534 cannot run the program here"
fi
finish
