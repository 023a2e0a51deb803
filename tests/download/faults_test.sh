#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# faults_test.sh - origins, disks, directories and command lines that are wrong. The rest of the
# run goes on, the exit status tells, stderr says why, and no part of a file stands under its name.
DEADLINE=240
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=20
start_origin
printf '5000 good\n' | sums_of >"$T/sums-good"
GOOD=$ORIGIN/bytes/5000/good

# run ARGUMENT...: over $ipc, into a fresh directory.
run() {
	rm -rf "$T/got"
	run_ipcdemo --ipc="$ipc" -d "$T/got" "$@"
}

# refused WHAT PATTERN PATH [OPTION...]: PATH fails with that reason and leaves nothing; a good
# file beside it arrives.
refused() {
	what="$ipc: $1" pattern=$2 path=$3
	shift 3
	run --retries=0 "$@" "$ORIGIN/$path" "$GOOD"
	fails "$what" 1 "$pattern"
	verify "$what, another URL" "$T/got" "$T/sums-good"
}

# arrives WHAT SIZE PATH [OPTION...]: SIZE bytes, under the last part of PATH.
arrives() {
	what="$ipc: $1" size=$2 path=$3
	shift 3
	run "$@" "$ORIGIN/$path"
	succeeds "$what"
	echo "$size ${path##*/}" | sums_of >"$T/sums"
	verify "$what" "$T/got" "$T/sums"
}

# ---- the origin ----

dead_port() {
	run --retries=0 http://127.0.0.1:1/x "$GOOD"
	fails "$ipc: a dead port" 1 'http://127\.0\.0\.1:1/x.*(refused|connect)'
	verify "$ipc: a dead port, another URL" "$T/got" "$T/sums-good"
}

retried() {
	started_ms=$(now_ms)
	arrives "503 with Retry-After: 1 is tried again" 5000 "fault/503-once/1/5000/unready-$ipc"
	is_true "$ipc: Retry-After is kept" [ $(($(now_ms) - started_ms)) -ge 1000 ]
	refused "503, and no retry" '503' "fault/503-once/1/5000/no-retry-$ipc"
	refused "a cut body, and no retry" 'fault/flaky/100000/no-retry' \
		"fault/flaky/100000/no-retry-$ipc"
}

# What the program takes anyway on a busy machine does not count.
stalled() {
	started_ms=$(now_ms)
	refused "404, to compare" '404' fault/status/404/missing
	anyway_ms=$(($(now_ms) - started_ms))
	started_ms=$(now_ms)
	refused "a stalled body" 'fault/stall/100000/stalled' fault/stall/100000/stalled \
		--stall-timeout=2
	took_ms=$(($(now_ms) - started_ms))
	is_true "$ipc: a stalled body has its 2 s ($took_ms ms)" [ "$took_ms" -ge 1500 ]
	took_ms=$((took_ms - anyway_ms))
}

name_clash() {
	run --retries=0 "$ORIGIN/bytes/5000/one/same" "$ORIGIN/bytes/5000/two/same"
	fails "$ipc: two URLs with one name" 1 'same'
	equal "$ipc: two URLs with one name: at most the first is there" same \
		"$(names_in "$T/got" | grep . || echo same)"
	[ ! -e "$T/got/same" ] ||
		equal "$ipc: two URLs with one name: it is the whole of the first" \
			"$(echo '5000 one/same' | sums_of | cut -d ' ' -f 1)" \
			"$(sum_of "$T/got/same")"
}

# A mechanism carries that a job failed, why, and that it is tried again.
each() {
	refused "404" '404' fault/status/404/missing
	refused "a truncated body" 'truncate/100000/short' fault/truncate/100000/short
	arrives "a cut body is tried again" 100000 "fault/flaky/100000/cut-$ipc"
}

# ---- the origin, over the default mechanism: the mechanism has no part in it ----

odd_origins() {
	dead_port
	refused "500" '500' fault/status/500/broken
	refused "a reset connection" 'reset/100000/short' fault/reset/100000/short
	retried
	soon "$ipc: a stalled body ends after 2 s, not much later" 4000 stalled
	name_clash
	arrives "chunks" 100000 fault/chunked/100000/chunked
	arrives "neither length nor chunks" 100000 fault/nolength/100000/nolength
	arrives "three redirects" 5000 fault/redirect/3/5000/moved
	arrives "an empty body" 0 bytes/0/empty
	refused "more redirects than allowed" 'redirect' fault/redirect/3/5000/moved \
		--max-redirs=2
	refused "a redirect to itself" 'redirect' fault/redirect-loop/loop
	refused "a redirect to a local file" 'redirects to a URL that is neither http' \
		fault/redirect-file/passwd
	refused "a redirect to ftp" 'redirects to a URL that is neither http' fault/redirect-ftp/x
	refused "chunks without an end" 'chunked-cut/100000/x' fault/chunked-cut/100000/x
	refused "an endless body over --max-size" 'endless/x' fault/endless/x --max-size=100000
	refused "a long body over --max-size" 'bytes/100001/x' bytes/100001/x --max-size=100000
	refused "an answer that is not HTTP" 'garbage/x' fault/garbage/x
	refused "no answer" 'empty/x' fault/empty/x
	refused "a broken chunk" 'bad-chunk/x' fault/bad-chunk/x
	refused "a megabyte of headers" 'long-header/x' fault/long-header/x
	refused "100,000 interim answers" 'flood-1xx/x' fault/flood-1xx/x
}

# What a client may take or refuse, as long as it neither crashes nor mixes answers up.
lenient_origins() {
	for kind in excess two-lengths huge-length; do
		run --retries=0 "$ORIGIN/fault/$kind/x" "$GOOD"
		one_of "$ipc: $kind" "$status" 0 1
		rm -f "$T/got/x"
		verify "$ipc: $kind, another URL" "$T/got" "$T/sums-good"
	done
}

# ---- names and schemes ----

# Whatever a URL says, its file is a plain one in the directory, and the others are right.
names() {
	run --retries=0 "$ORIGIN/bytes/9/.bashrc" "$ORIGIN/bytes/9/.." \
		"$ORIGIN/bytes/9/%2e%2e%2fevil" "$ORIGIN/bytes/9/a%2Fb" "$ORIGIN/bytes/9/a%00b" \
		"$ORIGIN/bytes/9/a%0Ab" "$ORIGIN/bytes/9/$(printf '%0251d' 0)" "$GOOD"
	equal "hostile names: none is hidden, none is elsewhere" "" \
		"$(find "$T/got" -mindepth 1 \( -name '.*' -o -path '*/got/*/*' \))"
	absent "$T/evil"
	find "$T/got" -type f ! -name good -delete
	verify "hostile names, another URL" "$T/got" "$T/sums-good"
	for url in ftp://127.0.0.1:1/x gopher://127.0.0.1:1/x nosuch://127.0.0.1/x; do
		run --retries=0 "$url" "$GOOD"
		fails "the scheme of $url is refused" 1 "${url%%:*}"
		verify "the scheme of $url, another URL" "$T/got" "$T/sums-good"
	done
}

existing() {
	for policy in '' --exists=fail; do
		mkdir -p "$T/got" && echo mine >"$T/got/good"
		# shellcheck disable=SC2086 # one word or none
		run_ipcdemo $policy -d "$T/got" "$GOOD"
		fails "an existing file, ${policy:-by default}" 1 'exist'
		equal "an existing file, ${policy:-by default}, stays" mine "$(cat "$T/got/good")"
	done
	run_ipcdemo --exists=skip -d "$T/got" "$GOOD"
	succeeds "--exists=skip"
	equal "--exists=skip leaves the file alone" mine "$(cat "$T/got/good")"
	run_ipcdemo --exists=overwrite -d "$T/got" "$GOOD"
	succeeds "--exists=overwrite"
	verify "--exists=overwrite" "$T/got" "$T/sums-good"
}

# A link in the place of the file must not lead the bytes elsewhere.
links() {
	rm -rf "$T/got" && mkdir "$T/got" && echo mine >"$T/elsewhere"
	for name in good good.part; do
		ln -s ../elsewhere "$T/got/$name"
		run_ipcdemo --retries=0 -d "$T/got" "$GOOD"
		equal "a symbolic link named $name: the other file stays" mine \
			"$(cat "$T/elsewhere")"
		rm -f "$T/got/"*
	done
}

# The directory gives way to a link in the middle of a download: the bytes stay where they began.
swapped_directory() {
	mkdir "$T/outside"
	start_ipcdemo --retries=0 -d "$T/got" "$ORIGIN/fault/held/1/100000/slow"
	await 10 [ -s "$T/got/slow.part" ] || not_ok "a swapped directory: it is under way"
	mv "$T/got" "$T/moved" && ln -s outside "$T/got"
	open_gate 1
	end_ipcdemo
	succeeds "a swapped directory"
	equal "a swapped directory: nothing comes through the link" '' "$(names_in "$T/outside")"
	echo '100000 slow' | sums_of >"$T/sums-slow"
	verify "a swapped directory" "$T/moved" "$T/sums-slow"
	rm -r "$T/got" "$T/moved"
}

# ---- disks and descriptors ----

unwritable() {
	if ! become_nobody; then
		skip_part "an unwritable directory: uid 65534 cannot run the program here"
		become_self
		return
	fi
	mkdir "$T/locked" && chmod 555 "$T/locked"
	run_ipcdemo -d "$T/locked" "$GOOD"
	fails "an unwritable directory" 1 'permission denied'
	equal "an unwritable directory stays empty" '' "$(names_in "$T/locked")"
	become_self
}

full_disk() {
	mkdir "$T/small"
	unshare='unshare -m'
	[ "$(id -u)" -eq 0 ] || unshare='unshare -rm'
	if ! $unshare true 2>/dev/null; then
		skip_part "a full disk: a mount namespace is not permitted"
		return
	fi
	# shellcheck disable=SC2016 # expanded by the inner shell
	$unshare sh -c 'mount -t tmpfs -o size=64k none "$1" || exit 99
		"$2" --deadline=30 -- "$3" --retries=0 -d "$1" "$4" "$5"
		status=$?
		ls -A "$1" >"$6"
		exit $status' sh "$T/small" "$HARNESS" "$IPCDEMO" "$ORIGIN/bytes/1000000/big" \
		"$GOOD" "$T/names" >"$T/out" 2>"$T/err" </dev/null 8>&-
	status=$?
	if [ "$status" -eq 99 ]; then
		skip_part "a full disk: mounting a tmpfs is not permitted"
		return
	fi
	how="exit $status"
	fails "a full disk" 1 'no space left'
	equal "a full disk: no part stands under the file's name" '' \
		"$(grep -x big "$T/names")"
}

# Without descriptors 0 to 2 the first pipe would take their place.
closed_descriptors() {
	rm -rf "$T/got"
	(harnessed -d "$T/got" "$GOOD") </dev/null >&- 2>"$T/err" 8>&-
	equal "stdout is closed: exit 0" 0 $?
	verify "stdout is closed" "$T/got" "$T/sums-good"
	rm -rf "$T/got"
	(harnessed -d "$T/got" "$GOOD") <&- >&- 2>&- 8>&-
	equal "stdin, stdout and stderr are closed: exit 0" 0 $?
	verify "stdin, stdout and stderr are closed" "$T/got" "$T/sums-good"
	rm -rf "$T/got"
	(harnessed --progress=json -d "$T/got" "$GOOD") </dev/null >/dev/full 2>"$T/err" 8>&-
	status=$? how=$(cat "$T/how")
	fails "--progress=json into a full device" 1 'no space left'
}

# ---- command lines ----

usage() {
	run_ipcdemo --ipc=pip "$GOOD"
	fails "--ipc=pip" 2 'did you mean.*pipe'
	run_ipcdemo --ipc=nosuch "$GOOD"
	fails "--ipc=nosuch" 2 'nosuch'
	run_ipcdemo -i "$T/no-such-file"
	fails "-i with a file that is not there" 2 'no-such-file.*no such file'
	run_ipcdemo -i "$T"
	fails "-i with a directory" 2 'directory'
	run_ipcdemo --no-such-option "$GOOD"
	fails "an unknown option" 2 'no-such-option'
	run_ipcdemo -j 0 "$GOOD"
	fails "-j 0" 2 'jobs|-j'
	run_ipcdemo -j many "$GOOD"
	fails "-j many" 2 'many'
	run_ipcdemo -o name "$GOOD" "$ORIGIN/bytes/1/other"
	fails "-o with two URLs" 2 'output|-o'
	run_ipcdemo --checksum=sha256=zz "$GOOD"
	fails "--checksum with what is no sum" 2 'checksum|sha256'
}

for_each_backend each
ipc=$(backends | awk '{ print $1; exit }')
odd_origins
lenient_origins
names
existing
links
swapped_directory
unwritable
full_disk
closed_descriptors
usage
finish
