#!/bin/sh
# SPDX-License-Identifier: MIT
#
# nobody_test.sh - the contract and the kills again, as an ordinary user.
#
# Root is exempt from much: pipe-user-pages-soft, RLIMIT_NPROC, permissions. So the same programs
# run as uid 65534, from a copy in a place that it can read. Not root: they are that already.
set -eu

builddir=${builddir:-$(cd "$(dirname "$0")/.." && pwd)}
LC_ALL=C
export LC_ALL

if [ "$(id -u)" -ne 0 ]; then
	echo 'nobody: not root, so contract_test and kill_sweep were run as an ordinary user already'
	exit 77
fi
command -v setpriv >/dev/null || {
	echo 'nobody: setpriv is missing (Debian: apt-get install util-linux)'
	exit 77
}

work=$(mktemp -d /tmp/nobody.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$work"

# ran PROGRAM [ARGUMENT...]: as nobody, in a directory of nobody's.
ran()
{
	program=$1
	shift
	[ -x "$builddir/tests/$program" ] || return 0 # left out of this build
	install -m 755 "$builddir/tests/$program" "$work/$program"
	(cd "$work" && setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
		timeout --kill-after=5 280 "./$program" "$@") >"$work/log" 2>&1 || {
		grep -vE '^\[ (RUN|      OK)' "$work/log" | tail -n 40
		echo "nobody: $program failed as uid 65534" >&2
		exit 1
	}
	tail -n 1 "$work/log"
	count=$((count + 1))
}

count=0
ran contract_test
ran kill_sweep
[ "$count" -gt 0 ] || {
	echo 'nobody: neither program is in this build'
	exit 77
}
