#!/bin/sh
# SPDX-License-Identifier: MIT
#
# cards_test.sh - every mechanism's file begins with its card: all headings, in the one order
# that lets a reader compare two mechanisms line by line, and a drawing of who does what.
#
# The names come from the build's own list, so a new mechanism is checked by being added.
set -eu

srcdir=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
builddir=${abs_top_builddir:-$srcdir/build}
LC_ALL=C
export LC_ALL
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

die()
{
	echo "cards: $*" >&2
	exit 1
}

# A heading stands at the beginning of a line of the card and ends with a colon. The drawing
# has a line that names both ends, then arrows between its two columns.
check_card()
{
	awk -v format=text -f "$srcdir/build-aux/cards.awk" "$1" >"$work/card" || return 1
	awk -v file="$1" '
		BEGIN {
			n = split("Mechanism|Life cycle|Guarantees|Limits|Wake-up|Failure modes|" \
				"Costs|Pitfalls|Use when|Avoid when|Read next", heading, "|")
			next_heading = 1
		}
		{
			at = index($0, ": ")
			word = at ? substr($0, 1, at - 1) : ""
			for (i = 1; i <= n; i++)
				if (word == heading[i])
					seen(i)
		}
		/(hub|parent|sender) +.* (slot|worker|receiver)/ { ends = 1 }
		ends && /(-->|<--)/ { arrows++ }
		{ card = card " " $0 }
		function seen(i)
		{
			if (i != next_heading)
				complain("\"" heading[i] ":\" stands where \"" \
					heading[next_heading] ":\" belongs")
			if (length($0) < at + 10)
				complain("\"" heading[i] ":\" says nothing")
			next_heading = i + 1
		}
		function complain(what)
		{
			print file ": " what
			bad = 1
		}
		END {
			if (next_heading <= n)
				complain("heading \"" heading[next_heading] ":\" is missing")
			sub(/.* Failure modes:/, "", card) # words that make a row of ipc/README.md
			sub(/ Costs:.*/, "", card)
			gsub(/ +/, " ", card)
			if (card !~ /^ full - /)
				complain("\"Failure modes:\" does not begin with \"full - \"")
			if (card !~ /(Peer|Reader|Writer|Hub|Worker) gone - /)
				complain("\"Failure modes:\" has no \"Peer gone - \"")
			if (arrows < 2)
				complain("has no drawing with two columns (hub, slot) and arrows")
			exit bad
		}' "$work/card"
}

# must_fail WORD SED-SCRIPT: the card of file $model, so changed, must be refused with WORD.
must_fail()
{
	sed "$2" "$model" >"$work/${model##*/}"
	! cmp -s "$model" "$work/${model##*/}" || die "the seed \"$2\" changed nothing in $model"
	if check_card "$work/${model##*/}" >"$work/out" 2>&1; then
		die "a seeded fault was not seen: $2"
	fi
	grep -q "$1" "$work/out" || die "\"$2\" should be refused with \"$1\": $(cat "$work/out")"
}

self_check()
{
	model=$1
	must_fail '"Costs:" is missing\|where "Costs:" belongs' '/^ \* Costs:/d'
	must_fail '"Read next:" is missing' 's/^ \* Read next:/ * See also:/'
	must_fail 'where "Guarantees:" belongs' 's/^ \* Guarantees:/ * Limits: a b c d e f/'
	must_fail '"Limits:" says nothing' 's/^ \* Limits:.*/ * Limits: ?/'
	must_fail 'does not begin with "full - "' 's/full - /when full, /'
	must_fail 'no "Peer gone - "' 's/\(er gone\) - /\1: /g'
	must_fail 'no drawing' '/--/d'
	must_fail 'has no card' 's/^ \* [a-z]*\.c - / * the file /'
	must_fail 'has no card' '2i\
'
	must_fail 'does not begin with' 's/^ \* Limits:/ *Limits:/'
}

cd "$srcdir"
names=$(sed -n 's/^IPC_[A-Z]*(\([a-z0-9_]*\)[,)].*$/\1/p' "$builddir/ipc/core/backends.inc")
[ -n "$names" ] || die "no mechanism in $builddir/ipc/core/backends.inc"
bad=0
count=0
for name in $names skeleton; do
	check_card "ipc/$name.c" || bad=1
	count=$((count + 1))
done
[ "$bad" -eq 0 ] || die 'see above; ipc/skeleton.c shows a whole card'
self_check "ipc/${names%%
*}.c"
printf '/* SPDX-License-Identifier: MIT */\n/*\n * a.c - "\\n"\n */\n' >"$work/a.c"
awk -f "$srcdir/build-aux/cards.awk" "$work/a.c" | grep -qF '\"\\n\"' ||
	die "a backslash of a card is not one in the program"
echo "cards: $count cards are whole"
