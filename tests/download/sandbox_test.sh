#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# sandbox_test.sh - the sandbox of workers: honest ones notice nothing of it, over any mechanism and
# however they are started; what hostile ones try (misbehaving.c) is refused and named, and the
# other files arrive; what a machine lacks (without.c) is said once, or keeps the run from starting.
DEADLINE=280
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=40
MISBEHAVING=${MISBEHAVING:-$abs_top_builddir/tests/download/misbehaving}
WITHOUT=$abs_top_builddir/tests/download/without
"$IPCDEMO" --help | tr -s '\n ' ' ' | grep -q 'require or off (default auto)' ||
	skip_all "this build has the sandbox off: what instruments it makes system calls of its own"
[ -x "$MISBEHAVING" ] || skip_all "built without libseccomp"

start_origin
printf '300000 one\n7 two\n0 three\n90000 four\n' >"$T/list"
sums_of <"$T/list" >"$T/sums"
awk -v base="$ORIGIN" '{ print base "/bytes/" $1 "/" $2 }' "$T/list" >"$T/urls"
G=$T/got
echo secret >"$T/secret"
chmod 666 "$T/secret"
SECRET=$T/secret
export SECRET

# confined WHAT ARGUMENT...: an ordinary run in a whole sandbox.
confined() {
	what=$1
	shift
	rm -rf "$G"
	run_ipcdemo --sandbox=require --ipc="$ipc" -j2 --progress=plain -d "$G" "$@" -i "$T/urls"
	if [ "$status" -eq 3 ] && grep -q 'this machine has no' "$T/err"; then
		skip_all "$(head -n 1 "$T/err")"
	fi
	succeeds "$ipc: $what" && verify "$ipc: $what" "$G" "$T/sums"
	equal "$ipc: $what: nobody died" 0 "$(grep -c 'trying again' "$T/err")"
}

# contained ACT PATTERN ARGUMENT...: the job whose worker does ACT ends as PATTERN says, and the
# others arrive.
contained() {
	act=$1 pattern=$2
	shift 2
	rm -rf "$G"
	run_program=$MISBEHAVING
	sed "1s|\$|?do=$act|" "$T/urls" >"$T/hostile"
	run_ipcdemo --sandbox=require --ipc="$ipc" -j2 --retries=0 --stall-timeout=10 \
		--progress=plain -d "$G" "$@" -i "$T/hostile"
	run_program=$IPCDEMO
	fails "$ipc: $act is contained" 1 "$pattern"
	sed 1d "$T/sums" >"$T/others"
	rm -f "$G/one.part"
	verify "$ipc: $act: the others" "$G" "$T/others"
}

# refused ACT: the kernel says no, without an alarm; the worker goes on, and so does the run.
refused() {
	rm -rf "$G"
	run_program=$MISBEHAVING
	sed "1s|\$|?do=$1|" "$T/urls" >"$T/hostile"
	run_ipcdemo --sandbox=require --ipc="$ipc" -j2 --retries=0 --progress=plain -d "$G" \
		-i "$T/hostile"
	run_program=$IPCDEMO
	succeeds "$ipc: $1 is refused"
	verify "$ipc: $1 is refused" "$G" "$T/sums"
	equal "$ipc: $1: nothing came of it" "secret 666" \
		"$(cat "$T/secret") $(stat -c %a "$T/secret")"
}

violation() {
	contained "$1" "sandbox violation: its worker called $2\$"
}

# ---- over each mechanism ----

# What a worker has while it works, over a mechanism that may have threads of its own.
powers() {
	rm -rf "$G"
	start_ipcdemo --sandbox=require --ipc="$ipc" --progress=none -d "$G" \
		"$ORIGIN/fault/slow/1000/1000000/slow"
	await 10 [ -s "$G/slow.part" ] || not_ok "$ipc: the download is under way"
	worker=$(children_of "$ipcdemo_pid")
	equal "$ipc: all threads are behind the filter" 2 \
		"$(sed -n 's/^Seccomp:[^0-9]*//p' "/proc/$worker/task/"*/status | sort -u)"
	equal "$ipc: no core file, and few descriptors" '0 0 128 128' \
		"$(awk '/^Max core/ { print $5, $6 } /^Max open/ { print $4, $5 }' \
			"/proc/$worker/limits" | paste -sd ' ')"
	kill -s INT "$ipcdemo_pid"
	end_ipcdemo
}

confined_fork() {
	confined "as an ordinary user"
}

each() {
	confined "a fork"
	run_ipcdemo list --json
	capabilities=$(tr -d ' \n' <"$T/out" | sed "s/.*\"name\":\"$ipc\"//; s/].*//")
	case $capabilities in
	*JOIN*) confined "a program executed anew" --start=spawn ;;
	esac
	case $capabilities in
	*THREADS*) confined "threads of a process" --model=hybrid --threads=2 ;;
	esac
	powers
	violation exec execve
	violation signal pidfd_send_signal
	contained forge 'broke the protocol'
	case $ipc in
	shm | memfd | mmap | futex)
		contained corrupt 'broke the protocol|stalled' --stall-timeout=1
		;;
	esac
}

# ---- what else there is to try; the mechanism does not matter ----

# told WHERE ARGUMENT...: a worker's violation reaches the parent from there.
told() {
	where=$1
	shift
	rm -rf "$G"
	run_program=$MISBEHAVING
	run_ipcdemo --sandbox=require --ipc="$ipc" --retries=0 --progress=plain -d "$G" "$@"
	run_program=$IPCDEMO
	fails "$ipc: a violation $where" 1 'sandbox violation: its worker called execve$'
}

# So many workers that a helper starts them.
everywhere() {
	hostile="$ORIGIN/bytes/1/one?do=exec"
	awk -v base="$ORIGIN" 'BEGIN { while (i < 79) print base "/bytes/1/f" ++i }' >"$T/crowd"
	echo "$hostile" >>"$T/crowd"
	told "in a program executed anew" --start=spawn "$hostile"
	told "in threads of a process" --model=hybrid --threads=2 "$hostile" "$ORIGIN/bytes/1/f"
	told "in one of 80 workers" -j 80 -i "$T/crowd"
}

# A service of this machine that listens on an abstract socket, which has no path.
abstract() {
	command -v python3 >/dev/null || {
		skip_part "python3 is missing (Debian: apt-get install python3)"
		return
	}
	abi=$("$IPCDEMO" explain sandbox | sed -n "s/.*Landlock's version[^)]*) *\([0-9]*\).*/\1/p")
	if [ "${abi:-0}" -lt 6 ]; then
		skip_part "abstract sockets: this kernel's Landlock does not know them"
		return
	fi
	mkfifo "$T/listening" "$T/leave"
	python3 -c '
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind("\0" + sys.argv[1])
listener.listen()
print(flush=True)
sys.stdin.read()' "ipcdemo-test-$$" <"$T/leave" >"$T/listening" 8>&- &
	service=$!
	exec 9>"$T/leave"
	read -r _ <"$T/listening"
	ABSTRACT=ipcdemo-test-$$
	export ABSTRACT
	refused abstract
	exec 9>&-
	wait $service
}

attempts() {
	violation fork clone
	violation write openat
	violation remove unlink
	violation chmod chmod
	violation kill kill
	violation tgkill tgkill
	violation sigio fcntl
	violation ptrace ptrace
	violation peek process_vm_readv
	violation descriptor pidfd_getfd
	violation listen listen
	violation namespace unshare
	contained abort 'killed by signal 6'
	contained garbage 'broke the protocol'
	for act in none write-beside read list raw code dump listener; do
		refused "$act"
	done
}

# ---- what a machine may lack ----

# lacking WHAT PATTERN CALL=ERRNO...
lacking() {
	what=$1 pattern=$2
	shift 2
	for mode in auto require; do
		rm -rf "$G"
		run_program=$WITHOUT
		run_ipcdemo "$@" -- "$IPCDEMO" --sandbox=$mode --progress=plain -d "$G" \
			-i "$T/urls"
		run_program=$IPCDEMO
		if [ $mode = require ]; then
			fails "$what, required" 3 "sandbox=require: this machine has $pattern"
			equal "$what, required: nothing was fetched" '' "$(names_in "$G")"
		else
			succeeds "$what" && verify "$what" "$G" "$T/sums"
			equal "$what: said once" 1 "$(grep -c 'sandbox' "$T/err")"
			matches "$what: said" "the sandbox of workers is incomplete: .*$pattern" \
				"$T/err"
		fi
	done
}

machines() {
	lacking "a kernel without Landlock" 'no Landlock \(the kernel knows none' \
		landlock_create_ruleset=ENOSYS
	lacking "Landlock that is switched off" 'no Landlock \(switched off' \
		landlock_create_ruleset=EOPNOTSUPP
	lacking "Landlock that is refused late" 'no Landlock \(refused here' \
		landlock_restrict_self=EPERM
	lacking "seccomp that is refused" 'no seccomp filter \(refused here' seccomp=EPERM
	lacking "neither" 'no Landlock .*, no seccomp filter' seccomp=EPERM \
		landlock_create_ruleset=ENOSYS
	# Somebody supervises us already: the worker dies of it, and which call it was nobody says.
	rm -rf "$G"
	sed '1s|$|?do=exec|' "$T/urls" >"$T/hostile"
	run_program=$WITHOUT
	run_ipcdemo swapoff=supervised -- "$MISBEHAVING" --sandbox=require --retries=0 \
		--progress=plain -d "$G" -i "$T/hostile"
	run_program=$IPCDEMO
	fails "supervised already" 1 'sandbox violation: its worker was killed for a system call'
	run_ipcdemo --sandbox=require --model=thread "$ORIGIN/bytes/1/x"
	fails "threads cannot be confined" 2 'sandbox=require goes with --model=process'
	run_ipcdemo --sandbox=require -o - "$ORIGIN/bytes/1/x"
	fails "nor the program itself" 2 'sandbox=require does not go with -o -'
}

# Another program of this user has many descriptors under way: as long as they are fewer than the
# user may have open, violations are noticed all the same; else workers go on without.
crowded() {
	command -v python3 >/dev/null || {
		skip_part "python3 is missing (Debian: apt-get install python3)"
		return
	}
	mkfifo "$T/ready" "$T/go"
	python3 -c '
import array, socket, sys
pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(300)]
for pair in pairs:
    pair[0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
print(flush=True)
sys.stdin.read()' <"$T/go" >"$T/ready" 8>&- &
	holder=$!
	exec 9>"$T/go"
	read -r _ <"$T/ready"
	confined "descriptors of others under way"
	violation remove unlink
	contained abort 'killed by signal 6'
	files=$(prlimit --pid $$ --nofile --output=SOFT --noheadings | tr -d ' ')
	prlimit --pid $$ --nofile=250:
	confined "more of them than may be open"
	prlimit --pid $$ --nofile="$files:"
	exec 9>&-
	wait $holder
}

ipc=unix
confined "first of all"
crowded
for_each_backend each
ipc=unix
everywhere
attempts
abstract
machines
if [ -n "$nobody" ] && become_nobody; then
	G=$T/nobody/got
	for_each_backend confined_fork
fi
finish
