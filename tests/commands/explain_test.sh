#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# explain_test.sh - `ipcdemo explain`: for each mechanism the whole card, what the JSON of `list`
# knows, the figures of this machine as they are now, and only files that exist.
DEADLINE=60
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

command -v jq >/dev/null || skip_all "jq is missing"
RUN_DEADLINE=20

run_ipcdemo list --json
cp "$T/out" "$T/json"

# section HEADING: what stands under it on the page.
section() {
	awk -v heading="$1" 'index($0, heading) == 1 { on = 1; next } on && /^$/ { exit } on' \
		"$T/page"
}

# in_order FILE: the lines of $T/want stand on the page, in this order.
in_order() {
	awk 'NR == FNR { want[++n] = $0; next }
		n > next_one && index($0, want[next_one + 1]) == 1 { next_one++ }
		END {
			if (next_one == n) exit 0
			print "missing or misplaced: " want[next_one + 1]
			exit 1
		}' "$T/want" "$T/page"
}

card() {
	printf '%s\n' 'Mechanism: ' 'Life cycle: ' 'Guarantees: ' 'Limits: ' 'Wake-up: ' \
		'Failure modes: ' 'Costs: ' 'Pitfalls: ' 'Use when: ' 'Avoid when: ' \
		'Read next: ' 'Kernel objects' 'This machine, now' 'System calls' 'Manual pages' \
		'Read, in this order' 'See it work' >"$T/want"
	is_true "$name: every heading, in its order" in_order
	is_true "$name: the drawing" grep -qE -e '(-->|<--)' "$T/page"
	equal "$name: no line is wider than a terminal" '' \
		"$(awk 'length($0) > 80 { print NR ": " $0 }' "$T/page")"
	equal "$name: no tab, no control byte, no trailing space" '' \
		"$(grep -nE '[[:cntrl:]]| $' "$T/page")"
}

# What `list --json` says of it stands on the page as well.
like_the_list() {
	jq -r --arg n "$name" '.mechanisms[] | select(.name == $n) | .title, .summary,
		.kernel_objects[], .syscalls[], .man[], "\(.record_limit) bytes"
		| select(. != null)' "$T/json" >"$T/words"
	tr -s ' \n' ' ' <"$T/page" >"$T/flat"
	while IFS= read -r word; do
		grep -qF -e "$word" "$T/flat" || echo "$word"
	done <"$T/words" >"$T/missing"
	equal "$name: all that the list knows of it" '' "$(cat "$T/missing")"
	jq -r --arg n "$name" '.mechanisms[] | select(.name == $n) | .man[]' "$T/json" >"$T/man"
	equal "$name: the manual pages are those of the list" "$(cat "$T/man")" \
		"$(section 'Manual pages' | tr -s ' ' '\n' | sed '/^$/d')"
}

# A figure from one file of /proc is what that file holds now. There is more than the const limit.
live_limits() {
	section 'This machine, now' >"$T/limits"
	is_true "$name: live figures" [ "$(wc -l <"$T/limits")" -ge 2 ]
	compared=0
	while IFS= read -r line; do
		file=$(echo "$line" | grep -oE '/proc/[a-z0-9/_-]+$')
		figure=$(echo "$line" | awk '{ print $(NF - 1) }')
		case $figure in *[!0-9]* | '') continue ;; esac
		[ -r "$file" ] && [ "$(wc -w <"$file")" -eq 1 ] || continue
		compared=$((compared + 1))
		equal "$name: $file" "$(cat "$file")" "$figure"
	done <"$T/limits"
}

files_to_read() {
	section 'Read, in this order' | tr -s ' ' '\n' | sed '/^$/d' >"$T/files"
	is_true "$name: it begins with the example and leads to the mechanism's own file" \
		grep -qx "ipc/$name.c" "$T/files"
	# shellcheck disable=SC2046 # paths without spaces
	equal "$name: every file to read exists" '' \
		"$(cd "$srcdir" && ls -d $(cat "$T/files") 2>&1 >/dev/null)"
}

all_compared=0
for name in $(jq -r '.mechanisms[] | select(.record_limit != null) | .name' "$T/json"); do
	run_ipcdemo explain "$name"
	equal "explain $name: exit 0, stderr empty" "0 " "$status $(head -c 200 "$T/err")"
	cp "$T/out" "$T/page"
	title=$(jq -r --arg n "$name" '.mechanisms[] | select(.name == $n) | .title' "$T/json")
	equal "$name: the page begins with its name" "$name: $title" "$(head -n 1 "$T/page")"
	card
	like_the_list
	live_limits
	all_compared=$((all_compared + compared))
	files_to_read
done
is_true "some figures were compared with /proc" [ "$all_compared" -gt 0 ]

# One that this build lacks, or that cannot be used here.
for name in $(jq -r '.mechanisms[] | select(.record_limit == null) | .name' "$T/json"); do
	run_ipcdemo explain "$name"
	fails "explain $name, which this build lacks" 3 "$name"
done
run_program=prlimit
for name in $(jq -r '.mechanisms[] | select(.record_limit != null) | .name' "$T/json"); do
	run_ipcdemo --sigpending=0:0 --nofile=12:12 -- "$IPCDEMO" explain "$name"
	equal "explain $name on a poor machine: exit 0" 0 "$status"
	run_ipcdemo --sigpending=0:0 --nofile=12:12 -- "$IPCDEMO" list --json
	reason=$(jq -r --arg n "$name" '.mechanisms[] | select(.name == $n) | .reason // ""' \
		"$T/out")
	[ -z "$reason" ] && continue
	run_ipcdemo --sigpending=0:0 --nofile=12:12 -- "$IPCDEMO" explain "$name"
	tr -s ' \n' ' ' <"$T/out" >"$T/flat"
	is_true "explain $name says why it is not available" grep -qF -e "$reason" "$T/flat"
done
become_self

# ---- concepts: named by --help, each with a page of the same form ----

run_ipcdemo explain --help
concepts=$(tr -s '\n ' '  ' <"$T/out" | sed -n 's/.*Concepts: \([a-z, ]*\)\..*/\1/p' | tr -d ,)
is_true "explain --help names the concepts" [ "$(echo "$concepts" | wc -w)" -ge 6 ]
for name in $concepts; do
	run_ipcdemo explain "$name"
	equal "explain $name: exit 0, stderr empty" "0 " "$status $(head -c 200 "$T/err")"
	cp "$T/out" "$T/page"
	printf '%s\n' "$name: " 'What it is: ' 'Costs: ' 'Pitfalls: ' 'Use when: ' 'Avoid when: ' \
		'This machine, now' 'Manual pages' 'Read, in this order' 'See it work' >"$T/want"
	is_true "$name: every heading, in its order" in_order
	equal "$name: no line beyond 80 columns, no trailing space" '' \
		"$(grep -nE '^.{81,}| $' "$T/page")"
	live_limits
	equal "$name: every file to read exists" '' "$(cd "$srcdir" &&
		section 'Read, in this order' | xargs ls -d 2>&1 >/dev/null)"
	equal "$name: manual pages look like such" '' "$(section 'Manual pages' | tr -s ' ' '\n' |
		grep -vE '^[a-z_-]+\([1-8]\)$|^$')"
done
for name in fork process thread spawn; do
	run_ipcdemo explain "$name"
	is_true "$name: something was measured" grep -qE ' [0-9]+ us +measured' "$T/out"
done
run_ipcdemo explain proces
fails "explain proces" 2 "did you mean 'process'"

run_ipcdemo explain
fails "explain without a name" 2 'which'
run_ipcdemo explain pip
fails "explain pip" 2 "did you mean '?pipe"
equal "explain pip: nothing on stdout" '' "$(cat "$T/out")"
run_ipcdemo explain no-such-thing-at-all
fails "explain with an unknown name" 2 'no-such-thing-at-all'
run_ipcdemo explain pipe unix
fails "explain with two names" 2 'one page'
run_ipcdemo explain --nope pipe
fails "explain with an unknown option" 2 'nope'
(harnessed explain "$name") </dev/null >/dev/full 2>"$T/err" 8>&-
status=$? how=$(cat "$T/how")
fails "explain into a full device" 1 'no space left'
finish
