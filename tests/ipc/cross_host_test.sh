#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# cross_host_test.sh - each mechanism that says CROSS_HOST, between two network namespaces that only
# a cable joins, as two hosts would be: records arrive right, either end learns of the other's
# death, a wrong secret takes no slot, a host that vanishes without a word is given up, nothing is
# left.
#
# A cut cable is told by nobody. Without the watch of door.h the ends would wait for hours, or for
# ever; the deadline of this test is what notices.
DEADLINE=120
if [ -z "${IN_NET:-}" ]; then
	[ "$(id -u)" -eq 0 ] || own=-r
	# shellcheck disable=SC2086 # one word or none
	why=$(unshare --net ${own:-} sh -c 'unshare --net true && ip link set lo up &&
		ip link add near type veth peer name far' 2>&1) || {
		echo "skip - no two hosts on this machine: $why"
		exit 77
	}
	# shellcheck disable=SC2086
	IN_NET=1 exec unshare --net ${own:-} sh "$0" "$@"
fi
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

command -v jq >/dev/null || skip_all "jq is missing"
TOOL=$abs_top_builddir/tests/ipc/cross_host
NEAR=192.0.2.1 FAR=192.0.2.2

# ---- two hosts ----

is_elsewhere() {
	[ "$(readlink "/proc/$other/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

elsewhere() {
	nsenter --target "$other" --net "$@"
}

unshare --net sleep 1000 &
other=$!
await 20 is_elsewhere || skip_all "a second network does not come up"
ip link set lo up && # the mechanism is looked for there
	ip link add near type veth peer name far &&
	ip link set far netns "$other" &&
	ip addr add "$NEAR/30" dev near && ip link set near up &&
	elsewhere ip addr add "$FAR/30" dev far && elsewhere ip link set far up ||
	not_ok "a cable between two networks"

cable() {
	ip link set near "$1"
}

carries() {
	elsewhere ip link show far | grep -q LOWER_UP
}

# Sockets but those that the kernel keeps for a minute, in both.
none_open() {
	! { cat /proc/net/tcp && elsewhere cat /proc/net/tcp; } |
		awk '$1 ~ /^[0-9]+:$/ && $4 != "06" { print; any = 1 } END { exit !any }' >"$T/open"
}

# ---- both ends ----

tickets() {
	[ "$(grep -c "^$name:" "$T/hub.out")" -eq "$1" ]
}

# start_hub to|from SLOTS COUNT SECONDS: it goes on until its input ends, see end_hub.
start_hub() {
	"$TOOL" hub "$name" "$NEAR" "$@" <"$T/hub.in" >"$T/hub.out" 2>&1 8>&- &
	hub=$!
	exec 8>"$T/hub.in"
	await 20 tickets "$2" || not_ok "$name: a hub for $2 writes its tickets"
}

# end_hub WHAT: it ends by itself, and finds nothing wrong.
end_hub() {
	exec 8>&-
	wait "$hub"
	equal "$name, $1: the hub's exit status" 0 $? || note_file "$T/hub.out"
}

# start_slot SLOT to|from COUNT [FILTER]: with its ticket, changed by FILTER.
start_slot() {
	sed -n "$((1 + $1))p" "$T/hub.out" | sed "${4:-}" >"$T/ticket.$1"
	nsenter --target "$other" --net "$TOOL" slot "$2" "$3" \
		<"$T/ticket.$1" >"$T/slot.$1" 2>&1 8>&- &
	eval "slot$1=$!"
}

# end_slot SLOT WHAT
end_slot() {
	eval "wait \$slot$1"
	equal "$name, $2: exit status of slot $1" 0 $? || note_file "$T/slot.$1"
}

says() {
	grep -q "$1" "$2" 2>/dev/null
}

# ---- what must be ----

records_arrive() {
	start_hub to 3 0 60
	for i in 0 1 2; do start_slot $i to 20000; done
	for i in 0 1 2; do end_slot $i "to the hub"; done
	end_hub "to the hub"
	equal "$name, to the hub: all of each slot" 3 \
		"$(grep -c ' ended after 20000$' "$T/hub.out")"

	start_hub from 3 20000 60
	for i in 2 1 0; do start_slot $i from 0; done
	end_hub "from the hub"
	for i in 0 1 2; do
		end_slot $i "from the hub"
		matches "$name, from the hub: all to slot $i" 'ended after 20000$' "$T/slot.$i"
	done
}

deaths_are_told() {
	start_hub to 2 0 60
	start_slot 0 to 0
	start_slot 1 to 5000
	await 30 says 'slot 0 has come' "$T/hub.out" || not_ok "$name: the first records"
	kill -KILL "$slot0"
	end_slot 1 "a neighbour dies"
	end_hub "a slot's process is killed"
	matches "$name: the hub is told of the death, after what was sent" \
		'slot 0 ended after [1-9]' "$T/hub.out"

	for way in to from; do
		start_hub $way 1 0 60
		start_slot 0 $way 0
		if [ $way = to ]; then
			await 30 says 'has come' "$T/hub.out"
		else
			await 30 says 'has come' "$T/slot.0"
		fi || not_ok "$name: the first records $way"
		kill -KILL "$hub"
		wait "$hub"
		end_slot 0 "the hub is killed, $way it"
		matches "$name: a slot is told of the hub's death, $way it" \
			'hub.* is gone|ended after' "$T/slot.0"
		exec 8>&-
	done
}

secret_counts() {
	start_hub to 1 0 60
	start_slot 0 to 0 's/[0-7]$/8/;t;s/.$/0/'
	end_slot 0 "a wrong secret"
	matches "$name, a wrong secret: its slot ends" 'hub is gone' "$T/slot.0"
	equal "$name, a wrong secret: nothing has come" 0 "$(grep -c 'has come' "$T/hub.out")"
	start_slot 0 to 1000
	end_slot 0 "the right one, then"
	end_hub "the right secret after a wrong one"
	matches "$name, the right secret after a wrong one" 'slot 0 ended after 1000$' "$T/hub.out"
}

# What is under way finds no way, and what is idle is asked in vain: so both sides are seen twice.
vanished_is_given_up() {
	for way in to from; do
		start_hub $way 1 0 2
		start_slot 0 $way 0
		await 30 says 'has come' "$T/$([ $way = to ] && echo hub.out || echo slot.0)" ||
			not_ok "$name, before the cut: the first records $way"
		cable down
		end_slot 0 "a cut cable, $way the hub"
		end_hub "a cut cable, $way the hub"
		matches "$name, a cut cable: the hub gives up, $way it" \
			'ended after|slot 0 is gone' "$T/hub.out"
		matches "$name, a cut cable: the slot gives up, $way the hub" \
			'hub.*is gone|ended after' "$T/slot.0"
		cable up
		await 20 carries || not_ok "the cable is whole again"
	done

	start_hub to 1 0 2
	cable down
	start_slot 0 to 1
	eval "wait \$slot0"
	equal "$name, no way to the hub: exit status of the slot" 1 $?
	matches "$name, no way to the hub: it is said" \
		'ipc_join: .*(timed out|No route)' "$T/slot.0"
	cable up
	await 20 carries || not_ok "the cable is whole again"
	kill -KILL "$hub"
	wait "$hub"
	exec 8>&-
}

mkfifo "$T/hub.in"
await 20 carries || not_ok "the cable is whole"
run_ipcdemo list --json
names=$(jq -r '.mechanisms[] | select(.available) |
	select(.capabilities | index("CROSS_HOST")) | .name' "$T/out")
[ -n "$names" ] || not_ok "a mechanism that reaches other hosts"
for name in $names; do
	records_arrive
	deaths_are_told
	secret_counts
	vanished_is_given_up
	await 20 none_open || {
		not_ok "$name: no socket is left"
		note_file "$T/open"
	}
done
kill "$other"
finish
