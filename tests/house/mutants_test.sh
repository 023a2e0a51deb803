#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# mutants_test.sh - tests/mutants has at least two faults in each source of ipc/ and of the
# downloader, and each fault names a test that there is.
DEADLINE=60
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# code: the sources, and the headers that are a source in all but name. Without what stands in for
# a library that is missing, as there is no test without it.
code() {
	find ipc src/download -name '*.c' ! -name sandbox_no_calls.c
	ls ipc/core/ring.h ipc/core/rest.h
}

# few DIRECTORY: the files of DIRECTORY's tree with less than two faults, and how many they have.
few() {
	(
		cd "$1" || exit
		sed -n 's|^+++ b/||p' tests/mutants/*.patch
		code | sed 's/^/source /'
	) | awk '
		NF == 1 { faults[$1]++ }
		NF == 2 && faults[$2] < 2 { print faults[$2] + 0 " in " $2 }
	' | sort -k 3
}

# wrong DIRECTORY: faults without a description, or with a test that there is not.
wrong() {
	grep -L '^Fault: .' "$1"/tests/mutants/*.patch
	sed -n 's/^Test: //p' "$1"/tests/mutants/*.patch | tr ' ' '\n' | grep '^tests/' |
		sort -u | while read -r test; do
		[ -f "$1/$test" ] || [ -f "$1/$test.c" ] || echo "$test"
	done
}

equal "two faults in each file" '' "$(few "$srcdir")"
equal "each with a test that there is" '' "$(wrong "$srcdir")"

# Does it see what it is for?
mkdir -p "$T/tree/ipc/core" "$T/tree/src/download" "$T/tree/tests/mutants"
touch "$T/tree/ipc/a.c" "$T/tree/ipc/core/ring.h" "$T/tree/ipc/core/rest.h" \
	"$T/tree/src/download/b.c"
printf 'Fault: x\nTest: X=y tests/none_test\n+++ b/ipc/a.c\n' >"$T/tree/tests/mutants/m.patch"
equal "a seeded lack is named" \
	'1 in ipc/a.c 0 in ipc/core/rest.h 0 in ipc/core/ring.h 0 in src/download/b.c ' \
	"$(few "$T/tree" | tr '\n' ' ')"
equal "a seeded test that is not there is named" 'tests/none_test' "$(wrong "$T/tree")"
finish
