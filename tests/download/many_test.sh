#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# many_test.sh - 2,000 small files over a mechanism of each group, and one of 1 GiB. (Every
# mechanism carries hundreds of files in download_test.sh, and millions of records in tests/ipc.)
DEADLINE=400
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

GIB=1073741824

start_origin
awk 'BEGIN { for (i = 0; i < 2000; i++) printf "%d f%04d\n", 1 + i * 7 % 4096, i }' >"$T/list"
sums_of <"$T/list" >"$T/sums" || exit 1
awk -v base="$ORIGIN" '{ print base "/bytes/" $1 "/" $2 }' "$T/list" >"$T/urls"

each() {
	run_ipcdemo --ipc="$ipc" -j 8 -i "$T/urls" -d "$T/got"
	succeeds "$ipc: 2,000 files"
	verify "$ipc: 2,000 files" "$T/got" "$T/sums"
	rm -rf "$T/got"
}

# Each job by a process of its own, as in the classic tutorial.
recycled() {
	head -n 100 "$T/urls" >"$T/urls-100"
	head -n 100 "$T/sums" >"$T/sums-100"
	run_ipcdemo --recycle=1 -j 4 -i "$T/urls-100" -d "$T/got"
	succeeds "--recycle=1: 100 files by 100 processes"
	verify "--recycle=1: 100 files by 100 processes" "$T/got" "$T/sums-100"
	rm -rf "$T/got"
}

# room DIR: free bytes.
room() {
	df -P -B 1 "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'
}

# In memory where there is room: a disk would only make it slow. 1 GiB is beyond 2^30 - 1, and its
# sum of counters beyond what 32 bits of a careless progress record would hold in bits.
one_gib() {
	if [ "$(room /dev/shm)" -gt $((GIB + GIB / 4)) ] 2>/dev/null; then
		extra_dir=$(mktemp -d /dev/shm/ipcdemo-test.XXXXXX) || exit 1
	else
		skip_part "1 GiB: /dev/shm has no room for it"
		return
	fi
	echo "$GIB big.bin" | sums_of >"$T/sums-big"
	run_ipcdemo -d "$extra_dir" "$ORIGIN/bytes/$GIB/big.bin"
	succeeds "1 GiB"
	verify "1 GiB" "$extra_dir" "$T/sums-big"
}

FEW=yes
for_each_backend each
recycled
one_gib
finish
