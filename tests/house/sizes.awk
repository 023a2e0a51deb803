# SPDX-License-Identifier: MIT
#
# sizes.awk - measures C sources and shell scripts and names what is too large:
#
#	awk -v kind=KIND -f sizes.awk FILE...		KIND: backend, c or text
#
#	all		lines of the file, card and comments included: 500, a backend 400
#	code		lines that hold more than comment and white space: a backend 250, its
#			.info, the text that list and explain show, not counted
#	function	lines from the first of its signature to its closing brace: 60
#	parameters	of a function: 5; more if the comment just before it says whose type asks
#		for them: "parameters: of libmicrohttpd's callback"
#	line		columns, a tab reaching to the next multiple of 8: 100
#
# The layout is clang-format's: a function's braces, and only they, stand alone in column 0;
# its signature begins after the nearest line before that is blank, ends a comment, a
# declaration or a block, or belongs to the preprocessor. Columns are characters, so UTF-8
# continuation bytes do not count: run it with LC_ALL=C.

function complain(what, n, limit)
{
	printf "%s:%d: %s: %d, at most %d\n", FILENAME, FNR, what, n, limit
	bad = 1
}

function columns(line,    i, n)
{
	gsub(/[\200-\277]/, "", line)
	for (i = 1; i <= length(line); i++)
		n = substr(line, i, 1) == "\t" ? n + 8 - n % 8 : n + 1
	return n + 0
}

# Does LINE hold code? Keeps track of comments across lines; a literal with a comment's opening in
# it would mislead, and does not occur in a line that has no other code.
function holds_code(line,    at)
{
	for (;;) {
		if (in_comment) {
			at = index(line, "*/")
			if (!at)
				return 0
			line = substr(line, at + 2)
			in_comment = 0
		}
		sub(/^[ \t]+/, "", line)
		if (substr(line, 1, 2) != "/*")
			break
		line = substr(line, 3)
		in_comment = 1
	}
	if (line == "" || substr(line, 1, 2) == "//")
		return 0
	# Code first; does a comment begin behind it that ends on a later line?
	gsub(/"([^"\\]|\\.)*"/, "", line)
	gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", line)
	if (index(line, "/*"))
		in_comment = 1
	return 1
}

# Parameters are the commas one parenthesis deep, and one more.
function parameters(text,    i, c, depth, n)
{
	n = 1
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		depth += (c == "(") - (c == ")")
		n += c == "," && depth == 1
	}
	return n
}

function end_file()
{
	if (file == "")
		return
	if (lines > all_limit) {
		printf "%s: lines in all: %d, at most %d\n", file, lines, all_limit
		bad = 1
	}
	if (kind == "backend" && code > 250) {
		printf "%s: lines of code: %d, at most 250\n", file, code
		bad = 1
	}
}

BEGIN {
	all_limit = kind == "backend" ? 400 : 500
}

FNR == 1 {
	end_file()
	file = FILENAME
	lines = code = in_comment = in_function = in_info = 0
	signature = ""
}

{
	lines++
	if (columns($0) > 100)
		complain("columns", columns($0), 100)
	if (kind == "text")
		next
	was_comment = in_comment
	is_code = holds_code($0)
	if (kind == "backend" && $0 == "\t.info = {")
		in_info = 1
	code += is_code && !in_info
	if ($0 == "\t},")
		in_info = 0
}

in_function {
	if ($0 ~ /^}/) {
		if (FNR - first + 1 > 60)
			complain("lines of the function that ends here", FNR - first + 1, 60)
		in_function = 0
		signature = ""
	}
	next
}

$0 == "{" {
	if (signature == "")
		first = FNR
	if (parameters(signature) > 5 && !excused)
		complain("parameters", parameters(signature), 5)
	in_function = 1
	next
}

# Not in a function: does a signature begin, go on, or is this something else?
was_comment || !is_code || /^#/ || /[;}][ \t]*$/ || /\\$/ {
	signature = ""
	if (is_code || /^[ \t]*$/ || /^\/\*/)
		excused = 0
	if (/parameters: of /)
		excused = 1
	next
}

{
	if (signature == "")
		first = FNR
	signature = signature " " $0
}

END {
	end_file()
	exit bad
}
