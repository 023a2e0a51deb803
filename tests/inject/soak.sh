#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# soak.sh - `make soak HOURS=8`: one parent over each mechanism in turn downloads for its share of
# that time, while workers are killed, stopped and continued at random and stress-ng, where it is
# there, uses signals, pipes and shared memory. Every few seconds the parent's memory and
# descriptors and the machine's IPC objects are counted; at the end the slope of each is told.
# Memory may grow by 64 KiB from the end of the warm-up, the first quarter; the others not at all.
HOURS=${HOURS:-8}
DEADLINE=$(awk "BEGIN { print int($HOURS * 3600 + 3600) }")
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=$DEADLINE
GROWTH_KIB=64
start_origin
list=$(backends)
count=$(echo "$list" | wc -w)
share=$(awk "BEGIN { s = int($HOURS * 3600 / $count); print s < 8 ? 8 : s }")
every=$((share > 200 ? 10 : 1))

stress=''
# Its own objects are not ours to count.
if command -v stress-ng >/dev/null && unshare -im true 2>/dev/null; then
	unshare -im sh -c 'mount -t tmpfs none /dev/shm && exec stress-ng --quiet --sigq 1 \
		--pipe 1 --shm 1 --shm-bytes 1m' >"$T/stress" 2>&1 8>&- &
	stress=$!
else
	note "without stress-ng: it is missing, or namespaces are not permitted"
fi

random() {
	od -An -N4 -tu4 /dev/urandom | tr -d ' '
}

# disturb: something happens to one of the workers.
disturb() {
	# shellcheck disable=SC2046 # pids are words
	set -- $(children_of "$ipcdemo_pid")
	[ $# -gt 0 ] || return
	shift $(($(random) % $#))
	if [ $(($(random) % 3)) -gt 0 ]; then
		kill -s KILL "$1" 2>/dev/null
		kills=$((kills + 1))
	else
		kill -s STOP "$1" 2>/dev/null
		sleep 0.2
		kill -s CONT "$1" 2>/dev/null
		stops=$((stops + 1))
	fi
}

# sample SECOND: one line of memory (KiB), descriptors, IPC objects, defunct children.
sample() {
	echo "$1 $(awk '/^VmRSS/ { print $2 }' "/proc/$ipcdemo_pid/status")" \
		"$(find "/proc/$ipcdemo_pid/fd" -mindepth 1 2>/dev/null | wc -l)" \
		"$(($(find /dev/shm /dev/mqueue -mindepth 1 -name 'ipcdemo*' 2>/dev/null | wc -l) +
			$(tail -n +2 /proc/sysvipc/msg | wc -l)))"
}

# Reads samples. Prints for each column what it was after the warm-up, at the end, and its slope in
# an hour; then the growth of the medians of both halves.
slopes() {
	awk -v warm=$((share / 4)) '
		function median(c, from, to,   i, j, v, n, t) {
			n = 0
			for (i = from; i <= to; i++) v[n++] = x[i, c]
			for (i = 1; i < n; i++)
				for (j = i; j > 0 && v[j] < v[j - 1]; j--) {
					t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
				}
			return v[int(n / 2)]
		}
		$1 >= warm && NF == 4 { n++; for (c = 1; c <= 4; c++) x[n, c] = $c }
		END {
			for (c = 2; c <= 4 && n > 3; c++) {
				st = sx = sxx = stx = 0
				for (i = 1; i <= n; i++) {
					st += x[i, 1]; sx += x[i, c]
					sxx += x[i, 1] ^ 2; stx += x[i, 1] * x[i, c]
				}
				d = n * sxx - st ^ 2
				printf "%d %d %.1f ", median(c, 1, int(n / 2)), \
					median(c, int(n / 2) + 1, n), \
					d ? 3600 * (n * stx - st * sx) / d : 0
			}
		}' "$1"
}

# Descriptors go up and down with the workers, so it is medians that are compared.
each() {
	awk -v base="$ORIGIN" -v n=$((share * 40)) 'BEGIN {
		for (i = 0; i < n; i++) print base "/fault/slow/20000/8000/f" i }' >"$T/urls"
	rm -rf "$T/got"
	kills=0 stops=0
	start_ipcdemo --ipc="$ipc" -j 8 -q --retries=9 -d "$T/got" -i "$T/urls"
	await 20 [ -d "$T/got" ] || not_ok "$ipc: it begins"
	begun=$(date +%s)
	: >"$T/samples"
	while now=$(($(date +%s) - begun)) && [ $now -lt "$share" ] && alive "$ipcdemo_pid"; do
		disturb
		[ $((now % every)) -ne 0 ] || sample $now >>"$T/samples"
		sleep 0.3
	done
	kill -s INT "$ipcdemo_pid"
	end_ipcdemo
	equal "$ipc: ends by SIGINT" "signal 2" "$how"
	find "$T/got" -name '*.part' -delete
	equal "$ipc: files of another size" '' "$(find "$T/got" -type f ! -size 8000c | head -n 3)"
	# shellcheck disable=SC2046 # figures are words
	set -- $(slopes "$T/samples")
	note "$ipc: $share s, $(find "$T/got" -type f | wc -l) files, $kills kills, $stops stops:" \
		"memory $1 to $2 KiB ($3 KiB/h), descriptors $4 to $5 ($6/h), objects $7 to $8"
	is_true "$ipc: memory is flat" [ $(($2 - $1)) -le $GROWTH_KIB ]
	is_true "$ipc: descriptors are flat" [ $(($5 - $4)) -le 2 ]
	equal "$ipc: objects are flat" "$7" "$8"
}

for_each_backend each
[ -z "$stress" ] || { kill "$stress" && wait "$stress" 2>/dev/null; }
finish
