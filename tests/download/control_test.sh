#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# control_test.sh - the options that say how a list is fetched, seen from outside.
DEADLINE=120
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_origin

run() {
	rm -rf "$T/got"
	run_ipcdemo -d "$T/got" "$@"
}

dry_run() {
	printf '%s\n' "$ORIGIN/bytes/3/x" "$ORIGIN/bytes/4/x" "$ORIGIN/bytes/5/y" >"$T/list"
	run --dry-run -i "$T/list"
	equal "--dry-run: a clash is a failure" 1 "$status"
	equal "--dry-run: names and URLs" "fetch	x	$ORIGIN/bytes/3/x
fail	x	$ORIGIN/bytes/4/x	$ORIGIN/bytes/3/x has this name already
fetch	y	$ORIGIN/bytes/5/y" "$(cat "$T/out")"
	absent "$T/got"
	mkdir "$T/got" && touch "$T/got/y"
	run_ipcdemo --dry-run --exists=skip -d "$T/got" "$ORIGIN/bytes/5/y"
	equal "--dry-run: what exists" "skip	y	$ORIGIN/bytes/5/y" "$(cat "$T/out")"
	run_ipcdemo --dry-run
	fails "--dry-run without a URL" 2 'needs a URL'
}

# The first job fails while the others would last for ever.
fail_fast() {
	for model in process sequential; do
		run --model=$model --fail-fast -j 2 "$ORIGIN/fault/status/404/x" \
			"$ORIGIN/fault/slow/1000/1000000/y" "$ORIGIN/fault/slow/1000/1000000/z"
		fails "--fail-fast, $model" 1 'HTTP 404'
		equal "--fail-fast, $model: nothing stays" '' "$(names_in "$T/got")"
	done
}

retry_all() {
	run --retries=1 --progress=json "$ORIGIN/fault/status/404/x"
	equal "404 is final" 0 "$(grep -c '"retry"' "$T/out")"
	run --retries=1 --retry-all-errors --progress=json "$ORIGIN/fault/status/404/x"
	equal "--retry-all-errors" 1 "$(grep -c '"retry"' "$T/out")"
}

wrong_options() {
	run -H nothing "$ORIGIN/bytes/1/x"
	fails "--header without a colon" 2 "'nothing' is no line"
	run --header="A: b
C: d" "$ORIGIN/bytes/1/x"
	fails "--header with two lines" 2 'is no line'
	run -L "$ORIGIN/bytes/1/x"
	fails "a letter of curl that asks for what is always so" 2 "option '-L' is not needed"
	run -qc "$ORIGIN/bytes/1/x"
	fails "a letter of wget" 2 "option '-c' is --exists=resume here"
	run --retry=2 "$ORIGIN/bytes/1/x"
	fails "curl's word for another option" 2 "option '--retry' is --retries here"
	run --max-concurrent-downloads=2 "$ORIGIN/bytes/1/x"
	fails "a word of aria2" 2 'is -j here'
	run -s "$ORIGIN/bytes/1/x"
	fails "curl's -s" 1 '--summary=http://.*: No such file'
	run --cacert="$T/none" "$ORIGIN/bytes/1/x"
	fails "--cacert that is not there" 2 'cacert.*none: No such file'
	unset CURL_CA_BUNDLE
	SSL_CERT_FILE=$T/none
	export SSL_CERT_FILE
	run "$ORIGIN/bytes/1/x"
	fails "SSL_CERT_FILE that is not there" 2 'SSL_CERT_FILE.*none: No such file'
	unset SSL_CERT_FILE
	run --insecure "$ORIGIN/bytes/1/x"
	matches "--insecure is loud" 'insecure: certificates are not checked' "$T/err"
}

# Never faster than the limit; how much slower is the machine's matter. Every mechanism carries
# RATE.
limit_rate() {
	begun=$(now_ms)
	run --ipc="$ipc" --trace --limit-rate=400K -j 2 "$ORIGIN/bytes/102400/x" \
		"$ORIGIN/bytes/102400/y"
	took=$(($(now_ms) - begun))
	equal "$ipc, --limit-rate: exit status" 0 "$status"
	is_true "$ipc, --limit-rate: 200 KiB are not there at once" \
		[ "$took" -gt 250 ]
	matches "$ipc, --limit-rate: RATE goes to the workers" '< RATE' "$T/err"
}

# The same where one process does it all, or its threads do: 400 KiB at 400 KiB/s, less what may be
# made up for.
limit_rate_of_models() {
	for model in sequential event thread; do
		begun=$(now_ms)
		run --model=$model --limit-rate=400K -j 2 "$ORIGIN/bytes/204800/x" \
			"$ORIGIN/bytes/204800/y"
		took=$(($(now_ms) - begun))
		equal "$model, --limit-rate: exit status" 0 "$status"
		is_true "$model, --limit-rate: 400 KiB are not there at once ($took ms)" \
			[ "$took" -gt 600 ]
	done
}

# Eight jobs of 0.2 s: two at once are ready after 0.8 s, eight at once after 0.2 s.
max_host() {
	i=0
	while [ $i -lt 8 ]; do
		echo "$ORIGIN/fault/slow/50000/10000/f$i"
		i=$((i + 1))
	done >"$T/list"
	for model in process event; do
		run --model=$model --progress=json -j 8 --max-host=2 -i "$T/list"
		equal "--max-host, $model: exit status" 0 "$status"
		equal "--max-host, $model: two at once" 2 "$(jq -r .event "$T/out" | awk '
			/start/ { n++; if (n > most) most = n }
			/done/ { n-- }
			END { print most }')"
	done
}

# The first is the last to be there; the second exists; the third fails at once.
order() {
	rm -rf "$T/got"
	mkdir "$T/got"
	touch "$T/got/b"
	for model in process event; do
		for order in input end; do
			run_ipcdemo --model=$model --order=$order --exists=skip -d "$T/got" -j 4 \
				--progress=json "$ORIGIN/fault/slow/50000/20000/a" \
				"$ORIGIN/bytes/1/b" "$ORIGIN/fault/status/404/c" "$ORIGIN/bytes/1/d"
			rm -f "$T/got/a" "$T/got/d"
			jq -r 'select(.event | IN("done", "failed", "skipped")) | .file' "$T/out" |
				paste -sd ' ' >"$T/$order"
		done
		equal "--order=input, $model" "a b c d" "$(cat "$T/input")"
		equal "--order=end, $model: the slow one is last" a "$(sed 's/.* //' "$T/end")"
	done
	run_ipcdemo --order=input --fail-fast -d "$T/got" -j 4 --progress=json \
		"$ORIGIN/fault/slow/1000/1000000/a" "$ORIGIN/fault/status/404/c"
	equal "--order=input, and the run ends early: what ended is told" c \
		"$(jq -r 'select(.event == "failed") | .file' "$T/out")"
}

summary() {
	run --retries=0 --summary="$T/figures" "$ORIGIN/bytes/3/x" "$ORIGIN/fault/status/404/y"
	equal "--summary" "2 1 1 3" \
		"$(jq -r '[.jobs, .ok, .failed, .bytes] | join(" ")' "$T/figures")"
	run -s "$T/none/figures" "$ORIGIN/bytes/3/x"
	fails "--summary that cannot be made" 1 'none/figures: No such file'
	absent "$T/got"
	run -s /dev/full "$ORIGIN/bytes/3/x"
	fails "--summary into a full device" 1 '/dev/full: it could not be written'
}

dry_run
summary
order
max_host
limit_rate_of_models
for_each_backend limit_rate
fail_fast
retry_all
wrong_options
finish
