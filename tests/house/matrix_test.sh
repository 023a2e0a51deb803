#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154 # shared with lib.sh
# matrix_test.sh - the tables of mechanisms in README.md and ipc/README.md are what the program and
# the cards say of them.
#
#	sh tests/house/matrix_test.sh refresh	writes them anew (abs_top_builddir: the build)
DEADLINE=30
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

command -v jq >/dev/null || skip_all "jq is missing"

# between NAME FILE: the lines of FILE between the two marker lines of NAME.
between() {
	awk -v begin="<!-- $1: begin -->" -v end="<!-- $1: end -->" \
		'$0 == end { on = 0 } on; $0 == begin { on = 1 }' "$2"
}

# without NAME... <TEXT: without the rows and sections of mechanisms that this build lacks.
without() {
	awk -v names="$*" '
		BEGIN {
			n = split(names, list, " ")
			for (i = 1; i <= n; i++)
				gone["`" list[i] "`"] = gone["`" list[i] "`:"] = 1
		}
		$1 == "###" { off = $2 in gone }
		!off && !($1 == "|" && $2 in gone)' | sed '${ /^$/d; }'
}

# refresh NAME FILE TEXT
refresh() {
	awk -v begin="<!-- $1: begin -->" -v end="<!-- $1: end -->" -v text="$3" '
		$0 == end { on = 0 }
		!on
		$0 == begin { on = 1; while ((getline line <text) > 0) print line }' \
		"$2" >"$T/readme" && cat "$T/readme" >"$2"
}

# block NAME FILE TEXT: TEXT stands in FILE between the markers of NAME.
block() {
	short=${2#"$srcdir"/}
	equal "$short has the two marker lines of the $1, in order" \
		"<!-- $1: begin --><!-- $1: end -->" \
		"$(grep -x -e "<!-- $1: begin -->" -e "<!-- $1: end -->" "$2" | tr -d '\n')" ||
		return
	[ "$mode" != refresh ] || refresh "$1" "$2" "$3"
	between "$1" "$2" >"$T/block"
	# shellcheck disable=SC2086 # words
	without $missing <"$T/block" >"$T/have"
	if cmp -s "$T/have" "$3"; then
		ok "$short holds the $1 of this build"
	else
		not_ok "$short holds the $1 of this build"
		diff -u "$T/have" "$3" | sed '1,2d; s/^/# /'
		note "To refresh: abs_top_builddir=$abs_top_builddir" \
			"sh tests/house/matrix_test.sh refresh"
	fi
}

mode=${1:-}
capabilities=$("$IPCDEMO" list --help | sed -n '/^Capabilities:/,/^$/s/^  \([A-Z_]*\) .*/\1/p' |
	tr '\n' ' ' | sed 's/ $//')
"$IPCDEMO" list --json >"$T/json"
jq -r --arg capabilities "$capabilities" -f "$srcdir/build-aux/matrix.jq" "$T/json" >"$T/table"
is_true "the table has a heading and rows" [ "$(wc -l <"$T/table")" -ge 4 ]
missing=$(jq -r '.mechanisms[] | select(.record_limit == null) | .name' "$T/json" | tr '\n' ' ')


if [ "$mode" = refresh ] && [ -n "$missing" ]; then
	note "this build lacks $missing: the tables would too"
	exit 1
fi

# Every capability that a mechanism has is a column: none got lost between JSON and help.
equal "every capability has its column" '' \
	"$(jq -r '.mechanisms[].capabilities[]' "$T/json" | sort -u |
		grep -vxF -e "$(echo "$capabilities" | tr ' ' '\n')")"
block matrix "$srcdir/README.md" "$T/table"

jq -r '.mechanisms[] | select(.record_limit) |
	"\(.name) \(.title | gsub(" "; "_")) \(.capabilities | join(" "))"' "$T/json" >"$T/known"
for name in $(cut -d ' ' -f 1 "$T/known"); do
	awk -v format=text -f "$srcdir/build-aux/cards.awk" "$srcdir/ipc/$name.c"
done >"$T/cards"
for part in questions drawings; do
	awk -v part=$part -f "$srcdir/build-aux/reading.awk" "$T/known" "$T/cards" >"$T/$part"
	block $part "$srcdir/ipc/README.md" "$T/$part"
done
is_true "each question has its answers" [ "$(wc -l <"$T/questions")" -gt 7 ]
equal "no answer is empty" '' "$(grep -E '\| *\|' "$T/questions" | sed 1d)"
finish
