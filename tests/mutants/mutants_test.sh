#!/bin/sh
# SPDX-License-Identifier: MIT
#
# mutants_test.sh - a slice of `make mutants`: a few faults whose tests take a moment. One that does
# not apply any more is left out here; make mutants tells of it.
set -eu

here=$(cd "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/mutants" && pwd)
unset MAKEFLAGS MAKELEVEL MFLAGS
cd "${abs_top_builddir:-.}"
if [ "${sanitized:-no}" != no ]; then
	echo 'skip - the faults are tried without the sanitizers'
	exit 77
fi
command -v patch >mutants.out || {
	rm mutants.out
	echo 'skip - there is no patch(1)'
	exit 77
}
sh "$here/run.sh" batch-half-a-checksum filename-hidden memfd-may-shrink part-rename-replaces \
	protocol-seq-not-checked ring-tail-not-checked signal-owner-not-checked sysv-queue-stays \
	url-password-shown waiting-death-drops-records >mutants.out || :
cat mutants.out
sed -n 's/^STALE  */skip - does not apply any more: /p' mutants.out
bad=$(grep -cE '^(SURVIVED|UNSOUND)' mutants.out || :)
caught=$(grep -c '^caught' mutants.out || :)
rm mutants.out
[ "$bad" -eq 0 ] && [ "$caught" -gt 0 ]
