#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# demo_test.sh - the built-in demo: what it says before and after, by every model; the picture is
# within the columns and its bars are as long as the files took; nothing is kept unless asked.
DEADLINE=120
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=30
TMPDIR=$T/tmp
export TMPDIR
mkdir "$TMPDIR"
LC_ALL=C.UTF-8
export LC_ALL
models=$("$IPCDEMO" --help | tr -s '\n ' '  ' | grep -oE -e '--model=MODEL .*' |
	grep -oE '\b(process|sequential|thread|hybrid|event)\b' | sort -u)

# bar N: the cells of the Nth bar.
bar() {
	grep -o '█*' "$T/err" | sed -n "$1p" | wc -m
}

# before N: the blanks before the Nth bar. The Nth and the N+2nd are of one file.
before() {
	sed -n 's/█.*//p' "$T/err" | sed -n "$1s/.*[^ ]//p" | tr -d '\n' | wc -m
}

demo() {
	run_ipcdemo --model="$model" --demo-seconds=0.3-0.5
	equal "$model: exit 0, stdout empty" "0 " "$status $(cat "$T/out")"
	is_true "$model: it says what it does, first" sed -n '1{/^A demo: .*/q;q1}' "$T/err"
	tr -s ' \n' '  ' <"$T/err" >"$T/flat" # the words, however they were wrapped
	for words in 'hence their Chinese names' 'nothing is kept' 'Both at once' \
		'One after the other: ' 'Next: '; do
		is_true "$model: $words" grep -qF -e "$words" "$T/flat"
	done
	equal "$model: a bar for each file, both ways" 4 "$(grep -c '█' "$T/err")"
	equal "$model: the same bars both ways, give or take a cell" '' "$(
		for i in 1 2; do
			difference=$(($(bar $i) - $(bar $((i + 2)))))
			[ "${difference#-}" -le 1 ] || echo "$(bar $i) $(bar $((i + 2)))"
		done)"
	equal "$model: at once both begin together, in turn the second where the first ends" '' "$(
		for i in 1 2; do
			moved=$(($(before $((i + 2))) - $(before $i)))
			[ $i -eq 1 ] || moved=$((moved - $(bar 3) + 1)) # bar counts a newline
			[ "${moved#-}" -le 1 ] || echo "file $i: $moved cells off"
		done)"
	equal "$model: what is saved is the difference of both times as they are shown" '' "$(awk '
		/^Both at once/ { once = $(NF - 1) }
		/^One after the other:/ { turn = $(NF - 1) }
		sub(/^(Saved|To be saved): /, "") && sprintf("%.2f", turn - once) != $1' "$T/err")"
	is_true "$model: within 80 columns, but for the program's own path" \
		[ "$(grep -vF -e "$IPCDEMO" "$T/err" | wc -L)" -le 80 ]
	equal "$model: nothing is left" '' "$(ls "$TMPDIR")"
}

# on_terminal COLUMNS: how many bars the picture has there.
on_terminal() {
	python3 - "$IPCDEMO" "$1" <<-'END'
		import fcntl, os, pty, struct, sys, termios, unicodedata
		program, columns = sys.argv[1], int(sys.argv[2])
		master, slave = pty.openpty()
		fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
		pid = os.fork()
		if pid == 0:
		    os.dup2(slave, 2)
		    os.execv(program, [program, "--progress=plain", "--demo-seconds=0.3-0.5"])
		os.close(slave)
		seen = b""
		try:
		    while chunk := os.read(master, 4096):
		        seen += chunk
		except OSError:
		    pass # the other end is closed
		bars = [line for line in seen.decode().splitlines() if "\u2588" in line]
		width = lambda c: 2 if unicodedata.east_asian_width(c) in "WF" else 1
		print(len(bars), "bars within", columns, "columns"
		      if all(sum(map(width, line)) < columns for line in bars) else "not quite")
	END
}

is_true "there are models" [ "$(echo "$models" | wc -w)" -ge 2 ]
for model in $models; do
	demo
done

if command -v python3 >/dev/null; then
	for columns in 20 40 60; do
		equal "a terminal of $columns columns" "4 bars within $columns columns" \
			"$(on_terminal $columns)"
	done
else
	skip_part "no python3 to play the terminal"
fi
run_ipcdemo --demo-seconds=0.1 -d "$T/kept"
equal "-d: exit 0" 0 "$status"
equal "-d: both files are kept" 2 "$(find "$T/kept" -type f -name '*.pdf' | wc -l)"
is_true "-d: the closing lines name the directory" grep -qx "in $T/kept" "$T/err"
run_ipcdemo --demo --demo-seconds=0
equal "--demo, for no time at all: exit 0" 0 "$status" || note_file "$T/err"
is_true "what was saved is no negative figure" \
	grep -qE '^(Saved:|Nothing saved: at once took) [0-9]' "$T/err"
run_ipcdemo --demo-seconds=0.1 -q
equal "-q: exit 0, no word" "0 " "$status $(cat "$T/err" "$T/out")"
run_ipcdemo --demo-seconds=0.1 --progress=json
equal "JSON: exit 0, stderr empty" "0 " "$status $(cat "$T/err")"
equal "JSON: objects only" '' "$(grep -v '^{.*}$' "$T/out")"
finish
