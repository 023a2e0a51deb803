#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# interrupt_test.sh - a file that arrives although everything breaks in turn, in random order and at
# random places: a worker is killed, the parent is killed, the network goes away, the user types
# Ctrl-C, the server is started anew. The file is right at the end, and what it cost is counted by
# the kernel: every byte that crossed the network, requests, headers and acknowledgements included.
#
#	SIZE (bytes), RATE (bytes a second) while things break, UNTIL (bytes), SEED
#	MOST (bytes in all, in hundredths of SIZE)
#
# Things break before the first UNTIL bytes are there. The rest is so long at that rate that a test
# which gets no CPU for half a minute still finds a run to interrupt; in the end the server comes
# back without a pace.
#
# `make interrupt` does it with 1 GiB. It has a network of its own, so that it can be cut.
DEADLINE=600
if [ -z "${IN_NET:-}" ]; then
	[ "$(id -u)" -eq 0 ] || own=-r
	# shellcheck disable=SC2086 # one word or none
	IN_NET=1 unshare --net ${own:-} sh -c 'ip link set lo up' 2>/dev/null || {
		echo "skip - a network of its own is not permitted, or there is no ip(8)"
		exit 77
	}
	# shellcheck disable=SC2086,SC2016 # expanded by the inner shell
	IN_NET=1 exec unshare --net ${own:-} sh -c 'ip link set lo up; exec sh "$0" "$@"' "$0" "$@"
fi
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

SIZE=${SIZE:-20000000}
RATE=${RATE:-500000}
UNTIL=${UNTIL:-2500000}
MOST=${MOST:-130} # of a small file, what a busy machine leaves in a dead socket is not little
SEED=${SEED:-$$}
RUN_DEADLINE=300

# A pace: what waits in the sockets' buffers when one is cut is then little.
pace=$RATE
nginx_http() {
	echo "limit_rate $pace; send_timeout 2s; reset_timedout_connection on;"
}

network_bytes() {
	awk '/ lo:/ { print $2 }' /proc/net/dev
}

part_size() {
	stat -c %s "$T/got/file.part" 2>/dev/null || echo 0
}

part_beyond() {
	[ "$(part_size)" -gt "$1" ]
}

# A run, and its first bytes: before them, a server that is away for a moment is one that is not
# there, and the run may end.
begin_run() {
	size=$(part_size)
	start_ipcdemo --ipc="$ipc" --progress=plain --exists=resume --stall-timeout=2 -d "$T/got" \
		"$NGINX/file"
	await 20 part_beyond "$size" || not_ok "the run has gone on from $size bytes"
}

says_retry() {
	grep -qE 'next try|trying again' "$T/err"
}

# ---- what may break ----

kill_worker() {
	kill -KILL "$(children_of "$ipcdemo_pid")"
}

kill_parent() {
	kill -KILL "$ipcdemo_pid"
	end_ipcdemo
	begin_run
}

ctrl_c() {
	kill -INT "$ipcdemo_pid"
	end_ipcdemo
	equal "Ctrl-C: ends by SIGINT" "signal 2" "$how"
	begin_run
}

cut_network() {
	: >"$T/err"
	ip link set lo down
	await 20 says_retry || not_ok "a cut network is noticed"
	ip link set lo up
}

restart_server() {
	stop_nginx
	nginx_config "$T/served" >"$T/nginx/conf"
	"$nginx" -e "$T/nginx/error.log" -p "$T/nginx" -c "$T/nginx/conf" </dev/null \
		>"$T/nginx/out" 2>&1 8>&- &
	nginx_pid=$!
	"$ORIGIN_TOOL" --wait "$port" "/ready-$$" || not_ok "the server starts anew"
}

find_nginx || skip_all "no nginx"
echo "$SIZE file" | make_files "$T/served" >"$T/sums"
start_nginx "$T/served"
ipc=${IPC_LIST:-unix}
# Each line: at which byte, and what breaks there.
printf '%s\n' kill_worker kill_parent cut_network ctrl_c restart_server |
	awk -v seed="$SEED" -v until="$UNTIL" '
		BEGIN { srand(seed) }
		{ what[NR] = $0 }
		END { for (i = 1; i <= NR; i++) { # a shuffle, and a place in each sixth
			j = i + int(rand() * (NR - i + 1)); t = what[i]; what[i] = what[j]
			what[j] = t
			at = until * (i - 0.5 + rand() * 0.8) / (NR + 1)
			printf "%d %s\n", at, what[i] } }' \
		>"$T/plan"
note "seed $SEED: $(paste -sd ' ' "$T/plan")"
before=$(network_bytes)
begin_run
while read -r at what; do
	await 120 part_beyond "$at" || not_ok "$what: there are $at bytes"
	$what
done <"$T/plan"
pace=0
restart_server
end_ipcdemo
equal "the last run: exit status" 0 "$status"
[ "$status" -eq 0 ] || note_file "$T/err"
verify "a file interrupted five times" "$T/got" "$T/sums"
crossed=$(($(network_bytes) - before))
note "$crossed bytes crossed the network for $SIZE: $(awk -v a="$crossed" -v b="$SIZE" \
	'BEGIN { printf "%.4f", a / b }')"
is_true "at most $MOST % of the file crossed the network" \
	[ $((crossed / MOST)) -le $((SIZE / 100)) ]
finish
