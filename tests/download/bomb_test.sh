#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# bomb_test.sh - a body that is small on the way and large when it is unpacked (--compressed):
# --max-size counts what it holds, and without that the disk ends it; either is said, and leaves
# nothing behind.
DEADLINE=90
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=40
MIB=$((1024 * 1024))

nginx_http() {
	printf 'add_header Content-Encoding $packed;\n'
	printf 'map $uri $packed { default ""; /bomb gzip; /twice "gzip, gzip"; }\n'
}

mkdir "$T/www"
head -c $((100 * MIB)) /dev/zero | gzip -9 >"$T/www/bomb"
gzip -9 <"$T/www/bomb" >"$T/www/twice"
head -c 5000 /dev/zero >"$T/www/other"
start_nginx "$T/www" || skip_all "nginx is missing (Debian: apt-get install nginx-light)"


# ends WHAT PATTERN: exit 1, the reason, the other file, and nothing of the bomb.
ends() {
	fails "$1" 1 "$2"
	equal "$1: the other file, and nothing else" other "$(names_in "$G")"
	rm -rf "${G:?}"/*
}

limited() {
	for name in bomb twice; do
		bomb="$1, $name"
		run_ipcdemo --compressed --max-size=20M --retries=2 --progress=json -d "$G" \
			"--$1" "$NGINX/$name" "$NGINX/other"
		equal "$bomb: one try" 0 "$(grep -c '"retry"' "$T/out")"
		most=$(jq -s "[.[] | select(.url | endswith(\"$name\"))? | .bytes] | max" "$T/out")
		is_true "$bomb: no byte beyond the limit ($most)" [ "$most" -le $((20 * MIB)) ]
		ends "$bomb" "/$name: larger than --max-size allows"
	done
	run_ipcdemo --compressed --max-size=100M -d "$G" "--$1" "$NGINX/bomb"
	succeeds "$1: a limit that it keeps to"
	equal "$1: a limit that it keeps to: all of it" $((100 * MIB)) "$(stat -c %s "$G/bomb")"
	rm -f "$G/bomb"
}

# A file system of 16 MiB in a mount namespace of its own.
full_disk() {
	program=$run_program run_program=/bin/sh
	run_ipcdemo -c 'mount -t tmpfs -o size=16m none "$1" || exit 99
		shift
		"$@"
		code=$?
		find "$G" -type f -printf "%P\n" >"$G.left"
		umount "$G"
		exit $code' sh "$G" "$program" --compressed --retries=0 -d "$G" "$NGINX/bomb" \
		"$NGINX/other"
	run_program=$program
	if [ "$status" -eq 99 ]; then
		skip_part "no mount: $(head -n 1 "$T/err")"
		return
	fi
	fails "no limit, a full disk" 1 '/bomb: cannot write: no space left on device'
	equal "no limit, a full disk: nothing stays of it" other "$(cat "$G.left")"
}

G=$T/got
export G
mkdir "$G"
for model in process sequential event; do
	limited model=$model
done
full_disk
finish
