#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2086 # shared with lib.sh; lists of words
# speed.sh - how fast are downloads, beside the tools that people use and beside the floor?
#
# `make speed` runs it: 2,000 files of 16 KiB and 8 of 128 MiB from one nginx on loopback, from
# memory into memory. A round runs every tool once, in an order that rotates; what counts is the
# ratio within a round, and of these the median, so that a noisy machine disturbs all alike.
# It reports and does not judge: only a wrong byte or a failed download is a failure.
#
# The part `workers` starts 16, 1,000 and 4,000 workers for 4,000 files of 512 bytes: many files are
# there before all workers are. The part `alive` has as many files as workers, and an origin that
# answers when all have asked: what a worker costs, and whether it grows with their number. The part
# `split` fetches one file of 1 GiB in eight ranges.
#
# OLD=PROGRAM, an ipcdemo of another build, is measured beside this one over each mechanism that
# both have (part `old`).
#
# Environment: ROUNDS (7), RECYCLE_ROUNDS (3), WORKER_ROUNDS (3), WORKER_COUNTS ("16 1000 4000"),
# PARTS ("small recycle sandbox large split workers alive memory old"), IPC_LIST (default: all that
# are available), FLOOR, OLD, NGINX_BIN.
# shellcheck disable=SC2034 # read by lib.sh
DEADLINE=1800
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

ROUNDS=${ROUNDS:-7}
RECYCLE_ROUNDS=${RECYCLE_ROUNDS:-3} # --recycle=1 takes as long as all the others together
WORKER_ROUNDS=${WORKER_ROUNDS:-3}
WORKER_COUNTS=${WORKER_COUNTS:-16 1000 4000}
PARTS=${PARTS:-small recycle sandbox large split workers alive memory old}
WORKERS=8
FLOOR=${FLOOR:-$abs_top_builddir/tests/bench/pool_floor}
NEED=$((2200 << 20)) # both sets as served, and the larger one as received

# ---- what there is ----

room() {
	df -P -B 1 "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'
}

# have TOOL PACKAGE
have() {
	command -v "$1" >/dev/null && return 0
	echo "# $1 is missing, what needs it is left out (Debian: apt-get install $2)"
	return 1
}

look_around() {
	have bash bash || skip_all "bash takes the times"
	find_nginx || skip_all "nginx is missing (Debian: apt-get install nginx, or set NGINX_BIN)"
	[ -x "$FLOOR" ] || skip_all "$FLOOR is missing: make speed builds it"
	[ "$(room /dev/shm)" -gt "$NEED" ] 2>/dev/null ||
		skip_all "/dev/shm has no room for $((NEED >> 20)) MiB"
	rivals=''
	have wget2 wget2 && rivals="$rivals wget2"
	have aria2c aria2 && rivals="$rivals aria2c"
	if [ -n "${IPC_LIST:-}" ]; then
		mechanisms=$IPC_LIST
	elif have jq jq; then
		mechanisms=$("$IPCDEMO" list --json |
			jq -r '.mechanisms[] | select(.available).name')
	else
		mechanisms='pipe unix'
	fi
	rows=''
	for mechanism in $mechanisms; do
		rows="$rows ipc:$mechanism"
	done
	mechanism_rows=$rows
	rows="$rows floor$rivals"
}

# first_line COMMAND...
first_line() {
	"$@" 2>&1 | sed -n 1p
}

conditions() {
	echo "# CPU      $(nproc) x $(sed -n 's/^model name[^:]*: //p;T;q' /proc/cpuinfo)"
	echo "# load     $(cut -d ' ' -f 1-3 /proc/loadavg)"
	echo "# kernel   $(uname -srm)"
	echo "# ipcdemo  $("$IPCDEMO" --version | tr '\n' ' ' | cut -d ' ' -f 1-4)"
	echo "# nginx    $(first_line "$nginx" -v | sed 's/.*: //'), 1 worker, sendfile"
	for rival in $rivals; do
		echo "# rival    $(first_line "$rival" --version)"
	done
	echo "# data     from tmpfs to tmpfs, $WORKERS workers or threads, $ROUNDS rounds"
}

# ---- the data ----

make_place() {
	extra_dir=$(mktemp -d /dev/shm/ipcdemo-speed.XXXXXX) &&
		mkdir -p "$extra_dir/data/small" "$extra_dir/data/large" \
			"$extra_dir/data/tiny" "$extra_dir/data/huge" || exit 1
}

# make_files_of PART COUNT BYTES
make_set() {
	(cd "$extra_dir/data/$1" &&
		head -c $(($2 * $3)) /dev/urandom | split -a 4 -d -b "$3" - f) ||
		exit 1
	find "$extra_dir/data/$1" -type f -printf "$NGINX/$1/%f\n" | sort >"$T/urls-$1"
}

make_small() {
	[ -s "$T/urls-small" ] || make_set small 2000 16384
}

make_tiny() {
	[ -s "$T/urls-tiny" ] || make_set tiny 4000 512
}

make_large() {
	[ -s "$T/urls-large" ] || make_set large 8 134217728
}

make_huge() {
	[ -s "$T/urls-huge" ] || make_set huge 1 1073741824
}

# ---- one run ----

# timed COMMAND...: $T/time has the wall, user and system seconds of it and all its children.
timed() {
	bash -c 'TIMEFORMAT="%3R %3U %3S"; time "$@" >"$0" 2>&1' "$T/log" "$@" 2>"$T/time" && return
	not_ok "$*"
	note_file "$T/log"
	finish
}

# one ROW SET DIR
one() {
	case $1 in
	ipc:*) timed "$IPCDEMO" -q --ipc="${1#ipc:}" -j "$WORKERS" -d "$3" -i "$T/urls-$2" ;;
	old:*) timed "$OLD" -q --ipc="${1#old:}" -j "$WORKERS" -d "$3" -i "$T/urls-$2" ;;
	alive:*) timed "$IPCDEMO" -q --stall-timeout=600 --ipc="${1#alive:}" -j "$WORKERS" -d "$3" \
		-i "$T/urls-$2" ;;
	sandbox:*) timed "$IPCDEMO" -q --sandbox="${1#*:}" -j "$WORKERS" -d "$3" \
		-i "$T/urls-$2" ;;
	fresh:*) timed "$IPCDEMO" -q --sandbox="${1#*:}" --recycle=1 -j "$WORKERS" -d "$3" \
		-i "$T/urls-$2" ;;
	recycle) timed "$IPCDEMO" -q --recycle=1 -j "$WORKERS" -d "$3" -i "$T/urls-$2" ;;
	split) timed "$IPCDEMO" -q --model=hybrid --split=8 -d "$3" -i "$T/urls-$2" ;;
	stream) timed "$IPCDEMO" -q -d "$3" -i "$T/urls-$2" ;;
	aria2c-x8) timed aria2c --no-conf=true -q -x 8 -s 8 -d "$3" -i "$T/urls-$2" ;;
	floor) timed "$FLOOR" "$WORKERS" "$3" "$T/urls-$2" ;;
	wget2) timed wget2 --no-config --no-hsts -q --max-threads="$WORKERS" -P "$3" \
		-i "$T/urls-$2" ;;
	aria2c) timed aria2c --no-conf=true -q -j "$WORKERS" -x 1 -d "$3" -i "$T/urls-$2" ;;
	esac
}

# compare ROW SET: the first time, every byte.
compare() {
	diff -rq "$extra_dir/data/$2" "$extra_dir/got" >"$T/log" 2>&1 && return
	not_ok "$1, $2: every byte is right"
	note_file "$T/log"
	finish
}

# rounds PART SET ROUNDS ROW...: fills $T/PART with "ROUND ROW WALL USER SYSTEM". Round 0 warms
# up, and its files are compared.
rounds() {
	part=$1 set=$2 last=$3 round=0
	shift 3
	: >"$T/$part"
	while [ "$round" -le "$last" ]; do
		for row; do
			mkdir "$extra_dir/got" || exit 1
			one "$row" "$set" "$extra_dir/got"
			if [ "$round" -eq 0 ]; then
				compare "$row" "$set"
			else
				echo "$round $row $(cat "$T/time")" >>"$T/$part"
			fi
			rm -rf "$extra_dir/got"
		done
		row=$1
		shift
		set -- "$@" "$row"
		round=$((round + 1))
	done
}

# ---- the report ----

# report PART WHAT GOAL...: a GOAL is BASE=LIMIT: time of ipcdemo over that of the row BASE.
report() {
	part=$1
	echo
	echo "$2: medians of wall and CPU (user and system) seconds, and of a round's ratios to"
	shift 2
	awk -v goals="$*" '
	function median(list, n,    i, j, x) {
		for (i = 2; i <= n; i++) {
			x = list[i]
			for (j = i - 1; j > 0 && list[j] > x; j--)
				list[j + 1] = list[j]
			list[j + 1] = x
		}
		return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
	}
	function middle(value, row,    r, n, list) {
		for (r = 1; r <= rounds; r++)
			if ((r, row) in value)
				list[++n] = value[r, row]
		return median(list, n)
	}
	function ratio(row, base,    r, n, list) {
		for (r = 1; r <= rounds; r++)
			if ((r, row) in wall && wall[r, base] > 0)
				list[++n] = wall[r, row] / wall[r, base]
		return n ? sprintf("%.2f", median(list, n)) : "-"
	}
	{
		if (!($2 in seen)) {
			seen[$2] = 1
			rows[++count] = $2
		}
		wall[$1, $2] = $3
		cpu[$1, $2] = $4 + $5
		rounds = $1 > rounds ? $1 : rounds
	}
	END {
		bases = split(goals, base, " ")
		head = sprintf("%-12s %8s %8s", "", "wall", "CPU")
		goal = sprintf("%-12s %8s %8s", "(goal)", "", "")
		for (b = 1; b <= bases; b++) {
			split(base[b], pair, "=")
			base[b] = pair[1]
			head = head sprintf(" %9s", pair[1])
			goal = goal sprintf(" %9s", "<= " pair[2])
		}
		print head "\n" goal
		for (i = 1; i <= count; i++) {
			line = sprintf("%-12s %8.3f %8.3f", rows[i], middle(wall, rows[i]),
				middle(cpu, rows[i]))
			for (b = 1; b <= bases; b++)
				line = line sprintf(" %9s", ratio(rows[i], base[b]))
			print line
		}
	}' "$T/$part"
}

# ---- memory ----

# The most Private_Dirty of the parent and of any worker, sampled from outside for as long as the
# run lasts. No process is started between two samples, so there are hundreds in a short run.
sampler() {
	cat <<-'END'
		most() { # VARIABLE PID; false: it has ended
			local key value rest seen=
			while read -r key value rest; do
				[ "$key" = Private_Dirty: ] || continue
				seen=yes
				[ "$value" -le "${!1}" ] || printf -v "$1" %s "$value"
			done </proc/"$2"/smaps_rollup
			[ "$seen" ]
		}
		parent=0 worker=0 samples=0
		while most parent "$1"; do
			samples=$((samples + 1))
			# false: it ends without a newline
			read -r workers </proc/"$1"/task/"$1"/children
			for pid in $workers; do
				most worker "$pid"
			done
		done
		echo "$parent $worker $samples"
	END
}

# memory SET
memory() {
	"$IPCDEMO" -q -j "$WORKERS" -d "$extra_dir/got" -i "$T/urls-$1" &
	pid=$!
	bash -c "$(sampler)" sampler "$pid" >"$T/sample" 2>/dev/null
	wait "$pid" || not_ok "$1: the sampled run"
	rm -rf "$extra_dir/got"
	read -r parent worker samples <"$T/sample"
	echo "$1: parent $parent KiB, largest worker $worker KiB ($samples samples)"
}

# ---- all of it ----

do_small() {
	make_small
	rounds small small "$ROUNDS" $rows
	report small '2,000 files of 16 KiB' wget2=1.0 aria2c=0.35 floor=1.25
}

do_recycle() {
	make_small
	rounds recycle small "$RECYCLE_ROUNDS" ipc:unix recycle
	report recycle 'a worker for every file (--recycle=1)' recycle=0.20
}

# A worker for every file shows what the sandbox costs at its start.
do_sandbox() {
	make_small
	rounds sandbox small "$ROUNDS" sandbox:off sandbox:auto
	report sandbox 'workers in a sandbox' sandbox:off=1.03
	rounds fresh small "$RECYCLE_ROUNDS" fresh:off fresh:auto
	report fresh 'the same, a worker for every file' fresh:off=-
	awk '{ wall[$1, $2] = $3; cpu[$1, $2] = $4 + $5; n = $1 }
	END {
		for (i = 1; i <= n; i++) {
			w += wall[i, "fresh:auto"] - wall[i, "fresh:off"]
			c += cpu[i, "fresh:auto"] - cpu[i, "fresh:off"]
		}
		printf "it costs %.3f ms of wall and %.3f ms of CPU time a worker (goal: 0.3)\n",
			w / n / 2, c / n / 2
	}' "$T/fresh"
}

do_large() {
	make_large
	rounds large large "$ROUNDS" $rows
	report large '8 files of 128 MiB' wget2=0.9 aria2c=- floor=-
}

do_old() {
	[ -n "${OLD:-}" ] || return 0
	make_small
	make_large
	for mechanism in $mechanisms; do
		"$OLD" explain "$mechanism" >"$T/log" 2>&1 || continue
		for set in small large; do
			rounds "$set-$mechanism" $set "$ROUNDS" "old:$mechanism" "ipc:$mechanism"
			report "$set-$mechanism" "$set files, beside $OLD" "old:$mechanism"=-
		done
	done
}

do_split() {
	make_huge
	rows_split='split stream'
	for rival in $rivals; do
		[ "$rival" != aria2c ] || rival=aria2c-x8
		rows_split="$rows_split $rival"
	done
	# shellcheck disable=SC2086
	rounds split huge "$ROUNDS" $rows_split
	report split '1 GiB in one file, in 8 ranges (--split=8) or one stream' \
		wget2=0.8 aria2c-x8=0.8 stream=-
}

do_workers() {
	make_tiny
	usual=$WORKERS
	for WORKERS in $WORKER_COUNTS; do
		# shellcheck disable=SC2086
		rounds "workers-$WORKERS" tiny "$WORKER_ROUNDS" $mechanism_rows floor
		report "workers-$WORKERS" "4,000 files of 512 bytes, $WORKERS workers" floor=1.5
	done
	WORKERS=$usual
}

# hold COUNT: an origin of COUNT files that are answered together, whose URLs are the set `held`.
hold() {
	mkfifo "$T/held-port" || exit 1
	python3 "$srcdir/tests/bench/hold.py" "$1" 512 >"$T/held-port" 8>&- &
	hold_pid=$!
	read -r port <"$T/held-port"
	rm -rf "$T/held-port" "$extra_dir/data/held"
	mkdir "$extra_dir/data/held"
	for i in $(seq "$1"); do
		echo "http://127.0.0.1:$port/f$i"
	done >"$T/urls-held"
	seq -f f%.0f "$1" >"$T/held-names"
	head -c 512 /dev/zero | tr '\0' x |
		(cd "$extra_dir/data/held" && xargs -a "$T/held-names" tee >"$T/log")
}

do_alive() {
	have python3 python3 || return 0
	usual=$WORKERS
	for WORKERS in $WORKER_COUNTS; do
		hold "$WORKERS"
		# shellcheck disable=SC2046
		rounds "alive-$WORKERS" held "$WORKER_ROUNDS" \
			$(echo "$mechanism_rows" | sed 's/ipc:/alive:/g') floor
		kill "$hold_pid"
		wait "$hold_pid" 2>/dev/null
		report "alive-$WORKERS" "$WORKERS workers, all alive at once" floor=1.5
		awk -v n="$WORKERS" '{ cpu[$2] += $4 + $5; count[$2]++ }
		END {
			for (row in cpu)
				printf "%s%s %.2f", line++ ? ", " : "CPU time a worker, ms: ", row,
					cpu[row] / count[row] / n * 1000
			print ""
		}' "$T/alive-$WORKERS"
	done
	WORKERS=$usual
}

do_memory() {
	make_small
	make_large
	echo
	echo "Private_Dirty at most (goals: parent < 8192 KiB for 2,000 URLs, worker < 2048 KiB" \
		"and its buffers)"
	memory small
	memory large
}

look_around
make_place
start_nginx "$extra_dir/data" || skip_all "nginx is missing"
conditions
for part_name in $PARTS; do
	"do_$part_name"
done
echo
ok "every file that was fetched is right"
finish
