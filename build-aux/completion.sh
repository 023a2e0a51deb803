#!/bin/sh
# SPDX-License-Identifier: MIT
#
# completion.sh bash|zsh IPCDEMO - prints the completion of ipcdemo's command line for that shell.
# Its options and their words are those of the program's own tables (--list-options), its commands
# those of --help.
set -eu
shell=$1
program=$2
LC_ALL=C
export LC_ALL

commands=$("$program" --help | sed -n 's/^  ipcdemo \([a-z]*\) .*/\1/p' | paste -sd ' ' -)
[ -n "$commands" ] || {
	echo "completion.sh: $program --help names no commands" >&2
	exit 1
}

# Lines of COMMAND, long name, letter, argument, help, words; the download's COMMAND is "".
for command in '' $commands; do
	case $command in
	help | version) continue ;; # no options
	esac
	# shellcheck disable=SC2086 # a word or none
	"$program" $command --list-options | sed "s/^/$command	/"
done | awk -v shell="$shell" -v commands="$commands" -f "$(dirname "$0")/completion.awk"
