#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154 # shared with lib.sh
# man_test.sh - each command has its manual page, made from its --help: every option stands there as
# an option, and nothing is left that a formatter complains about.
DEADLINE=60
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

pages=$abs_top_builddir/man
[ -f "$pages/ipcdemo.1" ] || pages=$srcdir/man
[ -f "$pages/ipcdemo.1" ] || skip_all "no manual pages were made: help2man is missing"

# page COMMAND: ipcdemo-COMMAND.1 against ipcdemo COMMAND --help; without one ipcdemo.1.
page() {
	name=ipcdemo${1:+-$1}
	page=$pages/$name.1
	is_true "$name.1 is there" [ -s "$page" ] || return
	# shellcheck disable=SC2086 # a word or none
	"$IPCDEMO" $1 --help | grep -oE -e '^ +(-., )?--[a-z-]+' | sed 's/.*--/--/' |
		sort >"$T/want"
	awk '/^\.TP/ { getline; if (/^(\\f.)?\\-/) print }' "$page" >"$T/tags" # not commands
	sed 's/\\f.//g; s/\\//g' "$T/tags" | grep -oE -e '--[a-z-]+' | sort >"$T/have"
	equal "$name.1: every option of --help" "$(cat "$T/want")" "$(cat "$T/have")"
	equal "$name.1: no option has swallowed its own text" '' \
		"$(sed 's/, //g' "$T/tags" | grep ' ')"
	equal "$name.1: NAME" "$name \\- " "$(grep -A 1 '^\.SH NAME' "$page" |
		sed -n '2s/\(.* \\- \)[a-z].*/\1/p')"
	for section in NAME SYNOPSIS DESCRIPTION '"SEE ALSO"'; do
		is_true "$name.1: section $section" grep -qx -e "\.SH $section" "$page"
	done
	equal "$name.1: no empty section" '' "$(awk '
		/^\.SH/ { if (last ~ /^\.SH/) print last } { last = $0 }' "$page")"
	if command -v groff >/dev/null; then
		equal "$name.1: the formatter has no complaint" '' \
			"$(groff -man -Tutf8 -ww -z "$page" 2>&1)"
	else
		skip_part "$name.1: there is no groff"
	fi
}

page ''
for command in bench compare list choose explain; do
	page "$command"
	is_true "ipcdemo.1 points to ipcdemo-$command.1" \
		grep -q "ipcdemo-$command (1)" "$pages/ipcdemo.1"
done
for section in '"EXIT STATUS"' EXAMPLES ENVIRONMENT FILES; do
	is_true "ipcdemo.1: section $section" grep -qx -e "\.SH $section" "$pages/ipcdemo.1"
done
equal "ipcdemo.1: the options stand beneath headings" 6 "$(grep -c '^\.SS "W.*:"\|^\.SS "How .*:"' \
	"$pages/ipcdemo.1")"

# ---- section 3, from ipc.h ----

for page in "$abs_top_builddir"/man/*.3; do
	name=$(basename "$page")
	grep -q '^\.so man3/ipc_[a-z_]*\.3$' "$page" && continue
	errors='' # of what returns -errno
	! grep -qE '^\.B "(int|ssize_t) ' "$page" || errors='ERRORS '
	equal "$name: sections" "NAME SYNOPSIS DESCRIPTION ${errors}SEE ALSO" "$(sed -n \
		's/^\.SH //p' "$page" | grep -v -e '^FUNCTIONS$' -e '^TYPES$' | paste -sd ' ' -)"
	equal "$name: each error has its reason" '' \
		"$(awk '/^\.B ".*-E/ { getline reason; if (reason !~ /[a-z].*[a-z]/) print }' \
			"$page")"
	is_true "$name: NAME" grep -qE "^${name%.3}(, ipc_[a-z_]+)* \\\\- [^ ].{10}" "$page"
	! command -v groff >/dev/null || equal "$name: the formatter has no complaint" '' \
		"$(groff -man -Tutf8 -ww -z "$page" 2>&1)"
done
equal "ipc_open.3: its errors" \
	'\-ENOENT \-EINVAL \-EMSGSIZE \-EOPNOTSUPP \-EBUSY \-ENOMEM, \-EMFILE others' \
	"$(sed -n '/^\.SH ERRORS/,$s/^\.B "\(.*\)"$/\1/p' "$abs_top_builddir/man/ipc_open.3" |
		paste -sd ' ' -)"
is_true "ipc_recv.3: a parameter is told from a word in capitals" \
	grep -q 'up to \\fIcap\\fP whole records' "$abs_top_builddir/man/ipc_recv.3"
finish
