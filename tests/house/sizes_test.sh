#!/bin/sh
# SPDX-License-Identifier: MIT
#
# sizes_test.sh - no file, function or line is longer than a reader can hold.
#
#	file        500 lines in all
#	backend     250 lines of code (its .info is text), 400 in all with card and drawing
#	function    60 lines, 5 parameters (a foreign callback type may ask for more)
#	line        100 columns, tabs of 8
#
# sizes.awk says how each is counted. It is tried first on files that break one limit by one,
# and on files that just keep it.
set -eu

srcdir=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
LC_ALL=C
export LC_ALL
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

die()
{
	echo "sizes: $*" >&2
	exit 1
}

sizes()
{
	awk -v kind="$1" -f "$srcdir/tests/house/sizes.awk" "$2"
}

# lines N TEXT: N lines of TEXT.
lines()
{
	awk -v n="$1" -v text="$2" 'BEGIN { while (n-- > 0) print text }'
}

# function_of N: a function of N lines, signature and braces included.
function_of()
{
	printf 'static int f(int a,\n\t     int b)\n{\n'
	lines $(($1 - 4)) '	a++;'
	echo '}'
}

# expect WORD KIND: standard input must be refused with WORD, or kept if WORD is "kept".
expect()
{
	cat >"$work/seed.c"
	if sizes "$2" "$work/seed.c" >"$work/out"; then
		[ "$1" = kept ] || die "a seeded violation was not seen: $1 ($2)"
	else
		grep -q "$1" "$work/out" || die "expected \"$1\" ($2), got: $(cat "$work/out")"
	fi
}

self_check()
{
	lines 500 'int x;' | expect kept c
	lines 501 'int x;' | expect 'lines in all: 501' c
	lines 501 'echo x' | expect 'lines in all: 501' text
	(lines 250 'int x;' && lines 150 '/* card */') | expect kept backend
	(lines 250 'int x;' && lines 151 '/* card */') | expect 'lines in all: 401' backend
	(lines 250 'int x;' && printf '\t.info = {\n' && lines 9 '.a = 1,' && printf '\t},\n') |
		expect kept backend
	(lines 251 'int x;' && lines 9 '/* c */') | expect 'lines of code: 251' backend
	(echo 'int a; /* a' && lines 250 ' * b' && echo ' */ int c;') | expect kept backend
	function_of 60 | expect kept c
	function_of 61 | expect 'function that ends here: 61' c
	(echo 'int a;' && function_of 60 && echo && function_of 61) |
		expect 'function that ends here: 61' c
	printf 'int f(int a, int (*b)(int, int), int c, int d, int e)\n{\n}\n' | expect kept c
	printf 'int f(int a, int b, int c,\n      int d, int e, int f)\n{\n}\n' |
		expect 'parameters: 6' c
	(echo '/* parameters: of that library */' && echo 'int f(int a, int b,' &&
		printf '\tint c, int d, int e, int f)\n{\n}\n') | expect kept c
	printf '\t\t%084d\n' 0 | expect kept c
	printf '\t\t%085d\n' 0 | expect 'columns: 101' c
	printf ' \t\t%085d\n' 0 | expect 'columns: 101' text
	(printf '%098d' 0 && printf '\303\244\342\224\200\n') | expect kept c
	(printf '%099d' 0 && printf '\303\244\342\224\200\n') | expect 'columns: 101' c
}

# measure KIND FILE...
measure()
{
	kind=$1
	shift
	for file; do
		[ -f "$file" ] || continue
		files=$((files + 1))
		sizes "$kind" "$file" || bad=1
	done
}

self_check

cd "$srcdir"
files=0
bad=0
for file in ipc/*.c; do
	if grep -qE '^(static )?const struct ipc_backend ipc_[a-z0-9_]+ =' "$file"; then
		measure backend "$file"
	else
		measure c "$file"
	fi
done
measure c ipc/*.h ipc/core/*.[ch] src/*.[ch] src/*/*.[ch] src/*/*/*.[ch] tests/*/*.[ch] \
	examples/*.[ch] examples/*.cc examples/*/*.[ch]
measure text bootstrap .ci/run tests/*.sh tests/*/*.sh tests/*/*.awk build-aux/*.awk \
	examples/*.sh configure.ac Makefile.am
[ "$bad" -eq 0 ] || die 'too large, see above'
[ "$files" -gt 20 ] || die "only $files files found in $srcdir"
echo "sizes: $files files are within the limits"
