#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154 # shared with lib.sh
# add_mechanism_test.sh - ipc/README.md's worked example, carried out: in a copy of this tree and of
# its build the template becomes ipc/mailbox.c, Makefile.am gets its line, and nothing else is
# touched. The program, the contract's rules and the house's own checks must then know it. Only what
# changes is compiled again.
DEADLINE=280
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

unset MAKEFLAGS MFLAGS MAKELEVEL GNUMAKEFLAGS
[ "${sanitized:-no}" = no ] || skip_all "how it was built does not matter here"
[ -f "$abs_top_builddir/config.status" ] || skip_all "there is no build to copy"
up=$(sed -n 's/^srcdir = //p' "$abs_top_builddir/Makefile")
case $up in
.. | ../.. | ../../..) ;;
*) skip_all "the build is not in a directory below the source tree" ;;
esac
automake=$(sed -n 's/^AUTOMAKE = .* //p' "$abs_top_builddir/Makefile")
command -v "$automake" >/dev/null || skip_all "$automake is missing, which reads the line"

tree=$T/tree
build=$tree/build
case $up in
../..) build=$tree/build/sub ;;
../../..) build=$tree/build/sub/sub ;;
esac

# Times are kept, so that make finds done what is done.
copy() {
	mkdir -p "$build" &&
		(cd "$srcdir" && tar -cf - --exclude=./.git --exclude=./build \
			--exclude='./ipcdemo-*' .) | tar -xpf - -C "$tree" &&
		(cd "$abs_top_builddir" && tar -cf - --exclude='*_test' --exclude='*.log' \
			--exclude='./ipcdemo-*' --exclude=./check .) |
			tar -xpf - -C "$build" &&
		chmod -R u+w "$tree"
}

# What CONTRIBUTING asks for, and no more.
add_mechanism() {
	sed -e '/^ \* Copy this file to/,/^ \*$/d' -e '/^extern const/,/^$/d' \
		-e 's/skeleton/mailbox/g; s/SKELETON/MAILBOX/g' \
		"$srcdir/ipc/skeleton.c" >"$tree/ipc/mailbox.c"
	sed 's|^\(.*\)ipc/pipe\.c \\$|&\n\1ipc/mailbox.c \\|' "$srcdir/Makefile.am" \
		>"$tree/Makefile.am"
}

# The house's check NAME, over the copy.
house() {
	abs_top_srcdir=$tree abs_top_builddir=$build IPCDEMO=$build/ipcdemo \
		sh "$tree/tests/$1.sh" >"$T/house" 2>&1
	status=$?
	[ "$status" -eq 77 ] || equal "$1 passes with it" 0 "$status" ||
		grep -A 4 -e '^not ok' -e ': ' "$T/house" | head -n 40 | sed 's/^/#   /'
}

is_true "copied the tree and its build" copy || finish
add_mechanism
equal "one line was added" 1 \
	"$(diff "$srcdir/Makefile.am" "$tree/Makefile.am" | grep -c '^>')"
# By itself make would ask a script of the tree that was configured, which may be out of our reach.
make="make AUTOMAKE=$automake"
if ! (cd "$build" && $make ipcdemo && $make tests/ipc/contract_test) >"$T/make" 2>&1; then
	not_ok "it builds"
	note_file "$T/make"
	finish
fi
ok "it builds"

run() {
	"$build/ipcdemo" "$@" >"$T/out" 2>"$T/err"
	equal "ipcdemo $*: exit status" 0 $? || note_file "$T/err"
}

"$build/ipcdemo" --help | tr -s ' \n' ' ' >"$T/help"
matches "--help names it, behind pipe" 'pipe, mailbox,' "$T/help"
run list
matches "list knows it" '^  mailbox +template ' "$T/out"
run explain mailbox
matches "explain shows its card" '^Mechanism: an anonymous shared mapping' "$T/out"
equal "and sends nobody to an example that is not there" 0 "$(grep -c examples/mailbox "$T/out")"
run bench --ipc=mailbox --floor --place=same --wait=block --count=10 --rounds=1 --format=json
matches "the benchmark measures it" '"backend": *"mailbox"' "$T/out"
matches "and says that it has no floor" 'no floor is known' "$T/out"
run --ipc=mailbox --demo-seconds=0-0 --progress=none

# A sample of the rules: contract_test runs all of them for the template itself.
for rules in information order fairness 'a sender is killed'; do
	(cd "$build" && CONTRACT_ONLY="mailbox:$rules" tests/ipc/contract_test) >"$T/contract" 2>&1
	equal "the contract: $rules" 0 $? || note_file "$T/contract"
	matches "and that was run for it" '^contract: [1-9][0-9]* trials' "$T/contract"
done
house house/cards_test
house house/layers_test
if grep -q '^IPC_MISSING' "$build/ipc/core/backends.inc"; then
	skip_part "its row in README.md: this build lacks a mechanism, and so would the table"
else
	abs_top_srcdir=$tree abs_top_builddir=$build IPCDEMO=$build/ipcdemo \
		sh "$tree/tests/house/matrix_test.sh" refresh >/dev/null 2>&1
	matches "its row is printed into README.md" '^\| `mailbox` ' "$tree/README.md"
fi
finish
