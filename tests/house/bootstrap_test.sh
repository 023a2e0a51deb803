#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bootstrap_test.sh - what ./bootstrap does to a machine, seen through stand-ins for apt.
#
# The real apt-get would change this machine and needs the network; here apt-get, apt-cache,
# dpkg-query, sudo and id are scripts that note how they are called and answer from files:
#
#	installed, known	packages there, packages in apt's lists
#	uid			who runs it
#	online			if there: apt-get update makes it `known`, apt-get install works
set -eu

srcdir=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
LC_ALL=C
export LC_ALL
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
export work
all='gcc libc6-dev make autoconf automake pkgconf libcurl4-openssl-dev libmicrohttpd-dev
libjansson-dev libhwloc-dev libssl-dev libzmq3-dev liburing-dev libseccomp-dev libjs-chart.js
gettext libcmocka-dev help2man jq procps'

die()
{
	echo "bootstrap: $situation: $*" >&2
	sed 's/^/    stderr: /' "$work/err" >&2
	sed 's/^/    called: /' "$work/calls" >&2
	exit 1
}

# stand_in NAME: standard input becomes that command.
stand_in()
{
	(echo '#!/bin/sh' && echo "echo \"$1 \$*\" >>\"\$work/calls\"" && cat) >"$work/bin/$1"
	chmod +x "$work/bin/$1"
}

# machine SITUATION: a machine with nothing but a shell and the usual small tools.
machine()
{
	situation=$1
	rm -rf "${work:?}/bin" "$work/tree" "$work/online"
	mkdir -p "$work/bin" "$work/tree/m4"
	: >"$work/calls"
	: >"$work/installed"
	: >"$work/known"
	echo 0 >"$work/uid"
	for tool in cat chmod cp dirname env find grep ls mkdir mv nproc sed sh sleep tail touch \
		tr true; do
		real=/usr/bin/$tool
		[ -x "$real" ] || real=/bin/$tool
		ln -s "$real" "$work/bin/$tool"
	done
	cp "$srcdir/bootstrap" "$work/tree/"
	touch "$work/tree/configure.ac" "$work/tree/Makefile.am"
	stand_in id <<-'EOF'
		cat "$work/uid"
	EOF
	stand_in autoreconf <<-'EOF'
		touch configure Makefile.in && chmod +x configure
	EOF
	stand_in dpkg-query <<-'EOF'
		sed 's/$/ installed/' "$work/installed"
	EOF
	stand_in apt-cache <<-'EOF'
		grep -qx "$2" "$work/known" && echo "  Candidate: 1" || :
	EOF
	stand_in apt-get <<-'EOF'
		case " $* " in
		*' update '*)
			[ ! -f "$work/online" ] || cp "$work/online" "$work/known"
			;;
		*)
			[ -f "$work/online" ] || { echo 'E: Failed to fetch it' && exit 100; }
			for word; do grep -x -e "$word" "$work/known"; done >>"$work/installed"
			;;
		esac
	EOF
}

online()
{
	echo "$all" | tr ' ' '\n' >"$work/online"
}

# run EXIT-CODE ARGUMENT...: ./bootstrap ARGUMENT... must end so.
run()
{
	expected=$1
	shift
	: >"$work/calls"
	code=0
	(PATH=$work/bin && cd "$work/tree" && exec ./bootstrap "$@") \
		>"$work/out" 2>"$work/err" </dev/null || code=$?
	[ "$code" -eq "$expected" ] || die "ended with $code, not $expected"
}

says()
{
	grep -q -e "^bootstrap: $1" "$work/err" || die "does not say \"$1\""
}

# called PATTERN TIMES
called()
{
	times=$(grep -cE "^$1" "$work/calls" || :)
	[ "$times" -eq "$2" ] || die "$times calls of $1, not $2"
}

machine 'nothing to install'
echo "$all" | tr ' ' '\n' >"$work/installed"
run 0 deps
called apt- 0
called sudo 0
called autoreconf 1
run 0 deps
called autoreconf 0
touch -d '1 second' "$work/tree/configure.ac"
run 0 deps
called autoreconf 1

machine 'new machine, root, empty lists'
online
run 0 deps
says 'installing with apt-get: gcc libc6-dev make'
called 'apt-get -q update' 1
called 'apt-get .*--no-install-recommends gcc .* libjs-chart.js gettext libcmocka-dev .*' 1
run 0 deps
called apt- 0

machine 'one package is missing'
online
cp "$work/online" "$work/known"
grep -v '^make$' "$work/online" >"$work/installed"
run 0 deps
says 'installing with apt-get: make$'
called 'apt-get .*update' 0
called 'apt-get .* make$' 1

machine 'offline, empty lists'
run 1 deps
says 'apt knows no package gcc .*: offline'
called 'apt-get .*install' 0

machine 'offline, lists there'
online
mv "$work/online" "$work/known"
run 1 deps
says 'apt-get install failed; is this machine online'
grep -q '^    E: Failed to fetch it' "$work/err" || die "does not show apt's own words"
called autoreconf 0

machine 'an ordinary user without sudo'
echo 1000 >"$work/uid"
run 1 deps
says 'neither root nor sudo; as root: apt-get install --no-install-recommends gcc'
called apt-get 0

machine 'an ordinary user with sudo'
online
echo 1000 >"$work/uid"
stand_in sudo <<-'EOF'
	exec "$@"
EOF
run 0 deps
called 'sudo apt-get -q update' 1
called 'sudo env DEBIAN_FRONTEND=noninteractive apt-get .* install' 1
called 'sudo .*autoreconf' 0

machine 'sudo refuses'
echo 1000 >"$work/uid"
stand_in sudo <<-'EOF'
	echo 'sudo: a password is required' >&2
	exit 1
EOF
run 1 deps
says 'sudo refuses; as root: apt-get install'
called apt-get 0

machine 'not Debian'
rm "$work/bin/apt-get"
run 1 deps
says 'there is no apt-get'
[ ! -e "$work/tree/build" ] || die 'left build/ behind'

for bad in 'a b' "a'b" 'a"b' 'a#b' 'a&b' 'a$b' 'a\b'; do
	machine "a path like $bad"
	mkdir "$work/$bad"
	mv "$work/tree" "$work/$bad/tree"
	: >"$work/calls"
	code=0
	(PATH=$work/bin && cd "$work/$bad/tree" && exec ./bootstrap deps) 2>"$work/err" ||
		code=$?
	[ "$code" -eq 1 ] || die "ended with $code, not 1"
	says "the path .*/$(printf %s "$bad" | tr -c a-b .)/tree\", holds a blank"
	called apt 0
	[ ! -e "$work/$bad/tree/build" ] || die 'left build/ behind'
	rm -r "${work:?}/$bad"
done

machine 'wrong words'
run 2
run 2 install
grep -q '^	\./bootstrap demo' "$work/err" || die 'does not show its usage'
run 0 --help
called apt- 0

echo 'bootstrap: 18 situations are as they should be'
