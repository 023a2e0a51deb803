#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# dirs_test.sh - lists whose entries name directories (dir=), in both grammars: each file in its
# own, in every model and however workers are started; names are looked at in each directory by
# itself, and a directory stays the one that was opened whatever its name comes to mean.
DEADLINE=180
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_origin
H=$T/here
sandbox=
"$IPCDEMO" --help | tr -s '\n ' ' ' | grep -q 'require or off (default auto)' &&
	sandbox=--sandbox=require

# Four files, two of one name, in four directories: one is -d's, one is another's by another name.
cat >"$T/native" <<-END
	$ORIGIN/bytes/30/x dir=one
	$ORIGIN/bytes/400000/x dir="two dirs/deep" out=x
	$ORIGIN/bytes/5/y
	$ORIGIN/bytes/6/z dir="two dirs/../one/./"
END
cat >"$T/aria2" <<-END
	# theirs
	$ORIGIN/bytes/30/x
	  dir=one

	$ORIGIN/bytes/400000/x
	# its options go on
	  dir = two dirs/deep
	  out=x
	$ORIGIN/bytes/5/y
	$ORIGIN/bytes/6/z
	  dir=two dirs/../one/./
END

# in_dir DIR SIZE NAME: a line for sha256sum.
in_dir() {
	printf '%s  %s/%s\n' "$(printf '%s %s\n' "$2" "$3" | sums_of | cut -d ' ' -f 1)" "$1" "$3"
}

# there WHAT: the files of $T/expected, lines of DIR SIZE NAME with tabs, and no others.
there() {
	while IFS='	' read -r dir size name; do
		in_dir "$dir" "$size" "$name"
	done <"$T/expected" >"$T/expected.sums"
	if ! (cd "$H" && sha256sum --quiet --strict -c "$T/expected.sums") >"$T/verify" 2>&1; then
		not_ok "$1: every file is there and right"
		note_file "$T/verify"
		return 1
	fi
	equal "$1: every file is right, and no other is there" \
		"$(sed 's/^[^ ]*  //' "$T/expected.sums" | sort)" \
		"$(cd "$H" && find . -type f -printf '%P\n' | sort)"
}

afresh() {
	rm -rf "$H"
	mkdir "$H"
	cd "$H" || exit 1
}

all_four() {
	printf 'one\t30\tx\ntwo dirs/deep\t400000\tx\nmain\t5\ty\none\t6\tz\n' >"$T/expected"
}

# fetched WHAT ARGUMENT...
fetched() {
	what=$1
	shift
	afresh
	run_ipcdemo -j2 -d main --progress=plain "$@"
	succeeds "$what"
	there "$what"
}

each() {
	run_ipcdemo list --json
	capabilities=$(tr -d ' \n' <"$T/out" | sed "s/.*\"name\":\"$ipc\"//; s/].*//")
	fetched "$ipc, a fork" --ipc="$ipc" $sandbox -i "$T/native"
	case $capabilities in
	*JOIN*) fetched "$ipc, spawn" --ipc="$ipc" --start=spawn $sandbox -i "$T/native" ;;
	esac
	case $capabilities in
	*THREADS*)
		fetched "$ipc, threads" --ipc="$ipc" --model=thread -i "$T/native"
		fetched "$ipc, threads of processes" --ipc="$ipc" --model=hybrid --threads=2 \
			$sandbox -i "$T/native"
		;;
	esac
}

models() {
	for model in event sequential; do
		fetched "$model" --model=$model -i "$T/native"
	done
	fetched "aria2's list" --input-format=aria2 -i "$T/aria2"
	matches "what is said is where" '^two dirs/deep/x: 391 KiB in ' "$T/err"
	matches "so is what went into -d" '^main/y: 5 B in ' "$T/err"
	matches "the last line counts" '^in 3 directories$' "$T/err"
	afresh
	printf 'sub\t400000\tfile\nmain\t5\ty\n' >"$T/expected"
	printf '%s\n' "$ORIGIN/fault/ranges/0/400000/file dir=sub" "$ORIGIN/bytes/5/y" >"$T/list"
	run_ipcdemo --split=4 -d main --progress=plain -i "$T/list"
	succeeds "in ranges"
	there "in ranges"
	afresh
	run_ipcdemo --compare-models --format=json -i "$T/native"
	equal "--compare-models: all files" '[4]' "$(jq -c '[.models[].ok] | unique' "$T/out")"
	equal "--compare-models: no directory" '' "$(names_in "$H")"
}

# Jobs of one name meet in one directory only, however that is spelled, and whether it is there.
clashes() {
	afresh
	mkdir one
	ln -s one link
	printf '%s dir=%s\n' "$ORIGIN/bytes/3/x" one "$ORIGIN/bytes/4/x" link \
		"$ORIGIN/bytes/4/x" "$H/one/" "$ORIGIN/bytes/5/x" other "$ORIGIN/bytes/6/x" new \
		"$ORIGIN/bytes/7/x" ./other/../new/ >"$T/list"
	run_ipcdemo --dry-run -i "$T/list"
	equal "a dry run: exit status" 1 "$status"
	equal "a dry run" "fetch one/x
fail link/x
fetch other/x
fetch new/x
fail ./other/../new/x" "$(cut -f 1,2 "$T/out" | tr '\t' ' ')"
	equal "a dry run makes nothing" 'link one' "$(names_in "$H" | paste -sd ' ')"
	run_ipcdemo -i "$T/list" --progress=json
	equal "one directory, two spellings: exit status" 1 "$status"
	matches "one directory, two spellings" \
		"bytes/4/x \(link/x\): $ORIGIN/bytes/3/x is to be the file link/x already" "$T/err"
	equal "JSON says where" 'one x,other x,new x' \
		"$(jq -r 'select(.event == "done") | [.job, .dir + " " + .file] | @csv' "$T/out" |
			sort | cut -d '"' -f 2 | paste -sd ,)"
	printf 'one\t3\tx\nother\t5\tx\nnew\t6\tx\n' >"$T/expected"
	there "one directory, two spellings"
	printf '%s dir=%s\n' "$ORIGIN/bytes/3/x" one "$ORIGIN/bytes/3/x" fresh >"$T/again"
	run_ipcdemo -i "$T/again"
	fails "one URL for two directories: which of them failed" 1 \
		"$ORIGIN/bytes/3/x \(one/x\): the file exists already"
	rm -r fresh
	afresh
	mkdir one
	ln -s one link
	run_ipcdemo -i "$T/list" --exists=rename
	succeeds "--exists=rename"
	printf '%s\n' 'new/x 6' 'new/x.1 7' 'one/x 3' 'one/x.1 4' 'other/x 5' >"$T/sizes"
	equal "--exists=rename numbers in each directory by itself" "$(cat "$T/sizes")" \
		"$(find . -type f -printf '%P %s\n' | sort)"
	for policy in skip resume; do
		run_ipcdemo -i "$T/list" --exists=$policy --progress=plain
		one_of "--exists=$policy: exit status" "$status" 1 # of the clashes
		equal "--exists=$policy finds what is there" 3 \
			"$(grep -c '/x: skipped, exists already' "$T/err")"
	done
}

# One that cannot be used fails its own entries, and -d is not touched unless something goes there.
unusable() {
	afresh
	touch file
	printf '%s dir=%s\n' "$ORIGIN/bytes/3/x" file "$ORIGIN/bytes/4/y" file/sub \
		"$ORIGIN/bytes/5/z" good >"$T/list"
	run_ipcdemo --dry-run -i "$T/list"
	equal "a dry run tells it" 'fail fail fetch' "$(cut -f 1 "$T/out" | paste -sd ' ')"
	run_ipcdemo -i "$T/list" -d main
	fails "a file in the place of a directory" 1 \
		'bytes/3/x \(file/x\): its directory cannot be used: not a directory'
	matches "and beneath it" 'bytes/4/y \(file/sub/y\): its directory cannot be used' "$T/err"
	equal "the other arrives" 5 "$(stat -c %s good/z)"
	absent "$H/main"
	printf '%s\n' "$ORIGIN/bytes/3/x" >>"$T/list"
	rm -r good
	run_ipcdemo -i "$T/list" -d file
	fails "-d that cannot be used" 1 'file: Not a directory'
	absent "$H/good" || return 0
	i=0
	while [ $i -lt 255 ]; do
		echo "$ORIGIN/bytes/$i/x dir=many/$i"
		i=$((i + 1))
	done >"$T/list"
	# shellcheck disable=SC2086 # a word or none
	run_ipcdemo $sandbox -j4 -i "$T/list" -d main
	succeeds "255 directories"
	equal "255 directories: each has its file" 32385 \
		"$(find many -name x -printf '%s\n' | awk '{ n += $1 } END { print n }')"
	rm -r many
	echo "$ORIGIN/bytes/3/x dir=many/more" >>"$T/list"
	run_ipcdemo -i "$T/list"
	fails "256 directories" 2 'list:256: more than 255 different directories'
	absent "$H/many"
	if [ -n "$nobody" ] && become_nobody; then
		mkdir "$T/nobody/closed" "$T/nobody/open"
		chown 65534:65534 "$T/nobody/open"
		printf '%s dir=%s\n' "$ORIGIN/bytes/3/x" "$T/nobody/closed" \
			"$ORIGIN/bytes/4/y" "$T/nobody/open" >"$T/pub/list"
		cd / || exit 1 # which nobody may write
		run_ipcdemo -i "$T/pub/list"
		fails "a directory of another user" 1 \
			'closed/x\): its directory cannot be used: perm'
		equal "a directory of one's own" 4 "$(stat -c %s "$T/nobody/open/y")"
		become_self
	fi
}

# What an earlier run left in an entry's directory is gone on with, there.
resumed() {
	afresh
	echo "$ORIGIN/fault/ranges-cut/300000/400000/file dir=sub" >"$T/list"
	run_ipcdemo --retries=0 -d main -i "$T/list"
	fails "a body that breaks off" 1 'after 300000 of 400000 bytes'
	inode=$(stat -c %i sub/file.part 2>/dev/null)
	if [ -z "$inode" ]; then
		skip_part "no extended attributes in $T: nothing is kept"
		return
	fi
	run_ipcdemo --exists=resume -d main -i "$T/list"
	succeeds "--exists=resume"
	printf 'sub\t400000\tfile\n' >"$T/expected"
	there "--exists=resume"
	equal "--exists=resume: it is the same file" "$inode" "$(stat -c %i sub/file)"
}

part_beyond() {
	[ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -gt 100000 ]
}

gate=0
# swapped WHAT ARGUMENT...: while the file is on its way its directory is put aside, and a link to
# another stands in its place.
swapped() {
	what=$1
	shift
	afresh
	mkdir elsewhere
	gate=$((gate + 1))
	echo "$ORIGIN/fault/held/$gate/1000000/file" >"$T/list"
	[ "$where" = main ] || sed -i "s|\$| dir=$where|" "$T/list"
	start_ipcdemo -d main --progress=plain "$@" -i "$T/list"
	await 10 part_beyond "$where/file.part" || not_ok "$what: some of it is there"
	mv "$where" aside
	ln -s elsewhere "$where"
	open_gate $gate
	end_ipcdemo
	succeeds "$what"
	printf 'aside\t1000000\tfile\n' >"$T/expected"
	there "$what"
	matches "$what: the last line tells where" "^in $H/aside\$" "$T/err"
}

all_four
FEW=yes # the directories are handed over in the same way whatever the mechanism
for_each_backend each
models
clashes
unusable
resumed
for where in main sub; do
	# shellcheck disable=SC2086 # a word or none
	swapped "$where swapped for a link" $sandbox
	swapped "$where swapped for a link, threads" --model=thread
	swapped "$where swapped for a link, one loop" --model=event
done
finish
