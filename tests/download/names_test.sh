#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# names_test.sh - which files a list makes: names from URLs, clashes, what exists already, and what
# is never replaced.
DEADLINE=60
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_origin

# names WHAT LIST EXPECTED OPTION...: the lines of LIST make the files EXPECTED, in a new directory.
names() {
	what=$1 list=$2 expected=$3
	shift 3
	rm -rf "$T/got"
	printf '%b' "$list" >"$T/list"
	run_ipcdemo -i "$T/list" -d "$T/got" "$@"
	succeeds "$what"
	equal "$what: names" "$expected" "$(names_in "$T/got" | paste -sd '|')"
}

from_urls() {
	names "what may not stand in a name stays encoded" \
		"$ORIGIN/bytes/3/a%2Fb\n$ORIGIN/bytes/3/.rc\n" "%2Erc|a%2Fb"
	mark='\0357\0273\0277'
	names "blanks, quotes, CR LF and a byte order mark" \
		"$mark$ORIGIN/bytes/3/x out=\"a b\"\r\n \"$ORIGIN/bytes/3/c d\"\t\r\n" "a b|c d"
	names "queries tell pages apart" \
		"$ORIGIN/bytes/3/p?id=2\n$ORIGIN/bytes/3/p?id=3\n" "p?id=2|p?id=3"
	names "a URL that comes twice is one job" "$ORIGIN/bytes/3/x\n$ORIGIN/bytes/3/x\n" "x"
	names "--exists=rename numbers" "$ORIGIN/bytes/3/x\n$ORIGIN/bytes/4/x\n" "x|x.1" \
		--exists=rename
	names "aria2's lists" "$ORIGIN/bytes/3/x\n  out=a b.c\n" "a b.c" --input-format=aria2
	names "aria2's lists, with directories in a name" "$ORIGIN/bytes/3/x\n out=a/b/c\n" \
		"a|a/b|a/b/c" --input-format=aria2
}

clash() {
	printf '%s\n' "$ORIGIN/bytes/3/x" "$ORIGIN/bytes/4/x" >"$T/list"
	rm -rf "$T/got"
	run_ipcdemo -i "$T/list" -d "$T/got"
	fails "two URLs, one name" 1 "bytes/4/x: $ORIGIN/bytes/3/x is to be the file x already"
	equal "two URLs, one name: the first keeps it" x "$(names_in "$T/got")"
}

hidden() {
	rm -rf "$T/got"
	run_ipcdemo -d "$T/got" -o .vimrc "$ORIGIN/bytes/3/x"
	succeeds "-o .vimrc is the user's wish"
	run_ipcdemo -d "$T/got" -o y --checksum=" $(printf '3 x\n' | sums_of | cut -d ' ' -f 1)" \
		" $ORIGIN/bytes/3/x "
	succeeds "a sum alone, and blanks around it and the URL"
}

# A device, a FIFO, a directory; a symbolic link is replaced, and its target is not touched.
no_regular_file() {
	rm -rf "$T/got"
	mkdir "$T/got" "$T/got/directory"
	mkfifo "$T/got/fifo"
	echo mine >"$T/mine"
	ln -s ../mine "$T/got/link"
	for name in directory fifo; do
		run_ipcdemo --exists=overwrite -d "$T/got" -o $name "$ORIGIN/bytes/3/x"
		fails "--exists=overwrite of a $name" 1 'is never replaced'
	done
	run_ipcdemo --exists=overwrite -d "$T/got" -o link "$ORIGIN/bytes/3/x"
	succeeds "--exists=overwrite of a link"
	is_true "the FIFO is a FIFO" [ -p "$T/got/fifo" ]
	equal "what the link pointed to is as it was" mine "$(cat "$T/mine")"
	# A node of our own: a program that fails here would take /dev/null from the whole machine.
	if ! mknod "$T/got/device" c 1 3 2>"$T/err"; then
		skip_part "a device: $(cat "$T/err")"
		return
	fi
	run_ipcdemo --exists=overwrite -d "$T/got" -o device "$ORIGIN/bytes/3/x"
	fails "--exists=overwrite of a device" 1 'a device has this name'
	is_true "the device is a device" [ -c "$T/got/device" ]
}

# Eight runs of one list at once: what another run made is not fetched, and is no failure.
together() {
	rm -rf "$T/got"
	i=0
	while [ $i -lt 60 ]; do
		echo "$ORIGIN/bytes/20000/f$i"
		i=$((i + 1))
	done >"$T/list"
	pids=''
	for run in 1 2 3 4 5 6 7 8; do
		"$IPCDEMO" --exists=skip -q -i "$T/list" -d "$T/got" </dev/null \
			>"$T/out.$run" 2>"$T/err.$run" 8>&- &
		pids="$pids $!"
	done
	codes=''
	for pid in $pids; do
		wait "$pid"
		codes="$codes$?"
	done
	equal "eight runs at once, --exists=skip: all succeed" 00000000 "$codes" ||
		note_file "$T/err.1"
	equal "eight runs at once: all files" 60 "$(names_in "$T/got" | grep -c '^f[0-9]*$')"
}

from_urls
clash
hidden
no_regular_file
together
finish
