#!/bin/sh
# SPDX-License-Identifier: MIT
#
# analyse.sh - `make analyse`: what gcc -fanalyzer, clang-tidy (.clang-tidy says which checks) and
# cppcheck say of ipc/ and src/, and valgrind of the unit tests, open descriptors included. Runs in
# a build directory, each tool over all of it.
#
# exempt.tsv holds what is no fault: the tool, the file, the name of its check, how often, and why.
# More of it, less of it, or anything else is a failure, and is shown as the tool has said it.
#
# ANALYSE_ONLY="gcc tidy ...": only these tools.
set -eu
LC_ALL=C
export LC_ALL

variable()
{
	make -s --no-print-directory "print-$1"
}

# sources: each file that this build compiles.
sources()
{
	make -s --no-print-directory print-ipcdemo_OBJECTS print-libapp_a_OBJECTS \
		print-libipc_a_OBJECTS | tr ' ' '\n' |
		sed -n "s|\(.*\)\.o\$|$srcdir/\1.c|p" | sort -u
}

run_gcc()
{
	# shellcheck disable=SC2086 # words
	sources | xargs -P "$jobs" -n 1 $COMPILE -fanalyzer -Wno-error -c -S -o /dev/null 2>&1 || :
}

run_tidy()
{
	# shellcheck disable=SC2086 # words
	sources | xargs -P "$jobs" -I FILE clang-tidy --quiet FILE -- ${COMPILE#* } -w \
		2>/dev/null || :
}

run_cppcheck()
{
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		-j "$jobs" -D_GNU_SOURCE -I "$srcdir" -I "$srcdir/src" -I . \
		--include="$srcdir/build-aux/cppcheck.h" --suppress=missingIncludeSystem \
		--suppress=wrongPrintfScanfArgNum \
		--template='{file}:{line}:{column}: warning: {message} [{id}]' \
		"$srcdir/ipc" "$srcdir/src" 2>&1
}

# A test's descriptors at its end, and what memcheck says. Children are not looked at.
valgrind_one()
{
	log=$(mktemp)
	status=0
	timeout 600 valgrind --quiet --error-exitcode=99 --track-fds=yes --leak-check=full \
		--child-silent-after-fork=yes --log-file="$log" "$1" >"$log.out" 2>&1 || status=$?
	case $status in
	0 | 77) ;;
	99) echo "$srcdir/$1.c:1:1: warning: memcheck [memcheck]" && cat "$log" ;;
	*) echo "$srcdir/$1.c:1:1: warning: status $status [status]" && tail -n 5 "$log.out" ;;
	esac
	# Not what it has inherited: that has no place where it was opened.
	grep -A 1 'Open .* descriptor ' "$log" | grep ' at ' | while read -r _; do
		echo "$srcdir/$1.c:1:1: warning: a descriptor stays open [fds]"
	done
	rm -f "$log" "$log.out"
}

run_valgrind()
{
	variable UNIT_TESTS | tr ' ' '\n' | grep -vE 'soak|stream_test|^$' |
		xargs -P "$jobs" -n 1 sh "$0" --valgrind
}

# findings TOOL: of what it has said, the lines that are findings, as exempt.tsv has them.
findings()
{
	sed -n "s|^$srcdir/\([^:]*\):[0-9:]*: [a-z]*: .* \[\([^ ]*\)\]\$|\1	\2|p" \
		"$1.out" | sort | uniq -c | sed "s/^ *\([0-9]*\) \(.*\)/$1	\2	\1/"
}

srcdir=$(cd "${abs_top_srcdir:-$(dirname "$0")/../..}" && pwd)
abs_top_srcdir=$srcdir
export abs_top_srcdir
if [ "${1:-}" = --valgrind ]; then
	valgrind_one "$2"
	exit
fi
jobs=$(nproc)
COMPILE=$(variable COMPILE)
mkdir -p analyse
bad=0
for tool in ${ANALYSE_ONLY:-gcc tidy cppcheck valgrind}; do
	(cd . && "run_$tool") >"analyse/$tool.out"
	(cd analyse && findings "$tool") >"analyse/$tool.found"
	grep "^$tool	" "$srcdir/tests/analyse/exempt.tsv" | cut -f 1-4 \
		>"analyse/$tool.exempt" || :
	echo "$tool: $(awk -F '\t' '{ n += $4 } END { print n + 0 }' "analyse/$tool.found")" \
		"findings, $(awk -F '\t' '{ n += $4 } END { print n + 0 }' \
			"analyse/$tool.exempt") of them are none"
	if ! diff "analyse/$tool.exempt" "analyse/$tool.found" >"analyse/$tool.diff"; then
		bad=1
		sed -n 's/^</  exempt, but not found: /p; s/^>/  found: /p' "analyse/$tool.diff"
	fi
done
[ "$bad" -eq 0 ] || echo 'analyse: what the tools said is in analyse/TOOL.out'
exit $bad
