#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2086 # shared with lib.sh; words are meant
# columns_test.sh - what a command prints fits into the 80 columns that it is printed for where it
# goes to no terminal, in each language: every page, table and note, with every column.
DEADLINE=280
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
RUN_DEADLINE=120
# In bytes, it would be 3.
[ "$(printf '\344\275\240\n' | LC_ALL=C.UTF-8 wc -L)" -eq 2 ] || skip_all "wc -L counts no columns"
languages='C'
[ ! -f "$abs_top_builddir/locale/zh_CN/LC_MESSAGES/ipcdemo.mo" ] || languages='C zh_CN'

# fits ARGUMENT...
fits() {
	for language in $languages; do
		run_as="env LC_ALL=C.UTF-8 LANGUAGE=$language"
		run_ipcdemo "$@"
		one_of "$language, $*: exit status" "$status" 0 1 3
		is_true "$language, $*: says something" test -s "$T/out"
		widest=$(LC_ALL=C.UTF-8 wc -L <"$T/out")
		[ "$widest" -le 80 ] || note_file "$T/out"
		is_true "$language, $*: $widest columns, at most 80" test "$widest" -le 80
	done
}

for command in '' list bench compare choose explain; do
	fits $command --help
done
fits list
for name in $(usable_backends) process thread fork spawn pool queue sandbox; do
	fits explain "$name"
done
fits choose
fits choose --record=4K --see-end --survive-crash --untrusted-peer --cross-host
fits choose --measure --pass-fd

short='--rounds=1 --count=20 --warmup=5 -q --ipc=pipe,shm'
fits bench $short --floor --wait=block,poll,spin,adaptive --place=same,cross
fits bench $short --mode=latency,throughput,oneway --size=16,1K --depth=0,16 --place=all --floor
fits bench $short --mode=throughput --senders=1,3 --batch=1,32 --size=16,1K --floor
short='--rounds=1 --time=2 --warmup=5 -q --ipc=pipe,shm'
fits bench $short --rate=1000 --mode=latency,oneway --size=16,1K
fits bench $short --rate=100000000 --mode=latency,oneway --size=16,1K --depth=0,16 --floor
fits bench $short --find-rate --p99=1s --depth=0,16 --place=same
fits bench $short --find-rate --p99=1ns
fits bench --rounds=1 -q --mode=download --ipc=pipe
fits bench --rounds=1 --count=1 -q --mode=start --ipc=pipe

for n in 1 2; do
	run_ipcdemo bench --rounds=6 --count=20 --warmup=5 -q --ipc=pipe,unix,shm --batch=32 \
		--mode=latency,throughput --depth=64 --place=same --floor --format=json \
		--output="$T/run.$n"
done
fits compare "$T/run.1" "$T/run.2"
# Rows that differ, with figures of any size.
if command -v jq >"$T/which"; then
	jq '.results[] |= (if .round_floor_ratio then
		.round_floor_ratio |= map(. * 12345) else . end)' "$T/run.2" >"$T/run.3"
	fits compare "$T/run.1" "$T/run.3"
	jq 'del(.results[].round_floor_ratio)' "$T/run.1" >"$T/run.4"
	jq '.results[] |= (del(.round_floor_ratio) | if .round_p50_ns then
		.round_p50_ns |= map(. * 1234567) else . end)' "$T/run.2" >"$T/run.5"
	fits compare "$T/run.4" "$T/run.5"
fi
languages=C
fits bench $short --ipc=all --place=same --wait=block
finish
