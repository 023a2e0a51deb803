# SPDX-License-Identifier: MIT
#
# cards.awk - cuts the card out of backend sources: the comment that begins
#
#	/*
#	 * NAME.c - what the mechanism is, in a sentence
#
# as the second comment of NAME.c, right after the SPDX line.
#
#	awk -f cards.awk pipe.c unix.c            one C entry each: IPC_CARD(pipe, "...\n")
#	awk -v format=text -f cards.awk pipe.c    the text itself
#
# A file without a card is an error: `ipcdemo explain` would have nothing to show.

function fail(why)
{
	printf "%s: %s\n", file, why >"/dev/stderr"
	failed = 1
	exit 1
}

function begin_file()
{
	if (file != "" && state != "done")
		fail("has no card: the second comment must begin with \"" name ".c - \"")
	file = FILENAME
	name = file
	sub(/^.*\//, "", name)
	sub(/\.c$/, "", name)
	state = "first line"
}

function put(line)
{
	if (format == "text") {
		print line
		return
	}
	gsub(/\\/, "&&", line)
	gsub(/"/, "\\\"", line)
	printf "\t\"%s\\n\"\n", line
}

FNR == 1 {
	begin_file()
	if ($0 ~ /^\/\* SPDX-License-Identifier: .* \*\/$/)
		state = "open"
	next
}

state == "open" {
	state = $0 == "/*" ? "title" : "none"
	next
}

state == "title" {
	if (index($0, " * " name ".c - ") != 1) {
		state = "none"
		next
	}
	if (format != "text")
		printf "IPC_CARD(%s,\n", name
	state = "card"
}

state == "card" && $0 == " */" {
	if (format != "text")
		print ")"
	state = "done"
	next
}

state == "card" {
	if ($0 != " *" && $0 !~ /^ \* /)
		fail("line " FNR " of the card does not begin with \" * \"")
	put(substr($0, 4))
}

END {
	if (!failed && file != "" && state != "done")
		fail("has no card: the second comment must begin with \"" name ".c - \"")
}
