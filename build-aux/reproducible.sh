#!/bin/sh
# SPDX-License-Identifier: MIT
#
# reproducible.sh SOURCE - makes the release's archive twice, from two copies of the commit in
# SOURCE's checkout, at another path and with another umask, time zone and language, and compares
# the two.
set -eu
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# archive DIRECTORY UMASK ZONE LANGUAGE
archive()
(
	umask "$2"
	mkdir -p "$work/$1/build"
	TZ=$3 LC_ALL=$4
	export TZ LC_ALL
	unset MAKEFLAGS MFLAGS MAKELEVEL
	SOURCE_DATE_EPOCH=$(git -C "$source" log -1 --format=%ct)
	export SOURCE_DATE_EPOCH
	git -C "$source" archive HEAD | tar -xf - -C "$work/$1"
	cd "$work/$1"
	autoreconf -fi
	cd build
	../configure
	make -j"$(nproc)" dist
) >"$work/$(basename "$1").log" 2>&1 || {
	tail -n 20 "$work/$(basename "$1").log"
	exit 1
}

archive one 022 UTC C
archive two/deeper 077 Asia/Shanghai C.UTF-8
set -- "$work"/one/build/ipcdemo-*.tar.xz "$work"/two/deeper/build/ipcdemo-*.tar.xz
if cmp "$1" "$2"; then
	echo "reproducible: $(basename "$1"): $(sha256sum "$1" | cut -d ' ' -f 1), twice"
else
	mkdir "$work/a" "$work/b"
	tar -xf "$1" -C "$work/a"
	tar -xf "$2" -C "$work/b"
	diff -r "$work/a" "$work/b" || :
	exit 1
fi
