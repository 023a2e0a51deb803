#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154 # shared with lib.sh
# add_mechanism_test.sh - ipc/README.md's worked example, carried out in a copy of the tree: the
# template under a new name and one line in Makefile.am make one more mechanism, which the contract
# tests pass, and which list, explain, --help, the benchmark and the downloader know.
DEADLINE=280
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

[ "$sanitized" = no ] || skip_all "how it was built does not matter here"
for tool in autoreconf jq tar; do
	command -v $tool >/dev/null || skip_all "there is no $tool"
done
[ -f "$srcdir/configure.ac" ] && [ -f "$abs_top_builddir/config.status" ] ||
	skip_all "there is no tree to copy"
unset MAKEFLAGS MFLAGS MAKELEVEL GNUMAKEFLAGS

# step WHAT COMMAND...
step() {
	what=$1
	shift
	"$@" >"$T/step.log" 2>&1 && ok "$what" && return
	not_ok "$what"
	note_file "$T/step.log"
	finish
}

# The sources, and what is compiled of them: only what changes is compiled again.
tree=$T/tree
mkdir "$tree"
copy() {
	(cd "$srcdir" && tar -cf - --exclude=./build --exclude=./.git --exclude='./ipcdemo-*' .) |
		tar -xf - -C "$tree" &&
		chmod -R u+w "$tree" &&
		mkdir "$tree/build"
}
step "the tree is copied" copy

# The worked example itself: a file and a line.
sed -e 's/skeleton/mailbox/g; s/SKELETON/MAILBOX/g' \
	-e '/^extern const struct ipc_backend/,/^$/d' \
	"$srcdir/ipc/skeleton.c" >"$tree/ipc/mailbox.c"
sed -i 's,^\(	ipc/pipe\.c \\\)$,\1\n	ipc/mailbox.c \\,' "$tree/Makefile.am"
equal "one line more" 1 "$(($(wc -l <"$tree/Makefile.am") - $(wc -l <"$srcdir/Makefile.am")))"

step "autoreconf" sh -c "cd '$tree' && autoreconf -fi"
options=$("$abs_top_builddir/config.status" --config)
step "configure" sh -c "cd '$tree/build' && ../configure $options CFLAGS=-O0"
mailbox=$tree/build/ipcdemo
step "make" make -C "$tree/build" -j "$(nproc)" ipcdemo tests/ipc/contract_test

equal "list knows it, behind pipe" 'pipe mailbox' \
	"$("$mailbox" list --json | jq -r '[.mechanisms[].name][:2] | join(" ")')"
is_true "explain has its card" sh -c "'$mailbox' explain mailbox | grep -q '^mailbox.c - '"
is_true "--help names it" sh -c "'$mailbox' --help | tr -s ' \n' ' ' | grep -q 'pipe, mailbox,'"
IPCDEMO=$mailbox run_program=$mailbox
run_ipcdemo --ipc=mailbox --demo-seconds=0.05-0.1 --progress=none
succeeds "the downloader runs over it"
run_ipcdemo bench --ipc=mailbox --wait=block --place=same --rounds=1 -n 50 --format=csv -q \
	--output="$T/csv"
succeeds "bench measures it"
is_true "with a row" grep -q '^mailbox,\|,mailbox,\|"mailbox"' "$T/csv"
CONTRACT_ONLY=mailbox: "$tree/build/tests/ipc/contract_test" >"$T/contract" 2>&1
equal "the contract tests pass" 0 $?
matches "they were run over it" 'contract: [1-9][0-9]* trials of .*, 0 failed' "$T/contract"
for test in cards layers; do
	if [ $test = layers ]; then
		step "libapp.a" make -C "$tree/build" libapp.a
	fi
	step "${test}_test has nothing against it" env abs_top_srcdir="$tree" \
		abs_top_builddir="$tree/build" sh "$tree/tests/house/${test}_test.sh"
done
finish
