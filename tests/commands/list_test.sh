#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# list_test.sh - `ipcdemo list`: the JSON keeps to its schema, the table and --ipc=help say the
# same, and a mechanism that cannot be used here stays listed, with the reason.
DEADLINE=60
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

command -v jq >/dev/null || skip_all "jq is missing"
RUN_DEADLINE=20

# holds WHAT FILTER: the filter is true of $T/json. A $caps in it: the words that --help explains.
holds() {
	if jq -e --argjson caps "$caps" "$2" "$T/json" >"$T/jq" 2>&1; then
		ok "$1"
	else
		not_ok "$1"
		note_file "$T/jq"
		note_file "$T/json"
	fi
}

run_ipcdemo list --help
succeeds_with_output() {
	equal "$1: exit 0, stderr empty" "0 " "$status $(head -c 200 "$T/err")"
}
succeeds_with_output "list --help"
# "NAME meaning" for each capability.
sed -n '/^Capabilities:/,$p' "$T/out" | sed -n 's/^  \([A-Z_]*\)  */\1 /p' >"$T/meanings"
caps=$(cut -d ' ' -f 1 "$T/meanings" | jq -R . | jq -cs 'unique')
is_true "list --help explains the capabilities" [ "$caps" != '[]' ]

run_ipcdemo list --json
succeeds_with_output "list --json"
cp "$T/out" "$T/json"

schema() {
	holds "$1: one object with schema and mechanisms" \
		'keys == ["mechanisms", "schema"] and .schema == "ipcdemo-list/1"
		and (.mechanisms | type == "array" and length >= 2)'
	holds "$1: every mechanism has all keys" \
		'all(.mechanisms[]; keys as $k | ["available", "capabilities", "group",
		"kernel_objects", "man", "name", "reason", "record_limit", "syscalls",
		"title"] - $k == [])'
	holds "$1: names are words, and no two alike" \
		'[.mechanisms[].name] | length == (unique | length)
		and all(.[]; test("^[a-z][a-z0-9_]*$"))'
	holds "$1: a reason if and only if not available" \
		'all(.mechanisms[]; (.available | type) == "boolean"
		and (if .available then .reason == null
		else (.reason | type == "string" and length > 3) end))'
	holds "$1: titles are text" 'all(.mechanisms[].title; type == "string" and length > 0)'
	holds "$1: capabilities are words that --help explains" \
		'all(.mechanisms[].capabilities; type == "array" and . - $caps == []
		and length == (unique | length))'
	# One that this build lacks has nothing to tell but its name and the reason.
	holds "$1: record limits are whole numbers of 8 bytes" \
		'all(.mechanisms[]; if .record_limit == null then .available == false
		else .record_limit >= 56 and .record_limit % 8 == 0 end)'
	holds "$1: kernel objects, system calls and manual pages are told" \
		'all(.mechanisms[] | select(.record_limit != null);
		(.kernel_objects | length > 0 and all(.[]; type == "string" and length > 3))
		and (.syscalls | length > 0 and all(.[]; test("^[a-z][a-z0-9_]*$")))
		and (.man | length > 0 and all(.[]; test("^[a-zA-Z0-9_.+-]+[(][1-8][a-z]*[)]$"))))'
}
schema "list --json"
holds "some mechanism is available" 'any(.mechanisms[]; .available)'

# The same names in the same order, whoever prints them.
jq -r '.mechanisms[].name' "$T/json" >"$T/names"
run_ipcdemo list
succeeds_with_output "list"
sed -n '1,/^$/p' "$T/out" >"$T/table"
awk '/^  [^ ]/ { print $1 }' "$T/table" >"$T/table-names"
equal "the table has a row for each" "$(sort "$T/names")" "$(sort "$T/table-names")"
equal "no row has trailing space" '' "$(grep -n ' $' "$T/out")"
equal "no line is wider than 80 columns" '' "$(awk 'length > 80' "$T/out")"
jq -r '.mechanisms[] | select(.record_limit != null) | [.name, .title, .record_limit] | @tsv' \
	"$T/json" >"$T/want"
while IFS="$(printf '\t')" read -r name title limit; do
	row=$(grep -E "^  $name +$title  " "$T/table")
	have=$(echo "$row" | grep -oE ' [0-9]+ (B|KiB|MiB)' | awk '{
		print $1 * ($2 == "MiB" ? 1048576 : $2 == "KiB" ? 1024 : 1) }')
	equal "the table tells title and limit of $name" "$limit" "$have"
done <"$T/want"

# Every capability is told: by its column, or in a sentence where all or none have it. A mechanism
# that this build lacks has none to tell.
jq -r '.mechanisms[] | select(.record_limit != null) | .name' "$T/json" >"$T/built-names"
awk '
	FILENAME ~ /meanings$/ { name = $1; sub(/^[^ ]* /, ""); of[$0] = name; next }
	FILENAME ~ /names$/ { all[++count] = $1; next }
	!blank && /^$/ { blank = 1 }
	!blank && !headings { for (i = 2; i <= NF; i++) word[i - 1] = $i; headings = NF; next }
	!blank && /^  [^ ]/ {
		for (i = 1; i < headings; i++)
			if ($(NF - headings + 1 + i) == "yes")
				has[$1] = has[$1] " " word[i]
	}
	/^  [a-z]+ +[a-z]/ && blank {
		heading = $1
		sub(/^  [a-z]+ +/, "")
		name_of[heading] = of[$0]
	}
	/^Only / || /^Each but / {
		lone = /^Only / ? $2 : $3
		only = /^Only /
		sub(/^(Only|Each but) [a-z0-9]+ /, "")
		sub(/\.$/, "")
		for (i = 1; i <= count; i++)
			if ((all[i] == lone) == only)
				print all[i], of[$0]
	}
	/^Two of them, / {
		two = $4 " " substr($6, 1, length($6) - 1)
		sub(/^Two of them, [^:]*: each /, "")
		sub(/\.$/, "")
		split(two, pair, " ")
		for (i = 1; i <= 2; i++)
			print pair[i], of[$0]
	}
	/^Every one of them / {
		sub(/^Every one of them /, "")
		sub(/\.$/, "")
		for (i = 1; i <= count; i++)
			print all[i], of[$0]
	}
	END {
		for (m in has) {
			n = split(has[m], words, " ")
			for (i = 1; i <= n; i++)
				print m, name_of[words[i]]
		}
	}' "$T/meanings" "$T/built-names" "$T/out" | sort >"$T/have"
jq -r '.mechanisms[] | select(.record_limit != null) | .name as $n | .capabilities[] |
	"\($n) \(.)"' "$T/json" | sort >"$T/want"
equal "the table tells every capability" "$(cat "$T/want")" "$(cat "$T/have")"

# Groups: JSON names them, --group selects, and the table has each as a heading.
jq -r '.mechanisms[] | select(.record_limit != null) | .group' "$T/json" | sort -u >"$T/groups"
equal "the table has a heading for each group" "$(cat "$T/groups")" \
	"$(sed 1d "$T/table" | grep -E '^[a-z]+$' | sort)"
group=$(head -n 1 "$T/groups")
run_ipcdemo list --json --group="$group"
equal "--group: those of the group" \
	"$(jq -r --arg g "$group" '.mechanisms[] | select(.group == $g) | .name' "$T/json")" \
	"$(jq -r '.mechanisms[].name' "$T/out")"
run_ipcdemo list --group=nonsense
fails "an unknown group" 2 "'nonsense' is not one of .*pipes"
run_ipcdemo --ipc=help
succeeds_with_output "--ipc=help"
equal "--ipc=help names each" "$(cat "$T/names")" "$(awk '/^[^ ]/ { print $1 }' "$T/out")"

# All that the build was told of is there.
if [ -f "$abs_top_builddir/ipc/core/backends.inc" ]; then
	sed -n 's/^IPC_[A-Z]*(\([a-z0-9_]*\)[,)].*$/\1/p' \
		"$abs_top_builddir/ipc/core/backends.inc" | sort >"$T/built"
	equal "every mechanism of the build is listed" "$(cat "$T/built")" "$(sort "$T/names")"
fi

# Without a queue for signals, and with few descriptors: whatever cannot be used says why.
unavailable() {
	run_program='prlimit'
	run_ipcdemo --sigpending=0:0 --nofile=12:12 -- "$IPCDEMO" list --json
	succeeds_with_output "list --json on a poor machine"
	cp "$T/out" "$T/json"
	schema "on a poor machine"
	lost=$(jq -r '.mechanisms[] | select(.available | not) | .name' "$T/json" | head -n 1)
	if [ -z "$lost" ]; then
		skip_part "every mechanism is available even so"
	else
		run_ipcdemo --sigpending=0:0 --nofile=12:12 -- "$IPCDEMO" list
		matches "the table says so too" "^ +not available here: " "$T/out"
		reason=$(jq -r --arg n "$lost" '.mechanisms[] | select(.name == $n) | .reason' \
			"$T/json")
		is_true "the table gives the same reason" grep -qF -e "$reason" "$T/out"
		run_ipcdemo --sigpending=0:0 --nofile=12:12 -- "$IPCDEMO" --ipc="$lost" \
			-d "$T/got" http://127.0.0.1:1/x
		fails "--ipc=$lost on a poor machine" 3 "$lost"
	fi
	become_self
}
unavailable

run_ipcdemo list extra
fails "list with an argument" 2 'extra'
run_ipcdemo list --jsn
fails "list with an unknown option" 2 'jsn'

# into_full ARGUMENT...: the output does not get through. That is told, and is no success.
into_full() {
	(harnessed "$@") </dev/null >/dev/full 2>"$T/err" 8>&-
	status=$? how=$(cat "$T/how")
	fails "$* into a full device" 1 'no space left'
	equal "$* into a full device: one line" 1 "$(wc -l <"$T/err")"
}
into_full list
into_full list --json
into_full --ipc=help
finish
