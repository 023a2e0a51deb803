#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154 # shared with lib.sh
#
# references_test.sh - what the mechanisms' files send a reader to is there: each manual page, each
# file of /proc and limit of the kernel, each RLIMIT.
DEADLINE=120
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# pages FILE...: the manual pages named there, as "7 pipe"
pages() {
	grep -ohE '\b[a-z_][a-z0-9_]+\([1-8]\)' "$@" | sed 's/\(.*\)(\(.\))/\2 \1/' | sort -u
}

# settings FILE...: files of /proc, and limits as "fs.pipe-user-pages-soft", as paths. Those from
# comments only: in code a dot is a member.
settings() {
	grep -ohE '/proc/[A-Za-z0-9_/-]+' "$@" | sed 's,/proc/PID,/proc/self,; s,/N$,,; s,/$,,'
	sed -n '\,^ \*\|^/\*\|//,p' "$@" | grep -oE '\b(fs|net|kernel|vm)\.[a-z_]+[.a-z0-9_-]+' |
		sed 's/\.$//' | tr . / | sed 's,^,/proc/sys/,'
}

rlimits() {
	grep -ohE 'RLIMIT_[A-Z]+' "$@" | sort -u
}

# missing_pages: those of standard input that have no page here
missing_pages() {
	while read -r section page; do
		man -w "$section" "$page" >/dev/null 2>&1 || echo "$page($section)"
	done
}

# missing_settings: those of standard input that the running kernel has not, although it has others
# beside them. The kernel may lack the whole subsystem (Yama), or be older than the setting.
missing_settings() {
	sort -u | while read -r path; do
		if [ -e "$path" ] || [ ! -d "$(dirname "$path")" ]; then
			continue
		fi
		case $path in
		*/io_uring_disabled) since=6.6 ;;
		*/memfd_noexec) since=6.3 ;;
		*) since=0 ;;
		esac
		printf '%s\n%s\n' "$since" "$(uname -r)" | sort -CV && echo "$path"
	done
}

# unknown_rlimits: those of standard input that <sys/resource.h> does not know
unknown_rlimits() {
	while read -r name; do
		printf '#include <sys/resource.h>\nint limit = %s;\n' "$name" |
			"${CC:-cc}" -D_GNU_SOURCE -x c -fsyntax-only - 2>/dev/null || echo "$name"
	done
}

cat >"$T/wrong.c" <<'END'
/* see pipe(6), fs.pipe-max-sizes, /proc/sys/fs/pipe-min-size and RLIMIT_NOFILES */
END
cards=$T/cards
for file in "$srcdir"/ipc/*.c; do
	awk -v format=text -f "$srcdir/build-aux/cards.awk" "$file" >>"$cards"
	sed -n '/\.man = {/,/}/p' "$file" >>"$T/man"
done
is_true "the cards name pages, files and limits" [ "$(pages "$cards" | wc -l)" -gt 10 ]

if ! command -v man >/dev/null || ! man -w 2 write >/dev/null 2>&1; then
	skip_part "manual pages: none are installed here (Debian: manpages-dev)"
else
	pages "$cards" "$T/man" >"$T/pages"
	for library in zmq:libzmq3-dev io_uring:liburing-dev; do
		man -w "${library%:*}" >/dev/null 2>&1 && continue
		skip_part "manual pages of ${library%:*}: not installed (Debian: ${library#*:})"
		sed -i "/ ${library%:*}/d" "$T/pages"
	done
	equal "each manual page exists" '' "$(missing_pages <"$T/pages")"
	equal "a page that does not exist is seen" 'pipe(6)' "$(pages "$T/wrong.c" | missing_pages)"
fi

equal "each file of /proc and limit of the kernel exists" '' \
	"$(settings "$srcdir"/ipc/*.c | missing_settings)"
equal "one that does not exist is seen" '/proc/sys/fs/pipe-max-sizes /proc/sys/fs/pipe-min-size' \
	"$(settings "$T/wrong.c" | missing_settings | paste -sd ' ' -)"

if command -v "${CC:-cc}" >/dev/null; then
	equal "each RLIMIT exists" '' "$(rlimits "$srcdir"/ipc/*.c | unknown_rlimits)"
	equal "one that does not exist is seen" RLIMIT_NOFILES \
		"$(rlimits "$T/wrong.c" | unknown_rlimits)"
else
	skip_part "RLIMIT: there is no compiler"
fi
finish
