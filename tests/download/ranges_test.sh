#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317,SC2086 # shared with lib.sh; lists of words
# ranges_test.sh - one file in ranges: from nginx and from origins that break their word, with
# killed workers, a killed parent, a file that changes meanwhile.
DEADLINE=120
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=60
start_origin
G=$T/got
SIZE=8000000
printf '%s file\n' $SIZE | sums_of >"$T/sums"
sum=$(cut -d ' ' -f 1 "$T/sums")

# starts_of: how many tries of a range the JSON in $T/out shows.
starts_of() {
	grep -c '"event":"start".*"range":' "$T/out"
}

# split OPTION...: fetches $URL in four ranges, with its checksum.
split() {
	rm -rf "$G"
	run_ipcdemo --split=4 --progress=json -d "$G" -o file --checksum="sha256=$sum" "$@" "$URL"
	equal "$case_: exit status" 0 "$status" || note_file "$T/err"
	verify "$case_" "$G" "$T/sums"
}

every_model() {
	URL=$ORIGIN/fault/ranges/0/$SIZE/file
	for options in --model=process --model=thread '--model=hybrid -j 2 --threads=2' \
		--start=spawn -j1; do
		case_="in ranges: $options"
		split $options
		equal "$case_: three more ranges are begun" 3 "$(starts_of)"
		matches "$case_: one done" '"done".*"bytes":8000000,"total":8000000' "$T/out"
		equal "$case_: once" 1 "$(grep -c '"event":"done"' "$T/out")"
	done
}

# What cannot be split is fetched in one stream, without a failed try.
one_stream() {
	for kind in ranges-weak ranges-gzip ranges-1.0 chunked nolength; do
		URL=$ORIGIN/fault/$kind/$SIZE/file
		case_="one stream: $kind"
		split --retries=0
		equal "$case_: no range" 0 "$(starts_of)"
	done
	URL=$ORIGIN/bytes/$SIZE/file
	case_="one stream: no validator"
	split --retries=0
	equal "$case_: no range" 0 "$(starts_of)"
	URL=$ORIGIN/fault/ranges/0/$SIZE/file
	case_="one stream: --split=1"
	split --split=1
	equal "$case_: no range" 0 "$(starts_of)"
}

# It looked as if it could be split. The fallback takes no try of --retries.
falls_back() {
	for kind in ranges-lie ranges-off ranges-new; do
		URL=$ORIGIN/fault/$kind/$SIZE/file
		case_="falls back: $kind"
		split --retries=0
		matches "$case_: says why" '"retry".*no longer what it was split by' "$T/out"
	done
}

part_is_split() {
	[ "$(stat -c %s "$G/file.part" 2>/dev/null || echo 0)" -gt "$SIZE" ] &&
		[ "$(starts_of)" -ge 3 ]
}

# begin OPTION...: a paced download in ranges, as far as all of them are under way.
begin() {
	start_ipcdemo --split=4 --progress=json -d "$G" -o file "$@" \
		"$ORIGIN/fault/ranges/2000000/$SIZE/file"
	await 10 part_is_split || not_ok "$case_: it is split"
}

# The process whose range began last: it has nearly all of it before it.
last_started() {
	sed -n 's/.*"event":"start".*"pid":\([0-9]*\).*/\1/p' "$T/out" | tail -n 1
}

killed_worker() {
	for options in --model=process '--model=hybrid -j 2 --threads=2' --start=spawn; do
		case_="a killed worker: $options"
		rm -rf "$G"
		begin $options
		inode=$(stat -c %i "$G/file.part")
		kill -KILL "$(last_started)"
		end_ipcdemo
		equal "$case_: exit status" 0 "$status"
		verify "$case_" "$G" "$T/sums"
		matches "$case_: its range is tried again" '"retry".*"range":.*SIGKILL' "$T/out"
		equal "$case_: in the same file" "$inode" "$(stat -c %i "$G/file")"
	done
}

fetched() {
	grep -o '"range_bytes":[1-9][0-9]*' "$T/out" | head -1
}

# What is kept is right: the next run ends it, with the same ranges, others or none.
next_run() {
	for options in --split=4 --split=2 --model=sequential --model=event; do
		case_="after SIGKILL of the parent: $options"
		rm -rf "$G"
		begin
		await 10 fetched >/dev/null || not_ok "$case_: some bytes are there"
		kill -KILL "$ipcdemo_pid"
		end_ipcdemo
		run_ipcdemo $options --exists=resume --progress=json -d "$G" -o file \
			--checksum="sha256=$sum" "$ORIGIN/fault/ranges/0/$SIZE/file"
		equal "$case_: exit status" 0 "$status"
		verify "$case_" "$G" "$T/sums"
	done
}

ctrl_c() {
	for options in --model=process --model=thread '--model=hybrid -j 2 --threads=2' \
		--start=spawn; do
		case_="Ctrl-C: $options"
		rm -rf "$G"
		begin $options
		kill -INT "$ipcdemo_pid"
		end_ipcdemo
		equal "$case_: ends by SIGINT" 'signal 2' "$how"
		matches "$case_: says what is kept" '1 unfinished .part file is kept' "$T/err"
		equal "$case_: that alone" file.part "$(names_in "$G")"
	done
}

# nginx serves another file under the name while workers are at the first: their ranges are asked
# for by If-Range, so no byte of one version ends up in the other. With ?slow no range ends by
# itself before its worker is killed; the whole file comes quickly.
changed_meanwhile() {
	printf '%s old\n%s new\n' $SIZE $SIZE | make_files "$T/www" >/dev/null
	cp "$T/www/old" "$T/www/file"
	nginx_http() {
		# shellcheck disable=SC2016 # nginx's variables
		echo 'map "$http_range $args" $rate { "~^bytes.* slow$" 20k; default 1000k; }
			limit_rate $rate;'
	}
	if ! start_nginx "$T/www"; then
		skip_part "there is no nginx"
		return
	fi
	case_='nginx'
	URL=$NGINX/file
	rm -rf "$G"
	run_ipcdemo --split=4 --progress=json -d "$G" \
		--checksum="sha256=$(sum_of "$T/www/old")" "$URL"
	equal "$case_: exit status" 0 "$status"
	equal "$case_: in ranges" 3 "$(starts_of)"
	case_='nginx, another version'
	rm -rf "$G"
	start_ipcdemo --split=4 --progress=json -d "$G" -o file "$URL?slow"
	await 10 part_is_split || not_ok "$case_: it is split"
	touch -d '2001-01-01' "$T/www/new" && mv "$T/www/new" "$T/www/file"
	kill -KILL "$(last_started)"
	end_ipcdemo
	equal "$case_: exit status" 0 "$status"
	equal "$case_: all bytes are the new ones" "$(sum_of "$T/www/file")" "$(sum_of "$G/file")"
	matches "$case_: says why" 'no longer what it was split by' "$T/out"
}

# A range that fails for good fails the file; what else of it runs is stopped, at once.
fails_whole() {
	case_='a range fails for good'
	rm -rf "$G"
	run_ipcdemo --split=4 -j4 --retries=0 --progress=none -d "$G" -o file \
		"$ORIGIN/fault/ranges-cut/1500000/$SIZE/file"
	fails "$case_" 1 'after 1500000 of 2000000 bytes'
}

limited() {
	case_='--limit-rate'
	URL=$ORIGIN/fault/ranges/0/$SIZE/file
	split --limit-rate=4000000
	is_true "$case_: takes its time" \
		[ "$(sed -n 's/.*"wall_s":\([0-9]*\).*/\1/p' "$T/out")" -ge 1 ]
}

usage() {
	run_ipcdemo --split=4 --model=event "$ORIGIN/bytes/1/a"
	fails 'event' 2 '--split needs several workers.*not event'
	run_ipcdemo --split=4 -o - "$ORIGIN/bytes/1/a"
	fails 'standard output' 2 'several places'
	run_ipcdemo --split=65 "$ORIGIN/bytes/1/a"
	fails 'too many' 2 'split'
}

every_model
one_stream
falls_back
fails_whole
killed_worker
next_run
ctrl_c
changed_meanwhile
limited
usage
finish
