#!/bin/sh
# SPDX-License-Identifier: MIT
#
# update.sh LANGUAGES FILE... - brings each po/LANGUAGE.po up to the messages of the FILEs, for
# `make update-po`. Run at the top of the source tree.
#
#	update.sh --extract FILE...	only prints the messages, for the test of them
#
# Neither line numbers nor a date of creation are noted: they would change with every commit.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# A copy of FILE, marked.
mark()
{
	mkdir -p "$work/$(dirname "$1")"
	awk -f po/mark.awk "$1" >"$work/$1"
}

# extract FILE...: the messages of the sources, among them the reasons that ipc/ gives.
extract()
{
	for file; do
		mark "$file"
	done
	sed -n 's/^\t\("built without .*"\).*/N_(\1)/p' Makefile.am >>"$work/ipc/core/registry.c"
	${XGETTEXT:-xgettext} --language=C --from-code=UTF-8 --omit-header --add-location=file \
		--sort-by-file --keyword --keyword=_ --keyword=N_ --keyword=ngettext:1,2 \
		--add-comments=TRANSLATORS: --directory="$work" --output=- "$@"
}

if [ "$1" = --extract ]; then
	shift
	extract "$@"
	exit
fi
languages=$1
shift
extract "$@" >"$work/pot"
for language in $languages; do
	po=po/$language.po
	# No guesses from similar messages: what is new is empty, which the test of them finds.
	msgmerge --quiet --update --backup=none --no-fuzzy-matching --add-location=file \
		--sort-by-file "$po" "$work/pot"
	msgattrib --no-obsolete --add-location=file --sort-by-file --output-file="$po" "$po"
	msgfmt --check --statistics --output-file=/dev/null "$po"
done
