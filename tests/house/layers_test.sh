#!/bin/sh
# SPDX-License-Identifier: MIT
#
# layers_test.sh - who may include whom, and what may be called where.
#
# The text rules read the sources without comments and literals (code.awk); the object rules
# read libipc.a, because the linker sees global data and calls between mechanisms more surely
# than any pattern. Each rule is then tried on a seeded violation, so that a rule which can no
# longer fail is itself a failure.
set -eu

srcdir=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
builddir=${abs_top_builddir:-$srcdir/build}
LC_ALL=C
export LC_ALL
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Function calls, by name.
banned='sprintf|vsprintf|strcpy|strcat|strtok|atoi|atol|atoll|atof|gets|signal|system|popen'
banned="$banned|sleep|usleep|alloca|gethostbyname|tmpnam|mktemp"
forks='fork|vfork|clone|clone3|_Fork|posix_spawn|posix_spawnp|daemon|forkpty'
prints='printf|fprintf|dprintf|vprintf|vfprintf|vdprintf|puts|fputs|putchar|fputc|putc|fwrite'
prints="$prints|perror|psignal|syslog|vsyslog"
ends='exit|_exit|_Exit|quick_exit|abort|err|errx|error'
environs='getenv|secure_getenv|setenv|unsetenv|putenv|clearenv'
allocates='malloc|calloc|realloc|reallocarray|strdup|strndup|asprintf|vasprintf|free'

# calls TAG NAMES: standard input's lines that call one of NAMES, as violations.
calls()
{
	grep -E "(^|[^A-Za-z0-9_])($2)[ \t]*\(" | sed "s/^/$1: /" || :
}

# matches TAG PATTERN: the same for a pattern.
matches()
{
	grep -E "$2" | sed "s/^/$1: /" || :
}

# in_ FILE-PATTERN / not_in FILE-PATTERN: the lines of FILE:LINE:CODE from such files.
in_()
{
	grep -E "^($1):" || :
}

not_in()
{
	grep -vE "^($1):" || :
}

# The rooms of src/, each with the rooms whose headers its files may include, beside its own and
# ipc/ipc.h: the picture in CONTRIBUTING.md.
rooms='
common
origin    common
progress  common
download  common origin progress
bench     common origin download
commands  common progress download bench
main      common download commands
'

# room_violations: standard input's includes that lead to another room than their own's list allows,
# or that name no room.
room_violations()
{
	awk -v rooms="$(echo "$rooms" | tr '\n' ';')" '
		BEGIN {
			count = split(rooms, line, ";")
			for (i = 1; i <= count; i++) {
				n = split(line[i], word, " ")
				for (j = 1; j <= n; j++)
					allowed[word[1], word[j]] = 1
			}
		}
		match($0, /"[^"]*"/) {
			included = substr($0, RSTART + 1, RLENGTH - 2)
			file = $0
			sub(/:.*/, "", file)
			room = file ~ /^src\/[^\/]*$/ ? "main" : file
			sub(/^src\//, "", room)
			sub(/\/.*/, "", room)
			target = included
			sub(/\/.*/, "", target)
			if (included == "config.h" || included == "ipc/ipc.h")
				next
			if (target == "ipc")
				print "src-includes-inner-ipc: " $0
			else if (target == included)
				print "include-names-no-room: " $0
			else if (!((room, target) in allowed))
				print "room-includes-upward: " $0
		}'
}

# text_violations TREE: one line "RULE: FILE:LINE:CODE" for each broken rule.
text_violations()
{
	cd "$1"
	find ipc src -name '*.[ch]' | sort >"$work/files"
	xargs awk -f "$srcdir/tests/house/code.awk" <"$work/files" >"$work/code"
	xargs awk -v literals=keep -f "$srcdir/tests/house/code.awk" <"$work/files" >"$work/text"
	grep -E ':[0-9]+:[ \t]*#[ \t]*include' "$work/text" >"$work/includes" || :

	in_ 'ipc/.*' <"$work/includes" | matches quoted ':[0-9]+:.*"' |
		grep -vE '"(ipc/(ipc|core/[a-z_]+)\.h|config\.h|ipc/core/(backends|cards)\.inc)"' |
		sed 's/^quoted/ipc-includes-outside/' || :
	matches includes-source '"[^"]*\.c"' <"$work/includes"
	in_ 'src/.*' <"$work/includes" | room_violations
	not_in 'src/download/fetch((_loop|_result|_setup)?\.c|_internal\.h)' <"$work/includes" |
		matches curl-outside-fetch 'curl/'
	not_in 'ipc/zmq\.c|src/bench/floor_zmq\.c' <"$work/includes" |
		matches zmq-outside-zmq 'zmq[a-z_]*\.h'
	not_in 'src/download/sandbox_calls\.c' <"$work/includes" |
		matches seccomp-outside-sandbox_calls 'seccomp\.h' | grep -v 'linux/seccomp' || :

	calls banned "$banned" <"$work/code"
	not_in 'src/common/spawn\.c' <"$work/code" | calls fork-outside-spawn "$forks"
	in_ 'ipc/.*' <"$work/code" | calls ipc-prints "$prints"
	in_ 'ipc/.*' <"$work/code" | calls ipc-ends-process "$ends"
	in_ 'ipc/.*' <"$work/code" | calls ipc-reads-environment "$environs"
	in_ 'ipc/.*' <"$work/code" |
		matches ipc-reads-environment '[^A-Za-z0-9_]environ[^A-Za-z0-9_]'
	backends=$(grep -lE '^const struct ipc_backend ipc_' ipc/*.c | paste -sd '|' -)
	in_ "${backends:-none}" <"$work/code" | calls backend-allocates "$allocates"
	not_in 'src/progress/view_tty\.c' <"$work/text" |
		matches terminal-outside-view_tty '\\(033|x1[bB]|e\[)'

	path_violations
}

# No machine's own path in any file of the tree.
path_violations()
{
	dirs='home|root|work|Users'
	find . \( -name .git -o -name build -o -name autom4te.cache -o -name 'ipcdemo-*' \) -prune \
		-o -type f \( -name '*.[ch]' -o -name '*.sh' -o -name '*.awk' -o -name '*.md' \
		-o -name ipcdemo.m4 -o -name configure.ac -o -name Makefile.am -o -name '*.pc.in' \
		-o -name bootstrap -o -name run \) ! -path ./tests/house/layers_test.sh \
		-exec grep -nE "(^|[^A-Za-z0-9_./-])/($dirs)/" /dev/null {} + |
		sed 's/^/machine-path: /' || :
}

# object_violations LIBRARY BACKEND-NAMES
object_violations()
{
	# Writable data: anything in .data, .bss, thread-local or common; constant tables that
	# the dynamic linker relocates (.data.rel.ro) are read-only when the program runs. The one
	# exception is where the registry keeps what ipc_register adds.
	objdump -t "$1" | awk -F '\t' '
		/: +file format/ {
			member = $1
			sub(/:.*/, "", member)
		}
		NF == 2 {
			section = $1
			sub(/^.* /, "", section)
			size = name = $2
			sub(/ .*/, "", size)
			sub(/^.* /, "", name)
		}
		NF == 2 && section ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ &&
		section !~ /^\.data\.rel\.ro/ && size !~ /^0+$/ &&
		(member != "registry.o" || name != "added") {
			print "global-data: " member " " name
		}'
	# A mechanism that uses a symbol of another.
	nm -A "$1" 2>/dev/null | awk -v list="$2" '
		BEGIN { n = split(list, a, " "); for (i = 1; i <= n; i++) backend[a[i]] = 1 }
		{
			split($1, part, ":")
			member = part[2]
			sub(/\.o$/, "", member)
			sub(/^.*-/, "", member)
			if (!(member in backend))
				next
			if ($(NF - 1) == "U")
				uses[member, $NF] = 1
			else if ($(NF - 1) ~ /[A-Z]/)
				owner[$NF] = member
		}
		END {
			for (pair in uses) {
				split(pair, p, SUBSEP)
				if (p[2] in owner && owner[p[2]] != p[1])
					print "backend-uses-backend: " p[1] " uses " p[2] \
						" of " owner[p[2]]
			}
		}'
}

# circles LIBRARY: units that need each other, by the symbols that they define and use.
circles()
{
	nm -A "$1" 2>/dev/null | awk '
		{
			split($1, part, ":")
			member = part[2]
			if ($(NF - 1) == "U")
				uses[member, $NF] = 1
			else if ($(NF - 1) ~ /^[A-TV-Z]$/)
				owner[$NF] = member
		}
		END {
			for (pair in uses) {
				split(pair, p, SUBSEP)
				if (p[2] in owner && owner[p[2]] != p[1])
					print p[1], owner[p[2]]
			}
		}' | sort -u | tsort 2>&1 >/dev/null |
		sed -n 's/^tsort: \([a-z_0-9]*\.o\)$/circle: \1/p'
}

# seed FILE RULE: standard input becomes a file that must break RULE ("none": no rule).
seed()
{
	mkdir -p "$work/seeded/$(dirname "$1")"
	cat >"$work/seeded/$1"
	echo "$2 $1" >>"$work/expected"
}

seed_everything()
{
	echo '#include "common/clock.h"' | seed ipc/a.c ipc-includes-outside
	echo '#include "pipe.c"' | seed ipc/b.c includes-source
	echo '#include "ipc/core/backend.h"' | seed src/common/a.c src-includes-inner-ipc
	echo '#include "clock.h"' | seed src/common/b.c include-names-no-room
	echo '#include "progress/progress.h"' | seed src/common/c.c room-includes-upward
	echo '#include "progress/progress.h"' | seed src/origin/a.c room-includes-upward
	echo '#include "origin/origin.h"' | seed src/progress/a.c room-includes-upward
	echo '#include "commands/commands.h"' | seed src/download/a.c room-includes-upward
	echo '#include "bench/bench.h"' | seed src/download/b.c room-includes-upward
	echo '#include "progress/progress.h"' | seed src/bench/write/a.c room-includes-upward
	echo '#include "origin/origin.h"' | seed src/commands/a.c room-includes-upward
	echo '#include "bench/bench.h"' | seed src/a.c room-includes-upward
	echo '#include <curl/curl.h>' | seed src/b.c curl-outside-fetch
	echo '#include <zmq.h>' | seed src/c.c zmq-outside-zmq
	echo '#include <seccomp.h>' | seed src/j.c seccomp-outside-sandbox_calls
	echo '	sprintf(buf, "x"); sleep (1);' | seed src/d.c banned
	echo '	signal(SIGINT, f);' | seed ipc/d.c banned
	echo '	pid = fork();' | seed src/f.c fork-outside-spawn
	echo '	printf("x");' | seed ipc/e.c ipc-prints
	echo '	exit(1);' | seed ipc/f.c ipc-ends-process
	echo '	p = getenv("X");' | seed ipc/g.c ipc-reads-environment
	printf 'x = malloc(1);\nconst struct ipc_backend ipc_h = {\n' |
		seed ipc/h.c backend-allocates
	printf '\tput("\\033[2K");\n' | seed src/g.c terminal-outside-view_tty
	echo '/* see /home/someone/x */' | seed src/h.c machine-path
	# What only looks like a violation.
	seed src/i.c none <<-'EOF'
		/* fork() here, sprintf(x), \033[1m */
		#include "ipc/ipc.h"
		int x = nosleep(1) + my_fork(2) + strlen("exit(1) sprintf(1) \" fork()");
		// signal(1)
	EOF
}

self_check()
{
	: >"$work/expected"
	seed_everything
	(text_violations "$work/seeded") >"$work/found"
	while read -r rule file; do
		if [ "$rule" = none ]; then
			! grep -F "$file:" "$work/found" || die "a false alarm in the seeded $file"
		else
			grep -F "$file:" "$work/found" | grep -q "^$rule: " ||
				die "rule $rule did not see the seeded violation in $file"
		fi
	done <"$work/expected"
}

self_check_objects()
{
	cat >"$work/one.c" <<-'EOF'
		extern int two_secret(void);
		static int counter;
		const char *name = "a pointer that can be moved";
		int one(void);
		int one(void) { return two_secret() + ++counter; }
	EOF
	cat >"$work/two.c" <<-'EOF'
		extern const char *const table[];
		const char *const table[] = { "constant" };
		int two_secret(void);
		int two_secret(void) { return 1; }
	EOF
	# shellcheck disable=SC2086 # CC may hold options
	(cd "$work" && ${CC:-cc} -fPIC -c one.c two.c && ar rc seeded.a one.o two.o)
	object_violations "$work/seeded.a" 'one two' >"$work/found"
	for name in counter name; do
		grep -q "^global-data: one.o $name" "$work/found" ||
			die "global data was not seen: $name"
	done
	grep -q '^backend-uses-backend: one uses two_secret' "$work/found" ||
		die 'a call from one mechanism to another was not seen'
	[ "$(wc -l <"$work/found")" -eq 3 ] || die "false alarms: $(cat "$work/found")"
	[ -z "$(circles "$work/seeded.a")" ] || die 'a circle was seen where there is none'
	echo 'int one(void); int three(void); int three(void) { return one(); }' >"$work/three.c"
	echo 'int three(void); int two_secret(void); int two_secret(void) { return three(); }' \
		>"$work/two.c"
	# shellcheck disable=SC2086
	(cd "$work" && ${CC:-cc} -fPIC -c two.c three.c && ar rc seeded.a two.o three.o)
	[ -n "$(circles "$work/seeded.a")" ] || die 'a circle of three files was not seen'
}

die()
{
	echo "layers: $*" >&2
	exit 1
}

self_check
(text_violations "$srcdir") >"$work/violations"
if [ ! -f "$builddir/libipc.a" ]; then
	die "$builddir/libipc.a is missing: run this from make check, or set abs_top_builddir"
elif [ "${sanitized:-no}" != no ]; then
	echo 'objects: not looked at, the sanitizers add data of their own'
else
	self_check_objects
	names=$(sed -n 's/^IPC_BACKEND(\(.*\))$/\1/p' "$builddir/ipc/core/backends.inc" |
		paste -sd ' ' -)
	object_violations "$builddir/libipc.a" "$names" >>"$work/violations"
	circles "$builddir/libipc.a" >>"$work/violations"
	circles "$builddir/libapp.a" >>"$work/violations"
fi

if [ -s "$work/violations" ]; then
	cat "$work/violations"
	die "$(wc -l <"$work/violations") violations; DESIGN: who may include whom"
fi
echo "layers: $(wc -l <"$work/files") files keep the rules"
