# SPDX-License-Identifier: MIT
#
# code.awk - C sources without their comments, one line out for each line in:
#
#	FILE:LINE:CODE
#
# so that a rule about code is not tripped by prose about it. String and character literals
# are emptied as well, unless called with -v literals=keep. Lines without code are left out.

# The length of the literal that begins at column AT of LINE with the quote Q, quotes included.
function literal_length(line, at, q,    i, c)
{
	for (i = at + 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		if (c == "\\")
			i++
		else if (c == q)
			return i - at + 1
	}
	return length(line) - at + 1
}

function strip(line,    out, i, c, two, n)
{
	out = ""
	for (i = 1; i <= length(line); i += n) {
		c = substr(line, i, 1)
		two = substr(line, i, 2)
		n = 1
		if (in_comment) {
			if (two == "*/") {
				in_comment = 0
				out = out " "
				n = 2
			}
		} else if (two == "/*") {
			in_comment = 1
			n = 2
		} else if (two == "//") {
			break
		} else if (c == "\"" || c == "'") {
			n = literal_length(line, i, c)
			out = out (literals == "keep" ? substr(line, i, n) : c c)
		} else {
			out = out c
		}
	}
	return out
}

FNR == 1 {
	in_comment = 0
}

{
	code = strip($0)
	if (code ~ /[^ \t]/)
		print FILENAME ":" FNR ":" code
}
