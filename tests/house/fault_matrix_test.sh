#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119 # shared with lib.sh
# fault_matrix_test.sh - fault_matrix.tsv is right: each of the 45 faults is there once, in order;
# each test is one that `make check` runs, and has the trial; what is to hold over every mechanism
# is tried over every mechanism.
DEADLINE=60
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

matrix=$srcdir/tests/house/fault_matrix.tsv
grep -v '^#' "$matrix" >"$T/matrix"
unset MAKEFLAGS MAKELEVEL MFLAGS
(cd "$abs_top_builddir" && make -s --no-print-directory print-TESTS) | tr ' ' '\n' >"$T/tests"
if grep -qx 'tests/ipc/contract_test' "$T/tests"; then
	"$abs_top_builddir/tests/ipc/contract_test" --list >"$T/trials" 2>"$T/err"
else
	skip_all "built without cmocka"
fi

equal "each fault is there once" "$(seq 45)" "$(cut -f 1 "$T/matrix")"
equal "each line has five fields" '' "$(awk -F '\t' 'NF != 5 || $4 == "" || $5 == ""' "$T/matrix")"

# sources PROGRAM: where its trials are written.
sources() {
	case $1 in
	*.sh) echo "$srcdir/$1" ;;
	tests/ipc/kill_sweep) echo "$srcdir/$1_points.c" ;;
	*) echo "$srcdir/$1.c" ;;
	esac
}

# has_trial PROGRAM TRIAL: it is there, and is called or in the list of what runs.
has_trial() {
	case $1 in
	tests/ipc/contract_test) grep -qF " / $2" "$T/trials" ;;
	*_fuzz) [ -z "$2" ] ;;
	*.sh) [ "$(grep -cE "(^|[^a-z_])$2([^a-z_]|\$)" "$(sources "$1")")" -ge 2 ] &&
		grep -q "^$2() {" "$(sources "$1")" ;;
	*_test) grep -qE "[A-Za-z]\($2[,)]" "$(sources "$1")" &&
		grep -q "^static void $2(" "$(sources "$1")" ;;
	*) grep -qE "(^| )$2\(" "$(sources "$1")" ;;
	esac
}

# covers_all PROGRAM TRIAL: over every mechanism of the registry.
covers_all() {
	case $1 in
	tests/ipc/contract_test) grep -F " / $2" "$T/trials" | cut -d ' ' -f 1 | sort -u |
		cmp -s - "$T/subjects" ;;
	tests/ipc/kill_sweep) true ;;
	*.sh) grep -qE 'for_each_backend|in \$list' "$(sources "$1")" ;;
	*) [ "$2" != "${2%_over_every_mechanism}" ] && grep -q 'over_each(' "$(sources "$1")" ;;
	esac
}
cut -d ' ' -f 1 "$T/trials" | sort -u >"$T/subjects"

while IFS='	' read -r row over fault tests _; do
	echo "$tests" | sed 's/; /\n/g' >"$T/row"
	bad='' all=''
	while IFS=: read -r program trial; do
		grep -qx "$program" "$T/tests" || bad="$bad, make check does not run $program"
		has_trial "$program" "$trial" || bad="$bad, $program has no $trial"
		! covers_all "$program" "$trial" || all=yes
	done <"$T/row"
	[ "$over" != each ] || [ -n "$all" ] || bad="$bad, not over every mechanism"
	equal "$row: $fault" '' "${bad#, }"
done <"$T/matrix"
finish
