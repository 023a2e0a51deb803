# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034 # what is set here is read by the tests
#
# lib.sh - what the end-to-end tests share. A test begins with
#
#	DEADLINE=60
#	. "$(dirname "$0")/../lib.sh"
#
# and ends with `finish`. Sourcing it runs the test once more beneath tests/harness/harness,
# which ends it after DEADLINE seconds (as tree_clock.h counts) and lets no process outlive it, and
# gives it
#
#	$T                  a private directory, removed at the end
#	$IPCDEMO            the program; default: the one in the build directory
#	$TMPDIR, $XDG_RUNTIME_DIR  private ones, which ipcdemo must leave empty
#
# Environment: IPCDEMO, IPC_LIST (mechanisms to test), FEW, NGINX_BIN, abs_top_builddir,
# KEEP=1 (do not remove $T). Exit status as automake wants it: 0, 1, 77 skipped.

set -u
umask 022
LC_ALL=C
export LC_ALL
# A proxy of the person's would answer in place of our servers.
unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY

srcdir=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
if [ -z "${abs_top_builddir:-}" ]; then
	abs_top_builddir=$PWD
	[ -x "$PWD/tests/harness/harness" ] || abs_top_builddir=$srcdir/build
fi
IPCDEMO=${IPCDEMO:-$abs_top_builddir/ipcdemo}
HARNESS=${HARNESS:-$abs_top_builddir/tests/harness/harness}
ORIGIN_TOOL=${ORIGIN_TOOL:-$abs_top_builddir/tests/origin/origin}
export abs_top_builddir IPCDEMO HARNESS ORIGIN_TOOL

for tool in "$IPCDEMO" "$HARNESS" "$ORIGIN_TOOL"; do
	[ -x "$tool" ] && continue
	echo "not ok - $tool is missing: build it first (make check does)"
	exit 1
done

if [ -z "${UNDER_HARNESS:-}" ]; then
	UNDER_HARNESS=1 exec "$HARNESS" --isolate --deadline="${DEADLINE:-60}" --orphan-grace=3 \
		-- sh "$0" "$@"
fi
unset UNDER_HARNESS

# ---- reporting ----

checks=0
failures=0
skips=0

ok() {
	checks=$((checks + 1))
	echo "ok $checks - $*"
}

not_ok() {
	checks=$((checks + 1))
	failures=$((failures + 1))
	echo "not ok $checks - $*"
}

# Text for the reader of a failure, each line marked.
note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

# note_file FILE: its last lines.
note_file() {
	[ -s "$1" ] && tail -n 20 "$1" | cut -c 1-300 | sed 's/^/#   /'
	return 0
}

# equal WHAT EXPECTED ACTUAL
equal() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		note "expected: $2"
		note "actual:   $3"
		return 1
	fi
}

# one_of WHAT ACTUAL EXPECTED...
one_of() {
	what=$1 actual=$2
	shift 2
	for expected; do
		[ "$actual" = "$expected" ] && ok "$what" && return 0
	done
	not_ok "$what"
	note "expected: one of $*"
	note "actual:   $actual"
	return 1
}

# matches WHAT PATTERN FILE: a line of FILE matches the extended regular expression.
matches() {
	if grep -Eiq -e "$2" "$3"; then
		ok "$1"
	else
		not_ok "$1"
		note "expected a line like: $2"
		note "actual:"
		note_file "$3"
		return 1
	fi
}

# is_true WHAT COMMAND...
is_true() {
	what=$1
	shift
	if "$@"; then
		ok "$what"
	else
		not_ok "$what"
		note "failed: $*"
		return 1
	fi
}

absent() {
	for path; do
		if [ -e "$path" ] || [ -L "$path" ]; then
			not_ok "no ${path##*/}"
			note "it exists: $(ls -ld "$path")"
			return 1
		fi
	done
	ok "no $(basename "$1")"
}

# One part cannot be tested here.
skip_part() {
	skips=$((skips + 1))
	echo "skip - $*"
}

# Nothing can.
skip_all() {
	echo "skip - $*"
	exit 77
}

finish() {
	echo "$checks checks, $failures failed, $skips parts skipped"
	[ "$failures" -eq 0 ] || exit 1
	[ "$checks" -gt 0 ] || exit 77
	exit 0
}

# ---- a place of one's own ----

T=$(mktemp -d "${TMPDIR:-/tmp}/ipcdemo-test.XXXXXX") || exit 1
chmod 711 "$T" # uid 65534 may pass through, see as_nobody
TMPDIR=$T/tmp
XDG_RUNTIME_DIR=$T/run
export TMPDIR XDG_RUNTIME_DIR
mkdir -m 700 "$TMPDIR" "$XDG_RUNTIME_DIR" || exit 1

origin_pid='' nginx_pid='' harness_pid='' extra_dir=''

cleanup() {
	trap '' TERM INT HUP
	[ -z "$harness_pid" ] || { kill "$harness_pid" && wait "$harness_pid"; } 2>/dev/null
	stop_nginx
	stop_origin
	if [ -n "${KEEP:-}" ]; then
		note "kept: $T $extra_dir"
	else
		rm -rf "$T" ${extra_dir:+"$extra_dir"}
	fi
}
trap cleanup EXIT
trap 'exit 143' TERM INT HUP

# await SECONDS COMMAND...: until COMMAND succeeds; false when it never did. It counts its turns,
# which take longer on a busy machine.
await() {
	turns=$((50 * $1))
	shift
	while ! "$@"; do
		turns=$((turns - 1))
		[ $turns -gt 0 ] || return 1
		sleep 0.02
	done
}

now_ms() {
	date +%s%3N
}

# soon WHAT MS COMMAND...: COMMAND, which sets $took_ms, takes at most MS in one of five runs. A
# busy machine makes anything slow now and then; what waits in vain does so in each run.
took_ms=0
soon() {
	soon_what=$1 most_ms=$2
	shift 2
	for _ in 1 2 3 4 5; do
		"$@"
		[ "$took_ms" -gt "$most_ms" ] || break
	done
	is_true "$soon_what: within $most_ms ms ($took_ms ms)" [ "$took_ms" -le "$most_ms" ]
}

# shellcheck source=tests/harness/servers.sh
. "$srcdir/tests/harness/servers.sh"

# ---- files ----

# make_files DIR <LIST >SUMS: LIST has lines "SIZE NAME". The bytes are the origin's for that name.
make_files() {
	mkdir -p "$1" && "$ORIGIN_TOOL" --make "$1"
}

# sums_of <LIST >SUMS: only the sums.
sums_of() {
	"$ORIGIN_TOOL" --sums
}

# names_in DIR: what is in it, sorted.
names_in() {
	find "$1" -mindepth 1 -printf '%P\n' | sort
}

# verify WHAT DIR SUMS: DIR holds the files of SUMS, and nothing else.
verify() {
	if ! (cd "$2" && sha256sum --quiet --strict -c "$3") >"$T/verify" 2>&1; then
		not_ok "$1: every file is there and right"
		note_file "$T/verify"
		return 1
	fi
	equal "$1: every file is right, and no other is there" \
		"$(sed 's/^[^ ]*  //' "$3" | sort)" "$(names_in "$2")"
}

# sum_of FILE
sum_of() {
	sha256sum <"$1" | cut -d ' ' -f 1
}

# ---- the program ----

# Prefix of a command that is to run as uid 65534; none when we are not root.
nobody=''
[ "$(id -u)" -ne 0 ] || nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'

# Copies what uid 65534 is to run to where it can. From then on run_ipcdemo runs as that user.
# False: it cannot, for instance because a directory above $T is closed to it.
become_nobody() {
	mkdir -p "$T/pub" "$T/nobody/tmp" "$T/nobody/run" || return 1
	cp "$IPCDEMO" "$HARNESS" "$T/pub/" && chmod 755 "$T/pub" "$T/pub/"* || return 1
	chmod 700 "$T/nobody" "$T/nobody/"*
	[ -z "$nobody" ] || chown -R 65534:65534 "$T/nobody"
	$nobody "$T/pub/$(basename "$IPCDEMO")" --version >"$T/err" 2>&1 </dev/null || return 1
	run_as=$nobody run_harness=$T/pub/harness run_program=$T/pub/$(basename "$IPCDEMO")
	run_tmp=$T/nobody/tmp run_run=$T/nobody/run
}

become_self() {
	run_as='' run_harness=$HARNESS run_program=$IPCDEMO
	run_tmp=$TMPDIR run_run=$XDG_RUNTIME_DIR
}
become_self

: >"$T/how"
chmod 666 "$T/how" # uid 65534 writes it too

# harnessed ARGUMENT...: becomes the program beneath a harness of its own, which tells how it ended
# and what it left. $run_options: more options for the harness.
run_options=''
harnessed() {
	TMPDIR=$run_tmp
	XDG_RUNTIME_DIR=$run_run
	# shellcheck disable=SC2086 # these are words, or none
	exec $run_as "$run_harness" --deadline="${RUN_DEADLINE:-60}" --watch="$run_tmp" \
		--watch="$run_run" --report="$T/how" $run_options -- "$run_program" "$@"
}

# What every run must keep to, however it ends.
check_run() {
	how=$(cat "$T/how")
	case $status in
	124) not_ok "the run ends in time" ;;
	125) not_ok "the run leaves nothing behind" ;;
	126) not_ok "the harness works" ;;
	4) not_ok "no internal error" ;;
	132 | 134 | 135 | 136 | 139) not_ok "the program does not crash ($how)" ;;
	*) return 0 ;;
	esac
	note_file "$T/err"
	return 1
}

# run_ipcdemo ARGUMENT...: sets $status and $how ("exit 0", "signal 2"), fills $T/out and $T/err.
run_ipcdemo() {
	(harnessed "$@") </dev/null >"$T/out" 2>"$T/err" 8>&-
	status=$?
	check_run
}

# start_ipcdemo ARGUMENT...: the same in the background; $ipcdemo_pid leads a process group. The
# only child that $harness_pid ever has is the program, or what is about to become it.
start_ipcdemo() {
	harnessed "$@" </dev/null >"$T/out" 2>"$T/err" 8>&- &
	harness_pid=$!
	await 10 has_child "$harness_pid" || not_ok "the program starts"
	ipcdemo_pid=$(children_of "$harness_pid")
}

# Waits for what start_ipcdemo started.
end_ipcdemo() {
	wait "$harness_pid"
	status=$?
	harness_pid=''
	check_run
}

# succeeds WHAT: exit status 0, and not a byte on stdout.
succeeds() {
	if [ "$status" -ne 0 ]; then
		not_ok "$1: exit status"
		note "expected: 0"
		note "actual:   $status ($how)"
		note_file "$T/err"
		return 1
	fi
	equal "$1: exit 0, stdout empty" '' "$(head -c 200 "$T/out")"
}

# fails WHAT STATUS PATTERN: with that exit status, and stderr says why.
fails() {
	if [ "$status" -ne "$2" ]; then
		not_ok "$1: exit status"
		note "expected: $2"
		note "actual:   $status ($how)"
		note_file "$T/err"
		return 1
	fi
	matches "$1: exit $2, and stderr says why" "$3" "$T/err"
}

# children_of PID: its child processes, whichever thread forked them.
children_of() {
	cat "/proc/$1/task/"*/children 2>/dev/null | tr -s ' \n' '  ' | sed 's/ $//'
}

has_child() {
	[ -n "$(children_of "$1")" ]
}

# alive PID: it exists and is not defunct.
alive() {
	case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in
	'' | Z* | X*) return 1 ;;
	esac
}

# The mechanisms to test.
backends() {
	if [ -n "${IPC_LIST:-}" ]; then
		echo "$IPC_LIST"
	else
		"$IPCDEMO" --ipc=help 2>/dev/null </dev/null 8>&- | awk 'NF { print $1 }'
	fi
}

# Those that this build has and this machine can use.
usable_backends() {
	"$IPCDEMO" list --json </dev/null 8>&- | awk -F '"' '
		$2 == "name" { name = $4 }
		/"available": true/ { print name }'
}

# Of those, the first of each group.
first_of_groups() {
	"$IPCDEMO" list --json </dev/null 8>&- | awk -F '"' '
		$2 == "name" { name = $4 }
		$2 == "group" { group = $4 }
		/"available": true/ && !seen[group]++ { print name }'
}

# for_each_backend FUNCTION: calls it with $ipc set, for each mechanism that is usable here; where
# FEW is set, as in the second and third run of ./bootstrap check, for one of each group.
for_each_backend() {
	if [ -n "${FEW:-}" ] && [ -z "${IPC_LIST:-}" ]; then
		list=$(first_of_groups)
	else
		list=$(backends)
	fi
	[ -n "$list" ] || not_ok "--ipc=help lists the mechanisms"
	for ipc in $list; do
		mkdir "$T/probe"
		run_ipcdemo --ipc="$ipc" --progress=none -d "$T/probe" "$ORIGIN/bytes/1/probe"
		rm -r "$T/probe"
		if [ "$status" -eq 3 ]; then
			skip_part "$ipc is not available here: $(head -n 1 "$T/err")"
		else
			"$1"
		fi
	done
}
