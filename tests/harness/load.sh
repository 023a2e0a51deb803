# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# load.sh - other programs on the machine, for checks that are to hold beside them.

load='' # pids, for who ends it

# begin_load N DIR: N processes that compute and two that write to disk, in DIR.
begin_load() {
	if command -v stress-ng >/dev/null; then
		(cd "$2" && exec stress-ng --quiet --cpu "$1" --io 2) &
		load=$!
		return
	fi
	for _ in $(seq "$1"); do
		sh -c 'while :; do :; done' &
		load="$load $!"
	done
	for _ in 1 2; do
		sh -c 'while :; do echo >"$1"; sync "$1"; done' sh "$2/sync.$_" &
		load="$load $!"
	done
}
