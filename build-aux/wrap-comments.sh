#!/bin/sh
# SPDX-License-Identifier: MIT
#
# wrap-comments.sh FILE... - breaks the lines of C comments that are wider than 100 columns, the
# rest of each in a line of its own. For `make format`; code is clang-format's.
set -eu
LC_ALL=C
export LC_ALL

for file; do
	awk '
		function columns(line,    i, n)
		{
			gsub(/[\200-\277]/, "", line)
			for (i = 1; i <= length(line); i++)
				n = substr(line, i, 1) == "\t" ? n + 8 - n % 8 : n + 1
			return n + 0
		}
		# The place of the last blank before column 100, behind the mark in front; 0: none.
		function blank_in(line, front,    i, at)
		{
			for (i = front + 1; i <= length(line); i++) {
				if (columns(substr(line, 1, i - 1)) > 100)
					break
				if (substr(line, i, 1) == " ")
					at = i
			}
			return at + 0
		}
		# A comment of one line becomes one of several.
		/^[ \t]*\/\* .* \*\/$/ && columns($0) > 100 {
			match($0, /^[ \t]*/)
			indent = substr($0, 1, RLENGTH)
			print indent "/*"
			text = substr($0, RLENGTH + 4)
			sub(/ \*\/$/, "", text)
			wrap(indent " * ", text)
			print indent " */"
			next
		}
		/^[ \t]* \* / && columns($0) > 100 {
			match($0, /^[ \t]* \* */)
			wrap(substr($0, 1, RLENGTH), substr($0, RLENGTH + 1))
			next
		}
		{ print }
		function wrap(front, text,    at)
		{
			while (columns(front text) > 100 && (at = blank_in(front text, length(front)))) {
				print substr(front text, 1, at - 1)
				text = substr(front text, at + 1)
			}
			print front text
		}
	' "$file" >"$file.wrapped"
	cmp -s "$file" "$file.wrapped" || cat "$file.wrapped" >"$file"
	rm "$file.wrapped"
done
