#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119 # shared with lib.sh
# docs_test.sh - what README.md and CONTRIBUTING.md say is so: the walks lead where they say, every
# folder and file that is named exists, every option and command is one, lines are short enough.
DEADLINE=60
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
RUN_DEADLINE=20

# ---- the walks: `file` | `look for` | ... ----
grep -E '^\| `[a-z_/.]+\.c` \| `' "$srcdir/CONTRIBUTING.md" >"$T/walk"
is_true "CONTRIBUTING.md has its walks" [ "$(wc -l <"$T/walk")" -ge 8 ]
while IFS='|' read -r _ file words _; do
	file=$(echo "$file" | tr -d '` ')
	words=$(echo "$words" | sed 's/^ *`//; s/` *$//')
	is_true "$file has: $words" grep -qF -e "$words" "$srcdir/$file"
done <"$T/walk"

# ---- the rooms ----
for folder in $(cd "$srcdir" && find ipc src tests examples -maxdepth 1 -mindepth 0 -type d \
	! -path 'tests/*' ! -path 'examples/*' ! -path src ! -name '.*'); do
	is_true "CONTRIBUTING.md tells of $folder/" grep -qF -e "| \`$folder/\` |" \
		"$srcdir/CONTRIBUTING.md"
done

# ---- names of files, in backquotes or as links ----
for page in README.md CONTRIBUTING.md SECURITY.md ipc/README.md; do
	[ -f "$srcdir/$page" ] || continue
	name='(src|ipc|tests|examples|build-aux|doc)/[A-Za-z0-9_/.-]+'
	for file in $(grep -oE "\`$name\`|\]\([^)#:]+\)" "$srcdir/$page" |
		sed 's/^`//; s/`$//; s/^](//; s/)$//' | grep -vE 'NAME|ROOM|UNIT'); do
		is_true "$page: $file is there" [ -e "$srcdir/$file" -o \
			-e "$(dirname "$srcdir/$page")/$file" -o -e "$abs_top_builddir/$file" ]
	done
	equal "$page: no line beyond 100 columns, but for tables and links" '' "$(awk '
		length > 100 && !/^\|/ && !/\]\(/ { print FNR ": " $0 }' "$srcdir/$page")"
done

# ---- commands and options in README.md's blocks ----
{
	for command in '' $("$IPCDEMO" --help | sed -n 's/^  ipcdemo \([a-z]*\).*/\1/p'); do
		# shellcheck disable=SC2086 # a word or none
		"$IPCDEMO" $command --help
	done
} >"$T/help"
sed -n '/^```sh/,/^```$/p' "$srcdir/README.md" | grep -E '^ *(ipcdemo|--)' |
	sed 's/#.*//' >"$T/used"
is_true "README.md shows how to use it" [ -s "$T/used" ]
for option in $(grep -oE -e ' --[a-z][a-z0-9-]*' "$T/used" | sort -u); do
	is_true "README.md: $option is an option" grep -qE -e "$option([=\[, ]|\$)" "$T/help"
done
for command in $(sed -n 's/^ipcdemo \([a-z][a-z]*\)\b.*/\1/p' "$T/used" | sort -u); do
	is_true "README.md: $command is a command" grep -qE "^  ipcdemo $command " "$T/help"
done

# ---- the excerpt of a page is what the program prints ----
sed -n '/^```text/,/^```$/p' "$srcdir/README.md" | grep -v '^```' >"$T/excerpt"
"$IPCDEMO" explain pipe >"$T/page"
is_true "README.md has an excerpt of a page" [ -s "$T/excerpt" ]
equal "README.md: the excerpt is on the page of pipe" '' "$(grep -vxF -f "$T/page" "$T/excerpt")"
finish
