#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2046,SC2086 # shared with lib.sh; words are meant
# language_test.sh - under a Chinese locale, generated or not, a person reads Chinese: the demo as
# lines and on a terminal, --help, errors, tables. What programs read is the same in any language,
# and so are exit codes and the decimal point.
DEADLINE=240
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
RUN_DEADLINE=30
[ -f "$abs_top_builddir/locale/zh_CN/LC_MESSAGES/ipcdemo.mo" ] ||
	skip_all "built with --disable-nls"
chinese='LC_ALL=zh_CN.UTF-8'

# in_chinese ARGUMENT...: as run_ipcdemo.
in_chinese() {
	run_as="env $chinese"
	run_ipcdemo "$@"
	run_as=''
}

# english FILE: words of it that nobody translated. Left out are names: of mechanisms, options and
# their words, commands, files, units and what is written alike in Chinese.
english() {
	sed -e 's/\x1b\[[0-9;?]*[a-zA-Z]//g; s/--[a-z-]*\(=[A-Za-z0-9.-]*\)*//g' \
		-e 's/[^ ]*\.pdf//g; s/[a-z]*([0-9])//g' \
		-e "s:$IPCDEMO\( [a-z]*\)*::g; s/ipcdemo\( [A-Za-z]*\)*//g" "$1" |
		grep -oE '[A-Za-z]{4,}' | sort -u | grep -vxF -e Unix -e POSIX -e System -e Linux \
		-e ZeroMQ -e futex -e memfd -e uring -e exec -e fork -e SEQPACKET \
		-e Debian -e configure -e libzmq $(backends |
		sed 's/^/-e /')
}

# ---- which language ----

# says WHAT PATTERN VARIABLE=VALUE...: the answer to an unknown mechanism.
says() {
	what=$1 pattern=$2
	shift 2
	env -u LC_ALL -u LANG -u LANGUAGE "$@" "$IPCDEMO" --ipc=pip >"$T/out" 2>"$T/err"
	equal "$what: exit code" 2 $?
	matches "$what" "$pattern" "$T/err"
}

says 'a locale that need not be generated' '没有名为“pip”' LANG=zh_CN.UTF-8
says 'no character set is UTF-8' '没有名为“pip”' LC_ALL=zh_CN
says 'LC_MESSAGES alone' '没有名为“pip”' LANG=C.UTF-8 LC_MESSAGES=zh_CN.UTF-8
says 'LANGUAGE with any locale' '没有名为“pip”' LANG=C.UTF-8 LANGUAGE=xx:zh_CN
says 'the C locale is English' 'no mechanism is called' LC_ALL=C LANGUAGE=zh_CN
says 'no locale at all' 'no mechanism is called' LANGUAGE=zh_CN
says 'a language that we do not speak' 'no mechanism is called' LANG=fr_FR.UTF-8

# Locales of the test's own, if the machine has what they are made from.
mkdir "$T/locales"
for name in zh_CN de_DE; do
	localedef -i $name -f UTF-8 "$T/locales/$name.UTF-8" >/dev/null 2>&1 || :
done
# glibc does not free what it makes of LOCPATH, which is a leak to LeakSanitizer.
[ "${sanitized:-no}" = no ] || rm -rf "$T/locales"
if [ -f "$T/locales/zh_CN.UTF-8/LC_CTYPE" ]; then
	localedef -i zh_CN -f GB18030 "$T/locales/zh_CN.GB18030" >/dev/null 2>&1 || :
	says 'a locale that is generated' '没有名为“pip”' LOCPATH="$T/locales" LANG=zh_CN.UTF-8
	if [ -f "$T/locales/zh_CN.GB18030/LC_CTYPE" ]; then
		says 'another character set: English' 'no mechanism is called' \
			LOCPATH="$T/locales" LANG=zh_CN.GB18030
	else
		skip_part "another character set: localedef does not know GB18030"
	fi
else
	skip_part "no localedef, or no package locales"
fi

# ---- the demo ----

in_chinese --demo-seconds=0.3-0.5
equal 'the demo: exit 0, stdout empty' '0 ' "$status $(cat "$T/out")"
tr -d '\n' <"$T/err" >"$T/flat" # however it was wrapped
for words in 演示： 不使用网络，也不留下任何东西。 平均同时进行 记录 \
	唤醒 同时下载： 一个接一个： 节省： 接下来可以运行：; do
	is_true "the demo says $words" grep -qF "$words" "$T/flat"
done
equal 'the demo: no English is left' '' "$(english "$T/err")"
matches 'the demo: a decimal point' '节省：0\.[0-9][0-9] s' "$T/err"
in_chinese --model=sequential --demo-seconds=0.2 -v
equal 'the demo, one after the other: no English is left' '' "$(english "$T/err" | grep -v http)"

# on_terminal COLUMNS ARGUMENT...: what reaches a terminal that is so wide.
on_terminal() {
	columns=$1
	shift
	TERM=xterm script -qec "stty cols $columns rows 24; exec env $chinese $IPCDEMO $*" \
		/dev/null </dev/null >"$T/tty" 2>&1
}

# widest: the columns of the widest line on the terminal, control sequences aside, and lines that
# it breaks by itself: those with our own path, and of finished files.
widest() {
	tr '\r' '\n' <"$T/tty" | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g' |
		grep -vF -e "$IPCDEMO" -e '.pdf：' | LC_ALL=C.UTF-8 wc -L
}

if command -v script >/dev/null; then
	for columns in 40 80 200; do
		on_terminal $columns --demo-seconds=0.6
		is_true "$columns columns: rows in Chinese" grep -q '合计' "$T/tty"
		is_true "$columns columns: nothing is wider" [ "$(widest)" -le $columns ]
		equal "$columns columns: no English is left" '' "$(english "$T/tty")"
		on_terminal $columns --help
		is_true "--help in $columns columns: in Chinese" grep -q '^用法：' "$T/tty"
		is_true "--help in $columns columns: nothing is wider" [ "$(widest)" -le $columns ]
	done
else
	skip_part "no script to play the terminal"
fi

# ---- errors, tables ----

in_chinese --retries=0 http://127.0.0.1:9/x
fails 'a refused connection' 1 'http://127.0.0.1:9/x: 连接被拒绝'
in_chinese -i /nonexistent
fails 'a list that is not there' 2 '没有那个文件或目录'
in_chinese --nope
fails 'an unknown option' 2 '未识别的选项“--nope”'
in_chinese -j 0
fails 'a number out of range' 2 '0 超出范围'
for command in list choose; do
	in_chinese $command
	equal "$command: no English is left" '' "$(english "$T/out")"
done
in_chinese bench --ipc=pipe --rounds=1 --time=1 --place=same --mode=latency,throughput -q
equal 'bench: exit 0' 0 "$status"
matches 'bench: headings' '^机制 +等待 +位置' "$T/out"

# ---- what programs read ----

# What no two runs have in common is taken out.
steady() {
	sed -E 's/"(pid|wakeups|[a-z_]*(_s|seconds))":[^,}]*//g' "$T/out"
}

# same WHAT ARGUMENT...: stdout is the same in both languages.
same() {
	what=$1
	shift
	run_ipcdemo "$@"
	steady >"$T/english"
	code=$status
	in_chinese "$@"
	steady >"$T/chinese"
	equal "$what: the same exit code" $code "$status"
	is_true "$what: something is printed" [ -s "$T/english" ]
	is_true "$what: the same in both languages" cmp -s "$T/english" "$T/chinese"
}

same 'list --json' list --json
same 'choose as JSON' choose --format=json --pollable --record=9000
same 'events as JSON' --progress=json --ipc=pipe -j1 --retries=0 -d "$T/j" http://127.0.0.1:9/a \
	ftp://h/b
same '--dry-run' --dry-run -d "$T/j" http://127.0.0.1:9/a http://127.0.0.1:9/b
same 'the options for completion' --list-options
in_chinese bench --ipc=pipe --rounds=1 --time=1 --place=same --size=8,2097152 --format=csv -q
equal 'CSV: no Chinese in it' '' "$(grep -P '[^\x00-\x7f]' "$T/out")"
matches 'CSV: its first line' '^backend,api,mode,wait,placement' "$T/out"

# A locale whose decimals have a comma: figures and options have a point all the same.
if [ -d "$T/locales/de_DE.UTF-8" ]; then
	chinese="LC_ALL=de_DE.UTF-8 LANGUAGE=zh_CN LOCPATH=$T/locales"
	in_chinese --demo-seconds=0.2-0.3
	matches 'LC_NUMERIC: a decimal point' '同时下载：0\.[0-9][0-9] s' "$T/err"
	matches 'LC_NUMERIC: options have one' '0\.2 到 0\.3 秒' "$T/err"
	same 'LC_NUMERIC: JSON' choose --format=json
fi

# ---- workers open no catalogue: a sandbox may forbid it ----

if strace -o /dev/null true 2>/dev/null; then
	LC_ALL=zh_CN.UTF-8 strace -f -qq -e trace=openat -o "$T/trace" "$IPCDEMO" \
		--demo-seconds=0.1 --progress=none
	equal 'the catalogue is opened once' 1 "$(grep -c 'ipcdemo\.mo".* = [0-9]' "$T/trace")"
else
	skip_part "strace is missing, or may not trace"
fi
finish
