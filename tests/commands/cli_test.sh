#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# cli_test.sh - what a script relies on: exit codes, which stream holds what, the JSON lines, where
# files go and under which name, and that no password is shown.
DEADLINE=120
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

command -v jq >/dev/null || skip_all "jq is missing"
RUN_DEADLINE=20
start_origin
printf '5000 good\n' | sums_of >"$T/sums-good"
GOOD=$ORIGIN/bytes/5000/good
SUM=$(cut -d ' ' -f 1 "$T/sums-good")
BAD=$ORIGIN/fault/status/404/bad

# run ARGUMENT...: into a fresh directory.
run() {
	rm -rf "$T/got"
	run_ipcdemo -d "$T/got" "$@"
}

# lines WHAT N FILE: it has that many.
lines() {
	equal "$1: $2 lines" "$2" "$(wc -l <"$3")" || note_file "$3"
}

# ---- what is meant as something else than a URL ----

mistyped() {
	run lst
	fails "a mistyped command" 2 "'lst' is neither .* URL; did you mean 'ipcdemo list'"
	run -q "$GOOD" xyzzy
	fails "a word that is no URL" 2 "'xyzzy' is neither a command nor a URL"
	run demo
	fails "demo as a word" 2 "did you mean 'ipcdemo --demo'"
	run --demo "$GOOD"
	fails "the demo of a URL" 2 "--demo goes without a URL"
	echo "$GOOD" >"$T/list.txt"
	run "$T/list.txt"
	fails "a list as if it were a URL" 2 "list.txt' is a file, not a URL.*-i "
	equal "nothing was made for a mistyped word" '' "$(ls "$T/got" 2>/dev/null)"
	mkdir -p "$T/there" && touch "$T/there/a" "$T/there/b"
	run_ipcdemo -d "$T/there" "$GOOD/a" "$GOOD/b"
	fails "files that exist" 1 'the file exists already'
	equal "files that exist: what helps is said once" 1 \
		"$(grep -c -e '--exists=skip leaves' "$T/err")"
	run --demo-seconds=9-2
	fails "a range that goes down" 2 "'9-2' goes down"
}

# ---- streams ----

quiet_stdout() {
	for option in --progress=auto --progress=bar --progress=plain --progress=none -v -q \
		--trace --model=sequential; do
		run "$option" "$GOOD"
		succeeds "$option"
		verify "$option" "$T/got" "$T/sums-good"
		equal "$option: no carriage return, no escape where there is no terminal" '' \
			"$(grep -c "$(printf '[\033\r]')" "$T/err" | grep -v '^0$')"
	done
	run -q "$GOOD"
	equal "-q: nothing on stderr" '' "$(cat "$T/err")"
	run --progress=none "$GOOD"
	equal "--progress=none: nothing on stderr" '' "$(cat "$T/err")"
	for option in -q --progress=none; do
		run "$option" "$BAD" "$GOOD"
		fails "$option with a job that fails" 1 'bad: HTTP 404 Not Found'
		lines "$option with a job that fails" 1 "$T/err"
	done
}

information() {
	run_ipcdemo --version
	equal "--version: exit 0, stderr empty" "0 " "$status $(cat "$T/err")"
	matches "--version names the program" '^ipcdemo [0-9]+\.[0-9]+' "$T/out"
	matches "--version names the library" '^libcurl ' "$T/out"
	run_ipcdemo --help
	equal "--help: exit 0, stderr empty" "0 " "$status $(cat "$T/err")"
	cp "$T/out" "$T/help"
	for word in --ipc --jobs --model --recycle --input-file --dir --output --exists --retries \
		--connect-timeout --stall-timeout --max-redirs --max-size --checksum --progress \
		--quiet --verbose --trace; do
		is_true "--help tells of $word" grep -qE -e "$word(=| |\[|\$)" "$T/help"
	done
	# The command is the first word: "ipcdemo -q list" would fetch a URL of that name.
	equal "--help puts no option before a command" '' \
		"$(grep -E '\[OPTION\.\.\.\] (bench|compare|list|explain)' "$T/help")"
	for word in bench compare list explain; do
		is_true "--help tells of the command $word" grep -qw "$word" "$T/help"
		run_ipcdemo "$word" --help
		equal "$word --help: exit 0, stderr empty" "0 " "$status $(cat "$T/err")"
		is_true "$word --help calls itself so" grep -q "^Usage: ipcdemo $word" "$T/out"
	done
	# Without those that were not built: they have no limit.
	for word in $("$abs_top_builddir/ipcdemo" list --json |
		jq -r '.mechanisms[] | select(.record_limit).name'); do
		is_true "--help names the mechanism $word" grep -qw "$word" "$T/help"
	done
	run_ipcdemo help
	equal "help is --help" "0 $(cat "$T/help")" "$status $(cat "$T/out")"
	run_ipcdemo list --help
	cp "$T/out" "$T/help"
	run_ipcdemo help list
	equal "help list is list --help" "0 $(cat "$T/help")" "$status $(cat "$T/out")"
	run_ipcdemo help lst
	fails "help for no command" 2 "no command is called 'lst'"
	run_ipcdemo version
	equal "version: exit 0" 0 "$status"
	matches "version names the program" '^ipcdemo [0-9]+\.[0-9]+' "$T/out"
	run_ipcdemo --ipc=help
	equal "--ipc=help: exit 0, stderr empty" "0 " "$status $(cat "$T/err")"
	run --ipc=help "$GOOD"
	equal "--ipc=help with a URL: exit 0" 0 "$status"
	absent "$T/got"
}

# ---- JSON ----

# holds WHAT FILTER: it is true of the array of all lines.
holds() {
	if jq -se "$2" "$T/out" >"$T/jq" 2>&1; then
		ok "$1"
	else
		not_ok "$1"
		note_file "$T/jq"
		note_file "$T/out"
	fi
}

# story MODEL MECHANISM: a good job, one that fails, one tried again, one skipped.
story() {
	mkdir -p "$T/again" && echo mine >"$T/again/there"
	run_ipcdemo -d "$T/again" --exists=skip --progress=json --model="$1" "$GOOD" "$BAD" \
		"$ORIGIN/fault/flaky/90000/flaky-$1" "$ORIGIN/bytes/5/there"
	equal "$1, JSON: one of four jobs fails" 1 "$status"
	holds "$1, JSON: each line is an object" 'length > 0 and all(.[]; type == "object")'
	equal "$1, JSON: as many lines as objects" \
		"$(wc -l <"$T/out")" "$(jq -s length "$T/out")"
	holds "$1, JSON: known events only" 'map(.event) | unique - ["start", "progress", "done",
		"failed", "retry", "skipped", "summary"] == []'
	holds "$1, JSON: every event of a job has its keys" \
		'all(.[] | select(.event != "summary"); has("job") and has("worker") and has("url")
		and has("file") and has("bytes") and has("total"))'
	holds "$1, JSON: jobs are numbered as they were given" \
		'map(select(.job != null) | "\(.job) \(.file)") | unique
		== ["0 good", "1 bad", "2 flaky-'"$1"'", "3 there"]'
	holds "$1, JSON: one job is done at once" 'map(select(.job == 0) | .event)
		| .[0] == "start" and .[-1] == "done"'
	holds "$1, JSON: one fails, with a reason" '[.[] | select(.job == 1)]
		| .[0].event == "start" and .[-1].event == "failed"
		and .[-1].reason == "HTTP 404 Not Found"'
	holds "$1, JSON: one is tried again, and then done" '[.[] | select(.job == 2)
		| select(.event != "progress") | .event] == ["start", "retry", "start", "done"]'
	holds "$1, JSON: the reason of the retry has its figures" '.[] | select(.event == "retry")
		| (.delay_s | . >= 0 and . <= 2) and (.reason | test("45000 of 90000 bytes"))'
	holds "$1, JSON: one is skipped" '[.[] | select(.job == 3)] | length == 1
		and .[0].event == "skipped" and (.[0].reason | length > 0)'
	holds "$1, JSON: done tells bytes, total and seconds" '.[] | select(.event == "done"
		and .job == 0) | .bytes == 5000 and .total == 5000 and .seconds >= 0'
	holds "$1, JSON: the summary is the last line, and the only one" \
		'[.[] | .event == "summary"] | .[-1] and (map(select(.)) | length == 1)'
	holds "$1, JSON: the summary counts" '.[-1] | .model == "'"$1"'" and .ipc == '"$2"'
		and .jobs == 4 and .ok == 2 and .failed == 1 and .skipped == 1 and .bytes == 95000'
	holds "$1, JSON: concurrency is job_seconds over wall_s" \
		'.[-1] | (.wall_s > 0) and .job_seconds >= 0
		and ((.concurrency - .job_seconds / .wall_s) | fabs) < 0.001'
	holds "$1, JSON: records are those of the mechanism" \
		'.[-1].records | if '"$2"' == null then . == 0 else . >= 8 end'
	lines "$1, JSON: stderr has the error in words" 1 "$T/err"
	rm -rf "$T/again"
}

# ---- output that does not get through ----

# into_full ARGUMENT...
into_full() {
	(harnessed "$@") </dev/null >/dev/full 2>"$T/err" 8>&-
	status=$? how=$(cat "$T/how")
	fails "$1 into a full device" 1 'standard output: no space left'
	lines "$1 into a full device" 1 "$T/err"
}

full_device() {
	rm -rf "$T/got"
	into_full --progress=json -d "$T/got" "$GOOD"
	verify "--progress=json into a full device: the file all the same" "$T/got" "$T/sums-good"
	into_full --ipc=help
	into_full --help
	into_full --version
}

# ---- where files go ----

places() {
	run -o other "$GOOD"
	succeeds "-o NAME"
	equal "-o NAME: the name, in -d" "other $SUM" \
		"$(names_in "$T/got") $(sum_of "$T/got/other")"
	run -o sub/deeper/other "$GOOD"
	succeeds "-o with a directory"
	equal "-o with a directory: beneath -d" "$SUM" "$(sum_of "$T/got/sub/deeper/other")"
	rm -rf "$T/got"
	run_ipcdemo -o "$T/got/a/b" "$GOOD"
	succeeds "-o with an absolute directory"
	equal "-o with an absolute directory: there" "$SUM" "$(sum_of "$T/got/a/b")"
	run -o sub/ "$GOOD"
	fails "-o that ends in a slash" 2 'name is empty'
	run -o .. "$GOOD"
	fails "-o with a directory's name" 2 'that of a directory'
	run_ipcdemo -d "$T/got/new/and/deep" "$GOOD"
	succeeds "-d is made"
	verify "-d is made" "$T/got/new/and/deep" "$T/sums-good"
	echo >"$T/a-file"
	run_ipcdemo -d "$T/a-file" "$GOOD"
	fails "-d that is a file" 1 'a-file.*not a directory'
	run_ipcdemo -d /proc/none "$GOOD"
	fails "-d that cannot be made" 1 '/proc/none'
	run_ipcdemo -d '' "$GOOD"
	fails "-d without a name" 1 'no such file'
}

input_file() {
	cat >"$T/list" <<-END
		$GOOD out=first
		# a comment
		$ORIGIN/bytes/5000/good	out=second sha256=$SUM
	END
	run -i "$T/list" "$ORIGIN/bytes/7/third"
	succeeds "-i and a URL"
	equal "-i and a URL: three files" "first second third" \
		"$(names_in "$T/got" | paste -sd ' ' -)"
	printf '%s\n%s junk\n' "$GOOD" "$GOOD" >"$T/list"
	run -i "$T/list"
	fails "-i with a wrong line" 2 'list:2: '
	absent "$T/got"
	printf '# nothing\n' >"$T/list"
	run -i "$T/list"
	fails "-i without a URL" 2 'no URL'
	printf '%s \033[31mjunk\n' "$GOOD" >"$T/list"
	run -i "$T/list"
	equal "-i: control bytes of a file do not reach the terminal" "2 0" \
		"$status $(grep -c "$(printf '\033')" "$T/err")"
}

local_files() {
	echo '5000 good' | make_files "$T/local" >/dev/null
	run "file://$T/local/good"
	succeeds "file://"
	verify "file://" "$T/got" "$T/sums-good"
	run "file://$T/local/none"
	fails "file:// that is not there" 1 'none: .*(read|no such)'
}

# ---- limits ----

limits() {
	run --max-size=5000 "$GOOD"
	succeeds "--max-size, exactly"
	run --max-size=4999 "$GOOD"
	fails "--max-size, one byte more" 1 'larger than --max-size'
	equal "--max-size, one byte more: nothing stays" '' "$(names_in "$T/got")"
	run --max-size=5K "$GOOD"
	succeeds "--max-size with a suffix"
	run --retries=0 "$ORIGIN/fault/flaky/5000/retries-0"
	fails "--retries=0" 1 'after 2500 of 5000 bytes'
	run --retries=1 "$ORIGIN/fault/flaky/5000/retries-1"
	succeeds "--retries=1"
	run --progress=json --retries=1 "$ORIGIN/fault/status/503/x"
	equal "--retries=1 are two tries" "1 1" \
		"$status $(jq -s 'map(select(.event == "retry")) | length' "$T/out")"
	run --checksum="sha256=$SUM" "$GOOD"
	succeeds "--checksum"
	run --progress=json --retries=1 --checksum="sha256=$(printf '%064d' 0)" "$GOOD"
	equal "--checksum that is wrong: tried once more, then it fails" "1 1" \
		"$status $(jq -s 'map(select(.event == "retry")) | length' "$T/out")"
	equal "--checksum that is wrong: nothing stays" '' "$(names_in "$T/got")"
	# A worker accepts no URL of more than 64 KiB: that is told, and costs no worker its life.
	printf '%s?%070000d\n' "$GOOD" 0 >"$T/list"
	run -i "$T/list" "$ORIGIN/bytes/7/third"
	fails "a URL that is too long" 1 'the URL is longer than 64 KiB'
	equal "a URL that is too long: the other job is done, no worker dies" "third 0" \
		"$(names_in "$T/got") $(grep -c 'its worker' "$T/err")"
	run_program=prlimit
	run_ipcdemo --nofile=48:48 -- "$IPCDEMO" -j 64 -i "$T/many" -d "$T/got"
	fails "too few descriptors" 3 'ulimit -n'
	become_self
}

# ---- passwords ----

# A URL may hold one; lines on a terminal and logs are seen by others.
passwords() {
	SECRET="http://someone:s3cret@${ORIGIN#http://}"
	for option in --progress=plain --progress=json --trace -v; do
		run "$option" --retries=1 "$SECRET/bytes/5/a" "$SECRET/fault/status/404/b" \
			"$SECRET/fault/flaky/90000/c$option" "$SECRET/bytes/5/.d" \
			http://someone:s3cret@127.0.0.1:1/e
		equal "$option: a job fails" 1 "$status"
		is_true "$option: the files are fetched" [ -f "$T/got/a" ]
		equal "$option: no password is shown" '' \
			"$(cat "$T/out" "$T/err" | grep -F s3cret | head -n 2)"
	done
}

awk -v url="$GOOD" 'BEGIN { for (i = 0; i < 64; i++) print url " out=n" i }' >"$T/many"
mistyped
quiet_stdout
information
story process '"unix"'
story sequential null
full_device
places
input_file
local_files
limits
passwords
finish
