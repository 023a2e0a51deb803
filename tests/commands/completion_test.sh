#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154 # shared with lib.sh
# completion_test.sh - the completions of bash and zsh know every command, option and word that the
# program knows.
DEADLINE=60
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

bash_file=$abs_top_builddir/completion/bash/ipcdemo
zsh_file=$abs_top_builddir/completion/zsh/_ipcdemo
[ -f "$bash_file" ] || skip_all "no completions were made: the program does not run here"

# completed WORD...: what bash offers for the last, one a line.
completed() {
	bash -c '
		PATH=$1:$PATH file=$2
		shift 2
		compopt() { :; } # only a shell that completes has it
		. "$file"
		COMP_WORDS=(ipcdemo "$@") COMP_CWORD=$#
		_ipcdemo
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$(dirname "$IPCDEMO")" "$bash_file" "$@" | sort
}

# options_of COMMAND: the long options of its --help.
options_of() {
	# shellcheck disable=SC2086 # a word or none
	"$IPCDEMO" $1 --help | sed -n 's/^ *\(-., \)\{0,1\}\(--[a-z0-9-]*\).*/\2/p' | sort
}

if command -v bash >/dev/null; then
	for command in '' bench compare list explain; do
		# shellcheck disable=SC2086
		equal "every option of 'ipcdemo $command'" "$(options_of "$command")" \
			"$(completed $command -- | sed 's/=$//' | sort -u)"
	done
	mkdir "$T/place" && touch "$T/place/list.txt" && cd "$T/place" || exit 1
	equal "commands" "$("$IPCDEMO" --help | sed -n 's/^  ipcdemo \([a-z]*\) .*/\1/p' | sort)" \
		"$(completed '')"
	equal "words" 'auto bar json none plain ' "$(completed --progress = '' | tr '\n' ' ')"
	equal "the beginning of a word" shm "$(completed --ipc = sh)"
	"$IPCDEMO" list --json | jq -r '.mechanisms[].name' | sed -n 's/^s/pipe,s/p' >"$T/want"
	equal "the next word of a list" "$(sort "$T/want")" \
		"$(completed bench --ipc = pipe,s | sort)"
	equal "a file behind a long option" list.txt "$(completed --input-file = li)"
	equal "a file behind a short one" list.txt "$(completed -i li)"
	equal "no words for a number" '' "$(completed --jobs = '')"
	equal "mechanisms to explain" "$(backends | sort)" "$(completed explain '')"
else
	skip_part "there is no bash"
fi

for option in $(options_of '') $(options_of bench); do
	grep -q -e "'${option}[=[]" "$zsh_file" || echo "$option"
done >"$T/lacking"
equal "zsh: every option" '' "$(cat "$T/lacking")"
if command -v zsh >/dev/null; then
	is_true "zsh can read it" zsh -n "$zsh_file"
else
	skip_part "there is no zsh"
fi
finish
