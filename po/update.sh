#!/bin/sh
# SPDX-License-Identifier: MIT
#
# update.sh LANGUAGE... - brings each po/LANGUAGE.po up to the sources, for `make update-po`. Run at
# the top of the source tree.
#
#	update.sh --extract	only prints the messages of the sources, for the test of them
#
# Neither line numbers nor a date of creation are noted: they would change with every commit.
set -eu
LC_ALL=C
export LC_ALL
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Those of ipc/ are printed, and translated, in src/: the library needs no gettext. The template
# among the mechanisms is nobody's to see.
extract()
{
	find src ipc -name '*.[ch]' ! -name skeleton.c | sort >"$work/files"
	while read -r file; do
		mkdir -p "$work/$(dirname "$file")"
		awk -f po/mark.awk "$file" >"$work/$file"
	done <"$work/files"
	sed -n 's/^\t\("built without .*"\).*/N_(\1)/p' Makefile.am >>"$work/ipc/core/registry.c"
	xgettext --files-from="$work/files" --directory="$work" --output=- --language=C \
		--from-code=UTF-8 --omit-header --add-location=file --sort-by-file \
		--add-comments=TRANSLATORS: --keyword --keyword=_ --keyword=N_ \
		--keyword=ngettext:1,2
}

if [ "$1" = --extract ]; then
	extract
	exit
fi
extract >"$work/pot"
for language; do
	po=po/$language.po
	# No guesses from similar messages: what is new is empty, which the test of them finds.
	msgmerge --quiet --update --backup=none --no-fuzzy-matching --add-location=file \
		--sort-by-file "$po" "$work/pot"
	msgattrib --no-obsolete --add-location=file --sort-by-file --output-file="$po" "$po"
	msgfmt --check --statistics --output-file=/dev/null "$po"
done
