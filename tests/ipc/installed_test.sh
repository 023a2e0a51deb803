#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154 # shared with lib.sh
# installed_test.sh - what `make install` gives to others: programs in C and C++, against the shared
# and the static library, found by pkg-config alone; a mechanism from outside, in a program and in
# a module that ipcdemo loads; no symbol but those of ipc.h; and nothing is left by uninstall.
DEADLINE=240
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

[ "$sanitized" = no ] || skip_all "an outside program would need the sanitizers too"
cc=${CC:-cc} cxx=${CXX:-c++}
for tool in "$cc" make pkg-config nm; do
	command -v "$tool" >/dev/null || skip_all "there is no $tool"
done
root=$T/root
unset MAKEFLAGS MFLAGS MAKELEVEL GNUMAKEFLAGS # of the make that runs this test

# make_it TARGET: of the build directory, into $root.
make_it() {
	make -C "$abs_top_builddir" DESTDIR="$root" "$1" >"$T/make.log" 2>&1 &&
		ok "make $1" && return
	not_ok "make $1"
	note_file "$T/make.log"
	return 1
}

# pkg OPTION...: pkg-config for the installed tree.
pkg() {
	PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$root pkg-config "$@" libipc
}

# needed: the libraries that libipc needs.
needed() {
	for module in $(pkg --print-requires-private); do
		pkg-config --libs "$module"
	done
}

# compiles WHAT COMMAND...
compiles() {
	what=$1
	shift
	"$@" >"$T/cc.log" 2>&1 && ok "$what" && return
	not_ok "$what"
	note_file "$T/cc.log"
	return 1
}

expected='20%
40%
60%
80%
100% done'

built=$(sed -n 's/^IPC_BACKEND(\(.*\))$/\1/p' "$abs_top_builddir/ipc/core/backends.inc")

# runs WHAT PROGRAM: over each mechanism of this build.
runs() {
	for ipc in $built; do
		equal "$1 over $ipc" "$expected" \
			"$(LD_LIBRARY_PATH=$libdir timeout 20 "$2" "$ipc" 2>&1)"
	done
}

# outside WHAT COMPILER SOURCE: builds it both ways, and runs it.
outside() {
	# shellcheck disable=SC2046 # words are meant
	compiles "$1 links with what pkg-config says" "$2" -D_GNU_SOURCE -Wall -Wextra -Werror \
		-o "$T/shared" "$3" $(pkg --cflags --libs) && runs "$1, shared" "$T/shared"
	# What libipc itself needs comes shared: not every library has a static version.
	# shellcheck disable=SC2046
	compiles "$1 links with libipc.a" "$2" -D_GNU_SOURCE -o "$T/static" "$3" $(pkg --cflags) \
		"$libdir/libipc.a" $(needed) &&
		runs "$1, static" "$T/static"
}

make_it install || finish
pc=$(dirname "$(find "$root" -name libipc.pc)")
libdir=$(dirname "$pc")
header=$(find "$root" -name ipc.h)

# ---- symbols ----

# The functions of ipc.h, as its prototypes name them.
sed -n 's/^[a-z].*[ *]\(ipc_[a-z_]*\)(.*/\1/p' "$header" | sort >"$T/declared"
is_true "ipc.h declares functions" [ "$(wc -l <"$T/declared")" -gt 20 ]
equal "libipc.so exports what ipc.h declares, and nothing else" "$(cat "$T/declared")" \
	"$(nm -D --defined-only "$libdir/libipc.so" |
		awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort)"
equal "libipc.a shows what ipc.h declares, and nothing else" "$(cat "$T/declared")" \
	"$(nm -g --defined-only "$libdir/libipc.a" | awk 'NF == 3 { print $3 }' | sort)"
equal "every function has its manual page" '' \
	"$(while read -r name; do
		[ -n "$(find "$root" -path "*/man3/$name.3")" ] || echo "$name"
	done <"$T/declared")"

# ---- headers, versions, programs ----

for name in ipc backend; do
	echo "#include <ipcdemo/$name.h>" >"$T/one.c"
	# shellcheck disable=SC2046
	compiles "<ipcdemo/$name.h> stands alone in C" "$cc" -std=c11 -Wall -Wextra -pedantic \
		-Werror -fsyntax-only $(pkg --cflags) "$T/one.c"
done
outside embed.c "$cc" "$srcdir/examples/embed.c"
if command -v "$cxx" >/dev/null; then
	outside embed.cc "$cxx" "$srcdir/examples/embed.cc"
	# shellcheck disable=SC2046
	compiles "<ipcdemo/backend.h> stands alone in C++" "$cxx" -x c++ -Wall -Wextra -Werror \
		-fsyntax-only $(pkg --cflags) "$T/one.c"
else
	skip_part "there is no C++ compiler"
fi

cat >"$T/version.c" <<'END'
#include <stdio.h>
#include <ipcdemo/ipc.h>
int main(void)
{
	printf("%s %s %d.%d.%d\n", IPC_VERSION, ipc_version(), IPC_VERSION_NUMBER / 10000,
	       IPC_VERSION_NUMBER / 100 % 100, IPC_VERSION_NUMBER % 100);
}
END
# shellcheck disable=SC2046
compiles "version.c" "$cc" -o "$T/version" "$T/version.c" $(pkg --cflags --libs)
version=$(pkg --modversion)
equal "one version in the header, the library and pkg-config" "$version $version $version" \
	"$(LD_LIBRARY_PATH=$libdir "$T/version")"
matches "and in ipcdemo --version" "ipcdemo.* $version" /dev/stdin <<END
$("$root$(dirname "${libdir#"$root"}")/bin/ipcdemo" --version 2>&1 || "$IPCDEMO" --version)
END

# ---- a mechanism from outside: the template, as its user would copy it ----

sed -e 's/skeleton/mine/g; s/SKELETON/MINE/g' -e '/"config\.h"/d' \
	-e 's,"ipc/core/backend\.h",<ipcdemo/backend.h>,' "$srcdir/ipc/skeleton.c" >"$T/mine.c"
echo 'IPC_MODULE(ipc_mine);' >>"$T/mine.c"
cat >"$T/use.c" <<'END'
#include <errno.h>
#include <stdio.h>
#include <ipcdemo/backend.h>
extern const struct ipc_module ipc_module;
int main(void)
{
	struct ipc_config config = { .direction = IPC_TO_HUB, .record_size = 8, .slots = 1 };
	struct ipc_module old = { IPC_BACKEND_ABI + 1, ipc_module.backend };
	struct ipc_backend half = *ipc_module.backend;
	struct ipc_module lacking = { IPC_BACKEND_ABI, &half };
	struct ipc *session;
	int index;

	half.recv = NULL;
	if (ipc_open(&session, "mine", &config) != -ENOENT || ipc_register(&old) != -ENOEXEC ||
	    ipc_register(&lacking) != -EINVAL)
		return 1;
	index = ipc_register(&ipc_module);
	if (index < 1 || ipc_info_at(index) != &ipc_module.backend->info ||
	    ipc_info_at(index + 1) || ipc_register(&ipc_module) != -EEXIST)
		return 2;
	if (ipc_open(&session, "mine", &config) < 0 || ipc_arm(session, 0) < 0)
		return 3;
	puts(ipc_session_info(session)->title);
	ipc_close(session);
	return 0;
}
END
# shellcheck disable=SC2046
compiles "a program with a mechanism of its own" "$cc" -D_GNU_SOURCE -Wall -Wextra -Werror \
	-o "$T/use" "$T/use.c" "$T/mine.c" $(pkg --cflags --libs) &&
	equal "it registers it, once, and opens it by name" template \
		"$(LD_LIBRARY_PATH=$libdir "$T/use" || echo "exit $?")"

# shellcheck disable=SC2046
compiles "a module" "$cc" -D_GNU_SOURCE -O2 -fPIC -shared -o "$T/mine.so" "$T/mine.c" \
	$(pkg --cflags)
run_ipcdemo bench --ipc="pipe,$T/mine.so" --wait=block --rounds=1 -n 200 --format=json \
	--output="$T/bench.json"
succeeds "bench measures it beside the others"
equal "with a row of its own" 'mine pipe ' \
	"$(grep -o '"backend": *"[a-z]*"' "$T/bench.json" | cut -d '"' -f 4 | sort -u |
		tr '\n' ' ')"
run_ipcdemo --ipc="$T/mine.so" --demo-seconds=0.05-0.1 --progress=none
succeeds "the downloader runs over it"
sed 's/IPC_MODULE.*/int nothing;/' "$T/mine.c" >"$T/none.c"
# shellcheck disable=SC2046
compiles "an object that is no module" "$cc" -D_GNU_SOURCE -fPIC -shared -o "$T/none.so" \
	"$T/none.c" $(pkg --cflags)
run_ipcdemo bench --ipc="$T/none.so"
fails "it is refused" 2 'cannot use .*none\.so: it has no ipc_module'
run_ipcdemo bench --ipc="$T/absent.so"
fails "so is a file that does not exist" 2 'cannot load a mechanism: .*absent\.so'

# ---- Python: a hub, and workers in C and Python, over every mechanism that has tickets ----

# hub WORKER MECHANISM
hub() {
	LD_LIBRARY_PATH=$libdir PYTHONDONTWRITEBYTECODE=1 timeout 20 \
		python3 "$srcdir/examples/python/hub.py" "$2" "$1" 2>&1
}

if command -v python3 >/dev/null && command -v jq >/dev/null; then
	# shellcheck disable=SC2046
	compiles "a worker for it in C" "$cc" -D_GNU_SOURCE -Wall -Wextra -Werror -o "$T/slot" \
		"$srcdir/examples/python/slot.c" $(pkg --cflags --libs)
	joining=$("$IPCDEMO" list --json | jq -r '.mechanisms[] |
		select((.capabilities // []) | index("JOIN")) | .name')
	is_true "some mechanisms have tickets" [ -n "$joining" ]
	for ipc in $joining; do
		equal "a hub in Python and a slot in C over $ipc" "$expected" \
			"$(hub "$T/slot" "$ipc")"
		equal "a hub and a slot in Python over $ipc" "$expected" \
			"$(hub "$srcdir/examples/python/slot.py" "$ipc")"
	done
	equal "Python: no worker" "hub.py: [Errno 2] No such file or directory: '$T/absent'" \
		"$(hub "$T/absent" pipe)"
	equal "Python: no such mechanism" \
		"hub.py: [Errno 2] No such file or directory: 'ipc_open'" \
		"$(hub "$T/slot" nosuch)"
	equal "Python: a worker that does nothing" "" "$(hub true pipe)"
else
	skip_part "there is no python3, or no jq"
fi

make_it uninstall
equal "uninstall leaves nothing" '' "$(find "$root" ! -type d)"
finish
