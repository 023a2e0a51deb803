# SPDX-License-Identifier: MIT
#
# unmarked.awk - calls that print words to a person which are not marked for translation. Reads what
# code.awk makes of the sources with their literals kept, writes FILE:LINE: "LITERAL".
#
# A call of one of CALLS is looked at up to its end: none of its arguments may be a literal with a
# word in it; within _() or another call it may. What is decided far from where it is printed, by
# way of a variable, this cannot see.

BEGIN {
	calls = "(^|[^A-Za-z0-9_])(message_error|argp_error|progress_note|batch_report|text_add" \
		"|text_printf|text_add_padded|text_add_right|text_add_wrapped|help_add_row" \
		"|notes_wrap|fprintf|printf|fputs|puts)\\("
}

# Is there a word in the literal TEXT?
function has_words(text)
{
	gsub(/ipcdemo( [a-z]+)?|libcurl|--[a-z-]+/, "", text)
	gsub(/%[-+ #0-9.*$]*(hh|h|ll|l|z|j|t)?[a-zA-Z%]/, "", text)
	gsub(/\\[a-z]|\\x[0-9a-f]*|\\u[0-9a-f]*/, "", text)
	return text ~ /[A-Za-z][a-z]/
}

# Looks at STATEMENT, which begins with the call and ends with its line's ";".
function check(statement,    at, depth, c, text)
{
	for (at = 1; at <= length(statement); at++) {
		c = substr(statement, at, 1)
		if (c == "(") {
			depth++
		} else if (c == ")") {
			if (--depth == 0)
				return
		} else if (c == "\"") {
			text = ""
			for (at++; (c = substr(statement, at, 1)) != "\"" && c != ""; at++) {
				text = text c
				if (c == "\\")
					text = text substr(statement, ++at, 1)
			}
			if (depth == 1 && has_words(text))
				print where ": \"" text "\""
		}
	}
}

{
	match($0, /^[^:]*:[0-9]*:/)
	line = substr($0, RLENGTH + 1)
	if (statement == "" && match(line, calls)) {
		match($0, /^[^:]*:[0-9]*/)
		where = substr($0, 1, RLENGTH)
		match(line, calls)
		statement = substr(line, RSTART)
		sub(/^[^A-Za-z0-9_]/, "", statement)
	} else if (statement != "") {
		statement = statement " " line
	}
	if (statement != "" && line ~ /;[ \t]*$/) {
		check(statement)
		statement = ""
	}
}
