#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# start_test.sh - what the program inherits does not matter to it: closed streams, ignored signals,
# any umask, no environment, a working directory that is gone, a reader that goes away; and several
# runs in one directory at once.
DEADLINE=180
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=30
start_origin
printf '300000 one\n7 two\n0 three\n' >"$T/list"
sums_of <"$T/list" >"$T/sums"
awk -v base="$ORIGIN" '{ print base "/bytes/" $1 "/" $2 }' "$T/list" >"$T/urls"

# Where files go; of whoever runs the program.
G=$T/got
# Not trap: some shells give SIGCHLD back to the default for what they execute.
ignore_sigchld='exec env --ignore-signal=CHLD "$@"'

# shell CODE ARGUMENT...: CODE runs first in a shell that then, as "$@", becomes the program.
shell() {
	code=$1
	program=$run_program
	shift
	run_program=/bin/sh
	run_ipcdemo -c "$code" sh "$program" "$@"
	run_program=$program
}

# started WHAT CODE: all three files arrive.
started() {
	rm -rf "$G"
	shell "$2" --ipc="$ipc" --progress=plain -d "$G" -i "$T/urls"
	succeeds "$ipc: $1"
	verify "$ipc: $1" "$G" "$T/sums"
}

# A stream that is closed must not become a worker's pipe or somebody's file: what is said would
# end up in it.
closed_streams() {
	for streams in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
		started "streams $streams" "exec \"\$@\" $streams"
	done
	rm -rf "$G"
	shell 'exec "$@" >&- 2>&-' --ipc="$ipc" --progress=json --trace -d "$G" -i "$T/urls"
	equal "$ipc: JSON and trace to closed streams" 0 "$status"
	verify "$ipc: JSON and trace to closed streams" "$G" "$T/sums"
}

# What a mechanism could depend on: the lowest descriptors, dispositions, where names are made.
each() {
	started "all streams closed" 'exec "$@" <&- >&- 2>&-'
	started "all signals are ignored" 'exec env --ignore-signal "$@"'
	started "all signals are blocked" 'exec env --block-signal "$@"'
	started "no environment" 'exec env -i "$@"'
	started "a strange environment" \
		'exec env TERM= COLUMNS=x LC_ALL=xx_XX TMPDIR=relative XDG_RUNTIME_DIR= HOME= "$@"'
	started "descriptors of others" 'exec 3<"$1" 5<"$1" 7<"$1"; exec "$@"'
}

# Where SIGCHLD is ignored the kernel throws the status of a child away, and nobody would know why
# a worker died.
worker_dies() {
	rm -rf "$G"
	program=$run_program run_program=/bin/sh
	start_ipcdemo -c "$ignore_sigchld" sh "$program" --ipc="$ipc" --progress=plain \
		-d "$G" "$ORIGIN/fault/held/1/100000/held"
	run_program=$program
	await 10 [ -s "$G/held.part" ] || not_ok "SIGCHLD is ignored: the download is under way"
	# shellcheck disable=SC2046 # pids are words
	kill -s KILL $(children_of "$ipcdemo_pid") || not_ok "the worker could be killed"
	open_gate 1
	end_ipcdemo
	succeeds "SIGCHLD is ignored, a worker is killed"
	matches "SIGCHLD is ignored: it is known what the worker died of" \
		'its worker was killed by signal 9' "$T/err"
}

# ---- the umask ----

modes() {
	for mask in 0 022 077 0777; do
		rm -rf "$G" && $run_as mkdir "$G"
		shell "umask $mask"'; exec "$@"' --ipc="$ipc" -d "$G" "$ORIGIN/bytes/7/two"
		succeeds "umask $mask${run_as:+ as uid 65534}"
		equal "umask $mask: the file has mode 0666 without it" \
			"$(printf '%o' $((0666 & ~$mask)))" "$(stat -c %a "$G/two")"
	done
	# The parent reads what the umask forbids to read.
	sum=$(sed -n 's/  two$//p' "$T/sums")
	rm -rf "$G" && $run_as mkdir "$G"
	shell 'umask 0777; exec "$@"' --ipc="$ipc" -d "$G" --checksum="sha256=$sum" \
		"$ORIGIN/bytes/7/two"
	one_of "umask 0777 and a checksum${run_as:+ as uid 65534}: done, or told why not" \
		"$status" 0 1
	equal "umask 0777 and a checksum: there is a file if and only if done" "$status" \
		"$([ -e "$G/two" ]; echo $?)"
}

# ---- the working directory ----

directory_gone() {
	mkdir "$T/gone"
	rm -rf "$G"
	shell "cd '$T/gone' && rmdir '$T/gone' && exec \"\$@\"" --ipc="$ipc" -d "$G" \
		-i "$T/urls"
	succeeds "the working directory is gone, -d is absolute"
	verify "the working directory is gone, -d is absolute" "$G" "$T/sums"
	mkdir "$T/gone"
	shell "cd '$T/gone' && rmdir '$T/gone' && exec \"\$@\"" --ipc="$ipc" -i "$T/urls"
	fails "the working directory is gone" 1 'no such file'
}

# ---- a reader that goes away ----

# The first line is enough for head; the run must end, soon after its next line or with its jobs.
reader_goes() {
	rm -rf "$G"
	shell "$1"'; { "$@"; echo $? >"'"$T/code"'"; } | head -n 1' --ipc="$ipc" \
		--progress=json -d "$G" "$ORIGIN/fault/slow/100000/100000/slow" \
		"$ORIGIN/bytes/7/two"
	what="JSON into head, $2"
	equal "$what: head had its line" 1 "$(wc -l <"$T/out")"
	one_of "$what: no hang" "$status" 0 1 141
	one_of "$what: ends by SIGPIPE, or with 1" "$(cat "$T/code")" 1 141
	equal "$what: no file that is not whole stands under its name" '' \
		"$(cd "$G" && find . -name two ! -size 7c -o -name slow ! -size 100000c)"
}

# ---- several runs at once ----

# together POLICY: eight runs want the same files in one directory. One run gets each; nobody
# damages what another wrote, whatever each is told.
together() {
	rm -rf "$G" "$T/runs" && mkdir "$T/runs"
	pids=''
	for run in 1 2 3 4 5 6 7 8; do
		"$IPCDEMO" --ipc="$ipc" --progress=json --exists="$1" --retries=0 -j 4 \
			-d "$G" -i "$T/same" </dev/null >"$T/runs/$run.out" \
			2>"$T/runs/$run.err" 8>&- &
		pids="$pids $!"
	done
	bad=''
	for pid in $pids; do
		wait "$pid"
		case $? in 0 | 1) ;; *) bad="$bad $?" ;; esac
	done
	equal "eight runs, --exists=$1: exit 0 or 1 each" '' "$bad"
	verify "eight runs, --exists=$1" "$G" "$T/same-sums"
	equal "eight runs, --exists=$1: each file was committed once" \
		"$(cut -d ' ' -f 3 "$T/same-sums" | sort)" \
		"$(cat "$T/runs/"*.out | sed -n 's/.*"done".*"file":"\([^"]*\)".*/\1/p' | sort)"
	equal "eight runs, --exists=$1: who failed says why" '' \
		"$(cat "$T/runs/"*.err |
			grep -vE 'exists already|being written by|exists=skip leaves' | head -n 3)"
}

runs_at_once() {
	awk 'BEGIN { for (i = 0; i < 12; i++) print i * i * 5000, "same-" i }' >"$T/list"
	sums_of <"$T/list" >"$T/same-sums"
	awk -v base="$ORIGIN" '{ print base "/bytes/" $1 "/" $2 }' "$T/list" >"$T/same"
	for policy in skip fail skip fail; do
		together "$policy"
	done
}

for_each_backend each
ipc=$(backends | awk '{ print $1; exit }')
closed_streams
started "SIGCHLD is ignored" "$ignore_sigchld"
started "SIGPIPE is ignored" 'trap "" PIPE; exec "$@"'
worker_dies
modes
directory_gone
reader_goes 'true' 'SIGPIPE as usual'
reader_goes 'trap "" PIPE' 'SIGPIPE ignored'
runs_at_once
if become_nobody; then
	G=$T/nobody/got
	closed_streams
	modes
else
	skip_part "uid 65534 cannot run the program here"
fi
finish
