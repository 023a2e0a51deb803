#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# inject_test.sh - the parent or a worker is killed at its Nth system call, that call fails, its
# Kth allocation fails; reads and writes do a part; calls are interrupted. `make inject` does it
# for each N and K over each mechanism, make check for a few of them.
#
# Environment: INJECT_STRIDE=N (every Nth point; default: eight of each kind), IPC_LIST.
#
# Whatever happens: the right bytes or a failure that says why, with the exit code for it; nothing
# that is half a file under a file's name; no process, object or file left; no crash, no hang.
DEADLINE=${INJECT_DEADLINE:-120}
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=30
AT_CALL=$abs_top_builddir/tests/inject/at_call
SHIM_SO=$abs_top_builddir/tests/inject/shim.so
[ "${sanitized:-no}" = no ] || skip_all "the sanitizers have calls and allocations of their own"
[ "$(uname -m)" = x86_64 ] || skip_all "how a call is made to fail is known for x86-64 only"
"$AT_CALL" --nth=1 --report="$T/at" -- true || skip_all "ptrace is not permitted"

start_origin
printf '5000 one\n150000 two\n' >"$T/list"
sums_of <"$T/list" >"$T/sums"
URLS="$ORIGIN/bytes/5000/one $ORIGIN/bytes/150000/two"

# ---- one run ----

# program ARGUMENT...: with one worker, so that each point is the same in each run.
program() {
	rm -rf "$T/got"
	# shellcheck disable=SC2086 # words
	run_ipcdemo "$@" --ipc="$ipc" -j 1 -q --retries=2 --stall-timeout=10 -d "$T/got" $URLS
}

# at_call ARGUMENT...: the program beneath at_call.
at_call() {
	run_program=$AT_CALL
	program --report="$T/at" "$@" -- "$IPCDEMO"
	run_program=$IPCDEMO
}

# with_shim SHIM
with_shim() {
	run_program='env'
	program SHIM="$1" SHIM_REPORT="$T/at" LD_PRELOAD="$SHIM_SO" "$IPCDEMO"
	run_program=$IPCDEMO
}

# What stands under a file's name is the whole of it.
no_half_file() {
	for file in one two; do
		[ ! -e "$T/got/$file" ] ||
			[ "$(sum_of "$T/got/$file")" = "$(sed -n "s/  $file\$//p" "$T/sums")" ] ||
			return 1
	done
}

# The verdict on a run: good, or what was wrong.
verdict() {
	if ! no_half_file; then
		echo "a file is not what it should be"
	elif [ "$status" -eq 0 ] && [ "$(names_in "$T/got" | paste -sd ,)" != one,two ]; then
		echo "exit 0 without all files"
	elif [ "$status" -gt 0 ] && [ ! -s "$T/err" ]; then
		echo "exit $status, and nobody says why"
	else
		case " $allowed " in
		*" $status "*) echo good ;;
		*) echo "exit $status" ;;
		esac
	fi
}

# ---- many runs ----

# points COUNT: those to try, of 1 to COUNT.
points() {
	stride=${INJECT_STRIDE:-$(($1 / 8 + 1))}
	seq 1 "$stride" "$1"
}

# each_point WHAT COUNT ALLOWED COMMAND...: runs COMMAND with each point in the place of '@'.
each_point() {
	what=$1 count=$2 allowed=$3 tried=0 bad=0
	shift 3
	for point in $(points "$count"); do
		# shellcheck disable=SC2046 # words
		"$1" $(shift && echo "$@" | sed "s/@/$point/")
		said=$(verdict)
		tried=$((tried + 1))
		[ "$said" = good ] && continue
		bad=$((bad + 1))
		note "$ipc: $what: point $point ($(cat "$T/at" 2>/dev/null)): $said; $how"
		note_file "$T/err"
	done
	is_true "$ipc: $what: $tried of $count points, $bad wrong" [ "$bad" -eq 0 ]
}

# count_calls ARGUMENT...: how many there are without a fault.
count_calls() {
	at_call --nth=100000000 "$@"
	[ "$status" -eq 0 ] || {
		not_ok "$ipc: the program runs beneath at_call $*"
		note_file "$T/err"
	}
	sed -n 's/^missed after \([0-9]*\) calls$/\1/p' "$T/at"
}

kills() {
	each_point "a worker is killed at a call" "$(count_calls --worker)" 0 \
		at_call --worker --nth=@
	[ -n "$named" ] || each_point "the parent is killed at a call" "$(count_calls)" "0 137" \
		killed_parent --nth=@
}

# What it leaves does not hinder the next run. (An object with a name may stay: then it is not
# tried, see kill_test.sh.)
killed_parent() {
	at_call "$@"
	first=$status
	no_half_file || return
	# shellcheck disable=SC2086
	run_ipcdemo --ipc="$ipc" -j 1 -q --exists=skip -d "$T/got" $URLS
	[ "$status" -ne 0 ] || status=$first
	echo "SIGKILL" >>"$T/err"
}

failures() {
	each_point "a call of a worker fails" "$(count_calls --worker --error)" "0 1 3" \
		at_call --worker --error --nth=@
	each_point "a call of the parent fails" "$(count_calls --error)" "0 1 2 3" \
		at_call --error --nth=@
}

# A process that has neither handler nor debugger meets EINTR after SIGSTOP and SIGCONT.
storms() {
	for call in read recvfrom recvmsg sendto sendmsg poll ppoll epoll_wait openat accept4 \
		wait4 waitid clock_nanosleep; do
		each_point "every second $call is interrupted" 1 0 \
			at_call --error=EINTR --calls=$call --every=2 --nth=@
	done
	each_point "calls are interrupted, parent and workers" 12 0 with_shim eintr:@
}

parts() {
	each_point "reads and writes do a part" 12 0 with_shim short:@
}

memory() {
	with_shim malloc:0
	each_point "an allocation of the parent fails" "$(cat "$T/at")" "0 1 2 3" with_shim malloc:@
	with_shim malloc-worker:0
	each_point "an allocation of a worker fails" "$(cat "$T/at")" "0 1 3" \
		with_shim malloc-worker:@
}

# Does the mechanism have objects that outlive every process (NAMED)?
leaves_names() {
	"$IPCDEMO" list --json | awk -v name="\"$ipc\"" '
		/"name":/ { found = index($0, name) }
		found && /"NAMED"/ { named = 1 }
		END { exit !named }'
}

each() {
	named=''
	! leaves_names || named=yes
	for kind in ${INJECT_ONLY:-kills failures storms parts memory}; do
		$kind
	done
}

# In make check: one mechanism.
if [ -z "${INJECT_STRIDE:-}" ] && [ -z "${IPC_LIST:-}" ]; then
	IPC_LIST=$(backends | head -n 1)
fi
for_each_backend each
finish
