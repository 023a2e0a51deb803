#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# resume_test.sh - what was fetched is not fetched again: inside a run, and across runs that a
# signal, a killed worker or a killed parent ended.
DEADLINE=120
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_origin
SIZE=4000000
printf '%s file\n' $SIZE | sums_of >"$T/sums"

part_size() {
	stat -c %s "$T/got/file.part" 2>/dev/null || echo 0
}

part_beyond() {
	[ "$(part_size)" -gt "$1" ]
}

keeps_attributes() {
	: >"$T/attribute"
	run_ipcdemo -d "$T/got" --retries=0 -o file "$ORIGIN/fault/ranges-cut/1000/$SIZE/file"
	[ -e "$T/got/file.part" ]
}

# Each answer breaks off after 2,500,000 bytes: the second brings the rest.
inside_a_run() {
	rm -rf "$T/got"
	run_ipcdemo "$1" -d "$T/got" -o file "$ORIGIN/fault/ranges-cut/2500000/$SIZE/file"
	succeeds "$1: a body that breaks off is gone on with"
	verify "$1: a body that breaks off is gone on with" "$T/got" "$T/sums"
}

# interrupt HOW: a paced download is ended by HOW once some of it is there.
interrupt() {
	before=$(part_size)
	start_ipcdemo --exists=resume -d "$T/got" -o file "$ORIGIN/fault/ranges/2000000/$SIZE/file"
	await 10 part_beyond $((before + 300000)) || not_ok "$1: some of it is there"
	"$1"
	end_ipcdemo
}

ctrl_c() {
	kill -INT "$ipcdemo_pid"
}

kill_parent() {
	kill -KILL "$ipcdemo_pid"
}

# Each time some more of the file is there, and at the end it is right. A killed worker is replaced
# within the run.
across_runs() {
	rm -rf "$T/got"
	interrupt ctrl_c
	equal "Ctrl-C ends by SIGINT" "signal 2" "$how"
	matches "Ctrl-C says what is kept" '1 unfinished .part file is kept.*=resume' "$T/err"
	first=$(part_size)
	is_true "Ctrl-C keeps what is there" [ "$first" -gt 300000 ]
	interrupt kill_parent
	second=$(part_size)
	is_true "after SIGKILL of the parent there is more" [ "$second" -gt $((first + 300000)) ]
	run_ipcdemo --progress=json --exists=resume -d "$T/got" -o file \
		"$ORIGIN/fault/ranges/0/$SIZE/file"
	equal "the rest: exit status" 0 "$status"
	verify "the rest" "$T/got" "$T/sums"
	run_ipcdemo --exists=resume -d "$T/got" -o file "$ORIGIN/fault/ranges/0/$SIZE/file"
	succeeds "a finished file once more"
}

# What was there is not taken for speed: the origin sends 3.8 MiB a second.
tells_what_was_kept() {
	rm -rf "$T/got"
	start_ipcdemo "$1" -d "$T/got" -o file "$ORIGIN/fault/ranges/4000000/$SIZE/file"
	await 10 part_beyond 2800000 || not_ok "$1: most of it is there"
	ctrl_c
	end_ipcdemo
	run_ipcdemo "$1" --progress=plain --exists=resume -d "$T/got" -o file \
		"$ORIGIN/fault/ranges/4000000/$SIZE/file"
	succeeds "$1: a resumed file"
	equal "$1: ... both lines say how much came now, and how fast" 2 \
		"$(sed -n 's/^.*file.*3.8 MiB, of which .* (\(.*\) \(.\)iB\/s)$/\1 \2/p' "$T/err" |
			awk '$2 == "K" || $1 <= 4.2' | wc -l)"
}

killed_worker() {
	rm -rf "$T/got"
	start_ipcdemo --ipc="$ipc" -d "$T/got" -o file "$ORIGIN/fault/ranges/4000000/$SIZE/file"
	await 10 part_beyond 300000 || not_ok "some of it is there"
	inode=$(stat -c %i "$T/got/file.part")
	kill -KILL "$(children_of "$ipcdemo_pid")"
	end_ipcdemo
	equal "$ipc: a killed worker's job goes on: exit status" 0 "$status"
	verify "$ipc: a killed worker's job goes on" "$T/got" "$T/sums"
	equal "$ipc: in the same file" "$inode" "$(stat -c %i "$T/got/file")"
}

# What is not of this URL, or of another version, is replaced.
not_ours() {
	rm -rf "$T/got"
	mkdir "$T/got"
	head -c 1000000 /dev/zero >"$T/got/file.part"
	run_ipcdemo --exists=resume -d "$T/got" -o file "$ORIGIN/fault/ranges/0/$SIZE/file"
	succeeds "a .part without a note is no beginning"
	verify "a .part without a note is no beginning" "$T/got" "$T/sums"
}

mkdir "$T/got"
keeps_attributes || skip_all "no extended attributes in $T"
inside_a_run --model=process
inside_a_run --model=sequential
across_runs
for model in process sequential event thread hybrid; do
	tells_what_was_kept "--model=$model"
done
for_each_backend killed_worker
not_ours
finish
