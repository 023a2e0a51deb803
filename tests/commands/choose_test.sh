#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# choose_test.sh - `ipcdemo choose`: what fits is what the capabilities say, each mechanism is named
# once with a reason, and --measure has a figure for each that fits.
DEADLINE=120
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

command -v jq >/dev/null || skip_all "jq is missing"
RUN_DEADLINE=60
run_ipcdemo list --json
cp "$T/out" "$T/list"

# fits WHAT FILTER OPTION...: those that fit are those of the list for which FILTER is true.
fits() {
	what=$1 filter=$2
	shift 2
	run_ipcdemo choose --format=json "$@"
	cp "$T/out" "$T/json"
	jq -r ".mechanisms[] | select(.available) | select($filter) | .name" "$T/list" |
		sort >"$T/want"
	expected=0
	[ -s "$T/want" ] || expected=1
	# The benchmark says when it begins; there is nothing else to say.
	equal "$what: exit status, stderr" "$expected " \
		"$status $(grep -v '^ipcdemo bench: .* rows' "$T/err")"
	equal "$what: those that fit" "$(cat "$T/want")" \
		"$(jq -r '.mechanisms[] | select(.fits) | .name' "$T/json" | sort)"
	equal "$what: what fits comes first" '' "$(jq -r '[.mechanisms[].fits] |
		select(. != (sort | reverse)) | "no"' "$T/json")"
	equal "$what: each that does not fit has its reason" '' \
		"$(jq -r '.mechanisms[] | select(.fits | not) | select((.reason | length) < 10) |
		.name' "$T/json")"
}

fits "no needs" true
equal "every mechanism of the build, once" \
	"$(jq -r '.mechanisms[] | select(.record_limit != null) | .name' "$T/list" | sort)" \
	"$(jq -r '.mechanisms[].name' "$T/json" | sort)"
equal "schema" ipcdemo-choose/1 "$(jq -r .schema "$T/json")"
fits --see-end '.capabilities | index("EOF")' --see-end
fits --pollable '.capabilities | index("POLLABLE")' --pollable
fits --untrusted-peer '.capabilities | index("TRUSTED_SLOT")' --untrusted-peer
fits --survive-crash '.capabilities | index("DURABLE")' --survive-crash
fits --no-name '.capabilities | index("NAMED") | not' --no-name
fits --cross-host '.capabilities | index("CROSS_HOST")' --cross-host
equal "--cross-host: each that fits says that it does" '' "$(jq -r '.mechanisms[] | select(.fits) |
	select(.reason | test("can reach another host") | not) | .name' "$T/json")"
fits --pass-fd '.capabilities | index("PASS_FD")' --pass-fd
fits --survive-all '.capabilities | index("KEEPS")' --survive-all
fits --unrestricted '.capabilities | index("RESTRICTED") | not' --unrestricted
fits --record=4K '.record_limit >= 4096' --record=4K
fits "a record of 16 MiB" '.record_limit >= 16777216' --record=16M
fits "several needs" '(.capabilities | index("EOF") and index("DURABLE")) and
	.record_limit >= 5000' --see-end --survive-crash --record=5000

# Who never sleeps is served best by memory that both ends map, if there is such a mechanism.
run_ipcdemo choose --wait=spin --format=json
best=$(jq -r '.mechanisms[0].name' "$T/out")
if jq -e '.mechanisms[] | select(.available and .group == "memory")' "$T/list" >"$T/jq"; then
	equal "--wait=spin: the best" memory \
		"$(jq -r --arg n "$best" '.mechanisms[] | select(.name == $n) | .group' "$T/list")"
else
	skip_part "no shared memory here"
fi

# By promises alone: of two that promise the same, the one that is often forbidden comes later.
run_ipcdemo choose --format=json
equal "what hardened systems forbid comes after what keeps the same promises" '' "$(jq -r \
	--slurpfile list "$T/list" '
	($list[0].mechanisms | map({(.name): .capabilities}) | add) as $of |
	[.mechanisms[] | select(.fits).name] as $names |
	range($names | length) as $i | range($i) as $k |
	$of[$names[$i]] as $late | $of[$names[$k]] as $early |
	select(($early | index("RESTRICTED")) and ($late | index("RESTRICTED") | not) and
		(["EOF", "POLLABLE", "TRUSTED_SLOT", "DURABLE"] - $late == []) and
		($late | index("CROSS_HOST") | not)) |
	"\($names[$k]) before \($names[$i])"' "$T/out")"

run_ipcdemo choose --record=1K
equal "in words: exit 0, stderr empty" "0 " "$status $(cat "$T/err")"
equal "in words: no line beyond 80 columns" '' "$(awk 'length > 80' "$T/out")"
for name in $(jq -r '.mechanisms[] | select(.record_limit != null) | .name' "$T/list"); do
	equal "in words: $name is named once" 1 \
		"$(grep -cE "^ *[0-9]+\\. $name, |^  ([a-z0-9]+, )*$name(,|\$)" "$T/out")"
done

fits --measure '.record_limit >= 512' --measure --record=512
equal "--measure: a figure for each that fits, for no other" '' \
	"$(jq -r '.mechanisms[] | select(.fits != (.p50_ns != null)) | .name' "$T/json")"
# Those that take up to half as much again as the fastest are as fast: among them CPU counts.
equal "--measure: in steps of latency, then by CPU, the sleepless last, where it was quiet" '' \
	"$(jq -r 'select(.quiet) | [.mechanisms[] | select(.fits)] |
	([.[] | select(.stayed_awake | not) | .p50_ns] | min) as $best |
	[.[] | [.stayed_awake, ([0, ((.p50_ns / $best | log) / (1.5 | log) | floor)] | max),
		.cpu_ns_per_record]] | select(. != sort) | "no"' "$T/json")"
order='[.mechanisms[] | select(.fits).name]'
run_ipcdemo choose --pass-fd --format=json # few, so that the loops end soon
jq -c "$order" "$T/out" >"$T/promised"
loops=''
for _ in $(seq "$(nproc)"); do
	(while :; do :; done) &
	loops="$loops $!"
done
run_ipcdemo choose --pass-fd --measure --format=json
cp "$T/out" "$T/busy"
run_ipcdemo choose --pass-fd --measure
# shellcheck disable=SC2086 # pids are words
kill $loops
equal "--measure beside busy loops: figures do not decide the order" \
	"false $(cat "$T/promised")" "$(jq -c '.quiet' "$T/busy") $(jq -c "$order" "$T/busy")"
matches "--measure beside busy loops: and the text says so" '^Not quiet: ' "$T/out"

run_ipcdemo choose --record=0
fails "a record of no bytes" 2 'out of range'
run_ipcdemo choose pipe
fails "an argument" 2 'too many'
finish
