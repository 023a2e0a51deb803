#!/bin/sh
# SPDX-License-Identifier: MIT
#
# messages_test.sh - every message of the sources is translated in every po/*.po: none is missing,
# left over or only guessed at, and each has the directives of the original. And what is printed to
# a person is a message. Each rule is tried on a seeded fault first.
set -eu

srcdir=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
LC_ALL=C
export LC_ALL
for tool in xgettext msgmerge msgattrib msgfmt; do
	command -v $tool >/dev/null || { echo "skip - no $tool (Debian: gettext)"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$srcdir"
failed=0

complain()
{
	echo "not ok - $1"
	sed 's/^/    /' "$2" | head -n 40
	failed=1
}

# unmarked TREE: what is printed there to a person and is no message. What programs read, and what
# is English throughout (the pages of explain), are left out.
unmarked()
{
	(cd "$1" && find src -name '*.[ch]' | grep -vE \
		-e '^src/bench/write/(csv|hgrm|html|json)\.c$' \
		-e '^src/commands/(cmd_explain|concepts|concept_figures)\.c$' \
		-e '^src/download/(dry_run|trace|trace_json)\.c$' \
		-e '^src/progress/(summary_json|view_json)\.c$' | sort |
		xargs awk -v literals=keep -f "$srcdir/tests/house/code.awk" |
		awk -f "$srcdir/tests/house/unmarked.awk")
}

# wrong PO POT: what is wrong in it, nothing if it is right.
wrong()
{
	msgfmt --check --output-file=/dev/null "$1" 2>&1 || :
	msgmerge --quiet --no-fuzzy-matching --output-file="$work/merged" "$1" "$2"
	msgattrib --untranslated --no-obsolete "$work/merged" | sed -n 's/^msgid "/missing: "/p' |
		grep -v '^missing: ""$' || :
	msgattrib --only-obsolete "$work/merged" | sed -n 's/^#~ msgid /left over: /p'
	msgattrib --only-fuzzy --no-obsolete "$1" | sed -n 's/^msgid "/only a guess: "/p' || :
}

sh po/update.sh --extract >"$work/pot"

# ---- the rules themselves ----

mkdir -p "$work/seeded/src/a"
cat >"$work/seeded/src/a/a.c" <<'END'
	message_error("wrong: %s",
		      name);
	printf(cond ? _("a word") : "another word");
	text_printf(text, _("%u files of %s"), n, name_of("key", "other key"));
	text_add(text, "%s (%u): \n");
END
unmarked "$work/seeded" >"$work/found"
[ "$(grep -c . "$work/found")" -eq 2 ] && grep -q 'wrong' "$work/found" &&
	grep -q 'another word' "$work/found" ||
	complain 'seeded literals: those two that are no messages are found' "$work/found"

po=po/zh_CN.po
seed() # WHAT PATTERN SED-COMMAND: a catalogue that the command made worse is found to be so
{
	sed -e "$3" $po >"$work/bad.po"
	wrong "$work/bad.po" "$work/pot" >"$work/found" 2>&1
	grep -q -e "$2" "$work/found" || complain "a seeded fault is found: $1" "$work/found"
}
seed 'no translation' '^missing: "idle"' '/^msgid "idle"/{n;s/".*"/""/;}'
seed 'another directive' 'format' '/^msgid "cannot write: %s"/{n;s/%s/%d/;}'
seed 'a guess' '^only a guess: "idle"' 's/^msgid "idle"/#, fuzzy\n&/'
seed 'no such message any more' '^left over: "idly"' 's/^msgid "idle"/msgid "idly"/'

# ---- the tree ----

unmarked . >"$work/found"
[ ! -s "$work/found" ] || complain 'words for a person outside of _() and N_()' "$work/found"
for po in po/*.po; do
	wrong "$po" "$work/pot" >"$work/found" 2>&1
	[ ! -s "$work/found" ] ||
		complain "$po: make update-po, then write what is missing" "$work/found"
done

[ $failed -eq 0 ] || exit 1
echo "messages: $(grep -c '^msgid ' "$work/pot") in $(find po -name '*.po' | wc -l) language(s)"
