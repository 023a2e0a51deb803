#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154 # shared with lib.sh
# matrix_test.sh - the table of mechanisms in README.md is what the program says of itself.
#
#	sh tests/house/matrix_test.sh refresh	writes the table anew (abs_top_builddir: the build)
DEADLINE=30
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

command -v jq >/dev/null || skip_all "jq is missing"
readme=$srcdir/README.md
begin='<!-- matrix: begin -->'
end='<!-- matrix: end -->'

# between FILE: its lines between the two marker lines.
between() {
	awk -v begin="$begin" -v end="$end" '$0 == end { on = 0 } on; $0 == begin { on = 1 }' "$1"
}

# without NAME... <TABLE: without the rows of mechanisms that this build lacks.
without() {
	awk -v names="$*" '
		BEGIN {
			n = split(names, list, " ")
			for (i = 1; i <= n; i++)
				gone["`" list[i] "`"]
		}
		!($2 in gone)'
}

refresh() {
	awk -v begin="$begin" -v end="$end" -v table="$T/table" '
		$0 == end { on = 0 }
		!on
		$0 == begin { on = 1; while ((getline line <table) > 0) print line }' \
		"$readme" >"$T/readme" && cat "$T/readme" >"$readme"
}

equal "README.md has the two marker lines, in order" "$begin$end" \
	"$(grep -x -e "$begin" -e "$end" "$readme" | tr -d '\n')" || finish
capabilities=$("$IPCDEMO" list --help | sed -n '/^Capabilities:/,/^$/s/^  \([A-Z_]*\) .*/\1/p' |
	tr '\n' ' ' | sed 's/ $//')
"$IPCDEMO" list --json >"$T/json"
jq -r --arg capabilities "$capabilities" -f "$srcdir/build-aux/matrix.jq" "$T/json" >"$T/table"
is_true "the table has a heading and rows" [ "$(wc -l <"$T/table")" -ge 4 ]
missing=$(jq -r '.mechanisms[] | select(.record_limit == null) | .name' "$T/json" | tr '\n' ' ')

if [ "${1:-}" = refresh ]; then
	[ -z "$missing" ] || {
		note "this build lacks $missing: the table would too"
		exit 1
	}
	refresh
fi

# Every capability that a mechanism has is a column: none got lost between JSON and help.
equal "every capability has its column" '' \
	"$(jq -r '.mechanisms[].capabilities[]' "$T/json" | sort -u |
		grep -vxF -e "$(echo "$capabilities" | tr ' ' '\n')")"
between "$readme" >"$T/block"
# shellcheck disable=SC2086 # words
without $missing <"$T/block" >"$T/have"
if cmp -s "$T/have" "$T/table"; then
	ok "README.md holds the table of this build"
else
	not_ok "README.md holds the table of this build"
	diff -u "$T/have" "$T/table" | sed '1,2d; s/^/# /'
	note "To refresh: abs_top_builddir=$abs_top_builddir sh tests/house/matrix_test.sh refresh"
fi
finish
