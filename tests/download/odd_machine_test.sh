#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# odd_machine_test.sh - machines that lack what a mechanism needs: it is found out before the first
# worker, and one line says what would help. No hang, no internal error, no wrong advice.
DEADLINE=240
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=20
start_origin
unshare=unshare
[ "$(id -u)" -eq 0 ] || unshare='unshare -r'

# machine NAME OPTION COMMAND: from now on run_ipcdemo runs the program where COMMAND has prepared
# new namespaces (OPTION of unshare). False: that is not permitted here.
machine() {
	where=$1
	cat >"$T/machine" <<-END
		#!/bin/sh
		exec $unshare $2 sh -c '$3 || exit 99; exec "\$0" "\$@"' "$IPCDEMO" "\$@"
	END
	chmod 755 "$T/machine"
	run_program=$T/machine
	"$run_program" --version >"$T/out" 2>"$T/err" </dev/null && return
	skip_part "$where: it cannot be made here: $(head -n 1 "$T/err")"
	become_self
	return 1
}

# A worker of $ipc reports all of a file, or the mechanism is refused. $needs lists those that are
# to be refused, with $remedy.
try() {
	run_ipcdemo --ipc="$ipc" --progress=none -d "$T/got" file:///etc/passwd
	rm -f "$T/got/passwd"
	case " $needs " in
	*" $ipc "*) fails "$ipc, $where" 3 "$remedy" ;;
	*) succeeds "$ipc, $where" ;;
	esac
	equal "$ipc, $where: one line at most" '' "$(sed 1d "$T/err")"
}

# on WHICH REMEDY: every mechanism; those in WHICH are refused.
on() {
	needs=$1 remedy=$2
	for ipc in $usable; do
		try
	done
	become_self
}

usable=''
add() {
	usable="$usable $ipc"
}
for_each_backend add
mkdir -p "$T/got"

if machine "no /proc" --mount 'mount -t tmpfs none /proc'; then
	run_ipcdemo --start=spawn --progress=none -d "$T/got" file:///etc/passwd
	fails "--start=spawn, $where" 3 'needs /proc/self/exe'
	on "dgram zmq" 'mount -t proc'
fi
machine "no loopback" --net : &&
	on tcp 'ip link set lo up'
machine "a small System V queue" --ipc 'echo 64 >/proc/sys/kernel/msgmnb' &&
	on sysv 'raise kernel.msgmax and kernel.msgmnb'
machine "no System V queue" --ipc 'echo 0 >/proc/sys/kernel/msgmni' &&
	on sysv 'see kernel.msgmni'
machine "no /dev/shm" --mount 'mount -t tmpfs -o ro none /dev/shm' &&
	on shm 'mount a tmpfs there'
machine "no room in /dev/shm" --mount 'mount -t tmpfs -o size=16k none /dev/shm' &&
	on shm 'make room.*df /dev/shm'
machine "no room for messages" --ipc 'prlimit --pid $$ --msgqueue=0' &&
	on mq 'see ulimit -q'

# Too long for a socket's address: another place is taken.
deep=$T/$(printf 'd%.0s' $(seq 100))
mkdir "$deep"
where="a long TMPDIR" run_tmp=$deep run_run=$deep
on '' ''

# Nowhere is a place for a name.
if machine "/tmp read-only" --mount "unset TMPDIR XDG_RUNTIME_DIR; mount --bind /tmp /tmp &&
	mount --bind $T/got $T/got && mount -o remount,bind,ro /tmp"; then
	on "fifo dgram mmap zmq" 'set TMPDIR to a directory'
fi
finish
