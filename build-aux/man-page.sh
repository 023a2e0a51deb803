#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-page.sh IPCDEMO OUTPUT [PAGE...] - man/ipcdemo-list.1 is what `ipcdemo list --help` says,
# man/ipcdemo.1 what `ipcdemo --help` says. PAGEs are what its SEE ALSO names.
#
# help2man wants a program that is called as the page is, so it gets one that passes its arguments
# on, and marks what is a section or a heading of its own.
set -eu
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
output=$2
shift 2
page=$(basename "$output" .1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
LC_ALL=C COLUMNS=200 # each option on a line with its text, or help2man misreads it
export LC_ALL COLUMNS

# "ipcdemo-list" is the command list, "ipcdemo" is none.
command=${page#ipcdemo}
command=${command#-}
cat >"$work/$page" <<END
#!/bin/sh
"$program" $command "\$@" |
	sed 's/^Exit status: /*EXIT STATUS*\n/; s/^ \([A-Z].*:\)$/\1/'
END
chmod +x "$work/$page"

# The NAME line is the beginning of what --help says behind the usage, up to the first full stop.
name=$("$work/$page" --help | awk '
	/^Usage:/ || /^  or:/ { next }
	/^$/ { exit }
	{ text = text " " $0 }
	END {
		sub(/^ */, "", text)
		sub(/[.:] .*|[.:]$/, "", text)
		print tolower(substr(text, 1, 1)) substr(text, 2)
	}')
[ -n "$name" ] || {
	echo "man-page.sh: $page --help does not begin with a sentence" >&2
	exit 1
}

{
	cat "$(dirname "$0")/$page.man" 2>/dev/null || : # sections that --help does not have
	echo '[SEE ALSO]'
	for other; do
		other=$(basename "$other" .1)
		[ "$other" = "$page" ] || printf '%s.BR %s (1)' "${comma:-}" "$other"
		[ "$other" = "$page" ] || comma=',
'
	done
	echo
} >"$work/include"

"${HELP2MAN:-help2man}" --no-info --name="$name" --include="$work/include" \
	--version-string="$("$program" --version | sed -n '1s/.* //p')" \
	--output="$work/out" "$work/$page"
mv "$work/out" "$output"
