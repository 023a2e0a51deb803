# SPDX-License-Identifier: MIT
#
# man3.awk - the manual pages of libipc, from the comments in ipc.h: ipc.3 about the whole, and a
# page for each comment that stands before a function (several functions under one comment: one
# page, and links to it).
#
#	awk -v version=1.2.3 -v dir=man -f man3.awk ipc.h
#
# In a comment, a line that is indented belongs to a drawing, an empty one begins a paragraph, and a
# word in capitals that is a parameter's name stands for that parameter. A line "Errors:" begins the
# section of that name: each " -EXXX: ..." is an entry, and so is " others: ...". The first sentence
# becomes the NAME line. A function without a comment is an error: there would be nothing to say.

function fail(why)
{
	printf "%s:%d: %s\n", FILENAME, FNR, why >"/dev/stderr"
	failed = 1
	exit 1
}

# For the formatter: no line is a request, every hyphen is the ASCII one.
function escaped(line)
{
	gsub(/\\/, "\\e", line)
	gsub(/-/, "\\-", line)
	if (line ~ /^[.']/)
		line = "\\&" line
	return line
}

function trimmed(text)
{
	gsub(/[ \t]+/, " ", text)
	sub(/^ /, "", text)
	sub(/ $/, "", text)
	return text
}

# The first sentence of TEXT, as a NAME line wants it: small, without the full stop.
function sentence(text)
{
	gsub(/\n/, " ", text)
	text = trimmed(text)
	sub(/(\. |; |: ).*$/, "", text)
	sub(/\.$/, "", text)
	if (text ~ /^[A-Z][a-z ]/)
		text = tolower(substr(text, 1, 1)) substr(text, 2)
	return escaped(text)
}

# TEXT of a comment as a body; capitals that are PARAMETERS (" slot n ") become italics.
function body(text, parameters,    lines, n, i, line, out, inside, item, words, w, bare, word)
{
	n = split(text, lines, "\n")
	for (i = 1; i <= n; i++) {
		line = lines[i]
		if (line ~ /^ - /) { # an item of a list; its further lines are indented
			item = 1
			out = out ".IP \\(bu 2\n"
			sub(/^ - /, "", line)
		} else if (item && line ~ /^   *[^ ]/) {
			sub(/^ */, "", line)
		} else if (item) {
			item = 0
			out = out ".PP\n"
		}
		if (line ~ /^[ \t][ \t]/ && !inside) {
			out = out ".PP\n.nf\n"
			inside = 1
		} else if (inside && line !~ /^[ \t]/) {
			out = out ".fi\n"
			inside = 0
			if (line == "")
				line = ".PP"
		}
		if (line == "") {
			out = out ".PP\n"
			continue
		}
		if (line == ".PP") {
			out = out ".PP\n"
			continue
		}
		line = escaped(line)
		if (!inside) {
			words = split(line, w, " ")
			line = ""
			for (word = 1; word <= words; word++) {
				bare = w[word]
				gsub(/[^A-Z_]/, "", bare)
				if (bare != "" && index(parameters, " " tolower(bare) " ") &&
				    w[word] ~ "^[(*]*" bare "([^A-Za-z_]|$)")
					sub(bare, "\\fI" tolower(bare) "\\fP", w[word])
				line = line (word > 1 ? " " : "") w[word]
			}
		}
		out = out line "\n"
	}
	return out (inside ? ".fi\n" : "")
}

# The section of what stands behind "Errors:" in TEXT; each entry may go on in an indented line.
function errors(text, parameters,    lines, n, i, at, out)
{
	n = split(text, lines, "\n")
	lines[1] = trimmed(lines[1])
	out = ".SH ERRORS\n" body(toupper(substr(lines[1], 1, 1)) substr(lines[1], 2), parameters)
	for (i = 2; i <= n; i++) {
		if (lines[i] ~ /^ (-E[A-Z0-9]+(, -E[A-Z0-9]+)*|others): /) {
			at = index(lines[i], ": ")
			out = out ".TP\n.B \"" escaped(substr(lines[i], 2, at - 2)) "\"\n" \
				body(trimmed(substr(lines[i], at + 2)), parameters)
		} else if (lines[i] ~ /^  *[^ ]/ && i > 2) {
			out = out body(trimmed(lines[i]), parameters)
		} else {
			fail("no error: " lines[i])
		}
	}
	return out
}

function header(title)
{
	return ".\\\" Made by man3.awk from ipc.h: change that.\n.TH " title \
		" 3 \"\" \"libipc " version "\" \"libipc\"\n"
}

# One page for the functions that stand under COMMENT.
function page(    i, file, out, all, parameters)
{
	for (i = 1; i <= functions; i++) {
		all = all (i > 1 ? ", " : "") name[i]
		parameters = parameters " " arguments[i]
	}
	out = header(toupper(name[1])) ".SH NAME\n" all " \\- " sentence(comment) "\n"
	out = out ".SH SYNOPSIS\n.nf\n.B #include <ipcdemo/ipc.h>\n.PP\n"
	for (i = 1; i <= functions; i++)
		out = out ".B \"" escaped(prototype[i]) "\"\n"
	i = index(comment, "\nErrors:")
	out = out ".fi\n.SH DESCRIPTION\n"
	out = out body(i ? substr(comment, 1, i - 1) : comment, parameters " ")
	if (i)
		out = out errors(substr(comment, i + length("\nErrors:")), parameters " ")
	out = out ".SH SEE ALSO\n.BR ipc (3)\n"
	file = dir "/" name[1] ".3"
	printf "%s", out >file
	close(file)
	for (i = 2; i <= functions; i++) {
		print ".so man3/" name[1] ".3" >(dir "/" name[i] ".3")
		close(dir "/" name[i] ".3")
	}
	list = list ".TP\n.BR " name[1] " (3)"
	for (i = 2; i <= functions; i++)
		list = list ", " name[i]
	list = list "\n" sentence(comment) "\n"
	functions = 0
}

# A prototype is complete: TEXT.
function declared(text,    n, words, i, word)
{
	text = trimmed(text)
	if (!comment)
		fail("no comment before: " text)
	functions++
	prototype[functions] = text
	match(text, /ipc_[a-z_]+\(/)
	name[functions] = substr(text, RSTART, RLENGTH - 1)
	n = split(substr(text, RSTART + RLENGTH), words, /[,)]/)
	for (i = 1; i < n; i++) {
		word = words[i]
		sub(/^.*[ *]/, "", word)
		arguments[functions] = arguments[functions] " " word
	}
}

BEGIN { state = "code" }

# ---- comments at the left edge ----

state == "code" && /^\/\*/ {
	if (functions)
		page()
	comment = ""
	split("", arguments)
	state = "comment"
	line = $0
	sub(/^\/\*[ \t]?/, "", line)
	if (line ~ /\*\/$/) {
		sub(/[ \t]*\*\/$/, "", line)
		state = "code"
	}
	comment = line
	next
}

state == "comment" {
	line = $0
	if (line ~ /\*\/[ \t]*$/) {
		sub(/[ \t]*\*\/[ \t]*$/, "", line)
		state = "code"
	}
	sub(/^ \*?[ ]?/, "", line)
	if (line != "" || state == "comment")
		comment = comment (comment == "" ? "" : "\n") line
	if (state == "code" && !overview) {
		sub(/^ipc\.h - /, "", comment)
		overview = toupper(substr(comment, 1, 1)) substr(comment, 2)
	}
	next
}

# ---- what follows them ----

text != "" || /^[a-z][a-z0-9_ ]*[ *]ipc_[a-z_]+\(/ {
	text = text " " $0
	if (text ~ /;[ \t]*$/) {
		declared(text)
		text = ""
	}
	next
}

/^(struct|enum) [a-z_]+ \{/ {
	types = types (types == "" ? "" : "\n") (comment == "" ? "" : remark(comment))
	in_type = 1
}
in_type { types = types $0 "\n" }
in_type && /^(\}|.*\};)/ { in_type = 0 }

/^#define IPC_[A-Z_]+[ \t]/ && !/VERSION/ { constants = constants $0 "\n" }

/^$/ {
	if (functions)
		page()
	comment = ""
}

END {
	if (failed)
		exit 1
	if (!list)
		fail("no functions")
	file = dir "/ipc.3"
	printf "%s.SH NAME\nipc \\- %s\n", header("IPC"), sentence(overview) >file
	printf ".SH SYNOPSIS\n.nf\n.B #include <ipcdemo/ipc.h>\n.PP\n%s\n.fi\n", \
		escaped("cc -D_GNU_SOURCE main.c $(pkg-config --cflags --libs libipc)") >file
	printf ".SH DESCRIPTION\n%s", body(overview, " ") >file
	printf ".SH FUNCTIONS\n%s", list >file
	printf ".SH TYPES\n.nf\n%s%s.fi\n", preformatted(constants "\n"), preformatted(types) >file
	printf ".SH SEE ALSO\n.BR ipcdemo (1),\n.BR ipcdemo\\-list (1),\n" >file
	printf ".BR ipcdemo\\-explain (1),\n.BR ipc_open (3)\n" >file
}

# TEXT of a comment as a comment again.
function remark(text)
{
	gsub(/\n/, "\n * ", text)
	return "/*\n * " text "\n */\n"
}

# Code, as it stands, its tabs as half as many blanks.
function preformatted(text,    lines, n, i, out, at)
{
	n = split(text, lines, "\n")
	for (i = 1; i < n; i++) {
		while ((at = index(lines[i], "\t")))
			lines[i] = substr(lines[i], 1, at - 1) \
				substr("        ", 1 + (at - 1) % 4, 4 - (at - 1) % 4) \
				substr(lines[i], at + 1)
		out = out escaped(lines[i]) "\n"
	}
	return out
}
