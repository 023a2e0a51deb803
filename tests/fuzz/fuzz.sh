#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fuzz.sh - `make fuzz`: builds the libraries with clang's sanitizers and counters into fuzz/ and
# runs each target, or those of FUZZ_ONLY, for FUZZ_SECONDS (60). What it finds stays in fuzz/NAME/;
# an input that crashes is named, and belongs into tests/fuzz/corpus/NAME/ with the mend.
set -eu

srcdir=$(cd "${abs_top_srcdir:-.}" && pwd)
seconds=${FUZZ_SECONDS:-60}
flags='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'
mkdir -p fuzz
cd fuzz
[ -f config.status ] ||
	"$srcdir/configure" CC=clang CFLAGS="$flags" >configure.log
make -s -j "$(nproc)" libipc.a libapp.a >build.log 2>&1 || {
	tail build.log
	exit 1
}
libs=$(sed -n 's/^[A-Z]*_LIBS = //p' Makefile | tr '\n' ' ')
bad=0
for target in ${FUZZ_ONLY:-$(cd "$srcdir/tests/fuzz" && ls ./*_fuzz.c)}; do
	name=$(basename "$target" _fuzz.c)
	mkdir -p "$name"
	# shellcheck disable=SC2086 # options are words
	clang $flags -fsanitize=fuzzer -std=gnu11 -D_GNU_SOURCE -DHAVE_CONFIG_H -I . -I "$srcdir" \
		-I "$srcdir/src" \
		-o "$name/fuzz" "$srcdir/tests/fuzz/${name}_fuzz.c" libapp.a libipc.a $libs
	if "$name/fuzz" -max_total_time="$seconds" -timeout=10 -detect_leaks=0 \
		-print_final_stats=1 -artifact_prefix="$name/" "$name" \
		"$srcdir/tests/fuzz/corpus/$name" \
		>"$name.log" 2>&1; then
		echo "$name: $(sed -n 's/^stat::number_of_executed_units: //p' "$name.log") runs," \
			"$(grep -o 'cov: [0-9]*' "$name.log" | tail -n 1)"
	else
		bad=1
		echo "$name: FAILED"
		tail -n 25 "$name.log"
	fi
done
exit $bad
