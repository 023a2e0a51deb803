# SPDX-License-Identifier: MIT
#
# compile-commands.awk - a C source a line becomes a compilation database, clang's
# JSONCompilationDatabase. DIRECTORY and SOURCE are absolute, COMMAND is the compiler and options.

function quoted(text)
{
	gsub(/\\/, "\\\\", text)
	gsub(/"/, "\\\"", text)
	return "\"" text "\""
}

BEGIN { print "[" }
{
	file = source "/" $0
	more = $0 ~ /^examples\/[^\/]*$/ ? " -D_GNU_SOURCE -I include" : ""
	printf "%s{\"directory\": %s, \"file\": %s,\n \"command\": %s}", (NR > 1 ? ",\n" : ""),
		quoted(directory), quoted(file), quoted(command more " -c " file)
}
END { print "\n]" }
