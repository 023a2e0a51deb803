#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# download_test.sh - every mechanism fetches many small and some large files, from nginx and from
# our own origin, and every byte is right.
DEADLINE=240
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# 200 small files of 0 to 39,800 bytes, and three of some MB: several blocks, whole ones and not.
awk 'BEGIN { for (i = 0; i < 200; i++) printf "%d small-%03d.bin\n", i * 200, i }' >"$T/list"
cat >>"$T/list" <<-END
	8388608 large-8MiB.bin
	10000019 large-prime.bin
	16777215 large-16MiB-less-1.bin
END
make_files "$T/www" <"$T/list" >"$T/sums" || exit 1

start_origin 'Python从入门到放弃.pdf' 300000 0.4 图解算法.pdf 200000 0.3

# urls BASE: a URL for each name of the list.
origin_urls() {
	awk -v base="$ORIGIN" '{ print base "/bytes/" $1 "/" $2 }' "$T/list"
}
nginx_urls() {
	awk -v base="$NGINX" '{ print base "/" $2 }' "$T/list"
}

# from SERVER: the whole list over $ipc.
from() {
	"$1_urls" >"$T/urls"
	run_ipcdemo --ipc="$ipc" -j 4 -i "$T/urls" -d "$T/got"
	succeeds "$ipc: 203 files from $1"
	verify "$ipc: 203 files from $1" "$T/got" "$T/sums"
	rm -rf "$T/got"
}

each() {
	from origin
	if [ -n "${NGINX:-}" ]; then
		from nginx
	fi
}

# The lines that -i takes: comments, blank lines, out=, sha256=; and from standard input.
input_file() {
	sum=$(grep ' small-100.bin$' "$T/sums" | cut -d ' ' -f 1)
	mkdir "$T/got"
	cat >"$T/urls" <<-END
		# a comment

		$ORIGIN/bytes/20000/small-100.bin out=renamed sha256=$sum
		$ORIGIN/bytes/3/b?query=1&x=/y#fragment
	END
	(harnessed -i - -d "$T/got") <"$T/urls" >"$T/out" 2>"$T/err" 8>&-
	status=$?
	check_run
	succeeds "-i - with comments, out= and sha256="
	equal "the names follow from out= and from the URL's path" \
		"b renamed" "$(names_in "$T/got" | tr '\n' ' ' | sed 's/ $//')"
	equal "the renamed file is right" "$sum" "$(sum_of "$T/got/renamed")"
	rm -rf "$T/got"
}

# A wrong sum fails the job, and the file is not there.
checksum() {
	sum=$(grep ' small-100.bin$' "$T/sums" | cut -d ' ' -f 1)
	run_ipcdemo --checksum="sha256=$sum" -o "sum-right" -d "$T/got" \
		"$ORIGIN/bytes/20000/small-100.bin"
	succeeds "--checksum, the sum is right"
	run_ipcdemo --checksum="sha256=$sum" --retries=0 -o "sum-wrong" -d "$T/got" \
		"$ORIGIN/bytes/20000/small-101.bin"
	fails "--checksum, the sum is wrong" 1 'checksum|sha-?256'
	equal "only the file with the right sum is there" sum-right "$(names_in "$T/got")"
	rm -rf "$T/got"
}

# The tutorial's two files, paced, by their percent-encoded names.
utf8() {
	printf '300000 Python从入门到放弃.pdf\n200000 图解算法.pdf\n' | sums_of >"$T/utf8"
	run_ipcdemo -d "$T/got" \
		"$ORIGIN/Python%E4%BB%8E%E5%85%A5%E9%97%A8%E5%88%B0%E6%94%BE%E5%BC%83.pdf" \
		"$ORIGIN/%E5%9B%BE%E8%A7%A3%E7%AE%97%E6%B3%95.pdf"
	succeeds "names in UTF-8"
	verify "names in UTF-8" "$T/got" "$T/utf8"
	rm -rf "$T/got"
}

FEW='' # each mechanism has a whole run here, whoever runs it and however it was built
start_nginx "$T/www" || skip_part "no nginx here (looked in PATH, /usr/sbin and build/tools)"
for_each_backend each
input_file
checksum
utf8
finish
