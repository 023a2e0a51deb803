#!/bin/sh
# SPDX-License-Identifier: MIT
#
# screenshots.sh IPCDEMO TREE - the pictures and the figures of README.md, from runs of the program:
# TREE/doc/demo.svg (a terminal while the demo runs, and how it ends), TREE/doc/bench.svg, and the
# table between the marks in TREE/README.md. Figures need a machine that does nothing else; picture
# and table say so if it was not.
set -eu
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
here=$(cd "$(dirname "$0")" && pwd)
tree=$2
output=$tree/doc
mkdir -p "$output"
work=$(mktemp -d)
server=ipcdemo-screenshots-$$
trap 'tmux -L "$server" kill-server 2>/dev/null || :; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/bin"
ln -s "$program" "$work/bin/ipcdemo"

# on_terminal COLUMNS LINES COMMAND: starts it; $work/done exists once it has ended.
on_terminal()
{
	rm -f "$work/done"
	tmux -L "$server" -f /dev/null new-session -d -x "$1" -y "$2" \
		"PATH=$work/bin:\$PATH LC_ALL=C.UTF-8; export PATH LC_ALL; unset LANGUAGE; $3;
		: >'$work/done'; sleep 60"
}

# shot: the screen without the empty lines at its end.
shot()
{
	tmux -L "$server" capture-pane -e -p | sed -e :a -e '/^[\n[:space:]]*$/{$d;N;ba' -e '}'
}

wait_done()
{
	tries=3000
	until [ -e "$work/done" ] || [ "$tries" -eq 0 ]; do
		tries=$((tries - 1))
		sleep 0.1
	done
	sleep 0.3 # for tmux to draw what came last
}

on_terminal 80 40 'ipcdemo --demo-seconds=3-5'
sleep 2
shot >"$work/running"
wait_done
shot >"$work/ended"
tmux -L "$server" kill-server
# The introduction and the rows, then what took their place.
{
	printf '$ ipcdemo\n'
	cat "$work/running"
	printf '  \033[2m...\033[0m\n'
	tail -n +"$(($(grep -n '^$' "$work/ended" | head -n 1 | cut -d : -f 1) + 1))" "$work/ended"
} >"$work/demo"
perl "$here/terminal-svg.pl" 'ipcdemo' <"$work/demo" >"$output/demo.svg"

on_terminal 82 60 'ipcdemo bench --ipc=pipe,unix,shm 2>/dev/null'
wait_done
{
	printf '$ ipcdemo bench --ipc=pipe,unix,shm\n'
	shot
} >"$work/bench"
perl "$here/terminal-svg.pl" 'ipcdemo bench' <"$work/bench" >"$output/bench.svg"

"$program" bench --format=json --output="$work/bench.json" 2>/dev/null
jq -r -f "$here/figures.jq" "$work/bench.json" |
	awk '/^\|/ { print; next } { print | "fold -s -w 100 | sed \"s/ *$//\"" }' >"$work/figures"
awk -v figures="$work/figures" '
	/^<!-- figures: end -->/ { inside = 0 }
	!inside { print }
	/^<!-- figures: begin -->/ {
		inside = 1
		while ((getline line <figures) > 0)
			print line
	}' "$tree/README.md" >"$work/README.md"
cp "$work/README.md" "$tree/README.md"
echo "screenshots: $output/demo.svg, $output/bench.svg, the figures in $tree/README.md"
