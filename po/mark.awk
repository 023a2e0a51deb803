# SPDX-License-Identifier: MIT
#
# mark.awk - marks what is to be translated of ipc/, where nothing is marked, since the library has
# nothing to do with languages: titles, summaries, groups, and all texts of a call of sys_reason.

/^\t\t\.(title|summary) = "/ { sub(/".*"/, "N_(&)") }

/names\[IPC_GROUP_COUNT\]/ { groups = 1 }
groups { gsub(/"[^"]*"/, "N_(&)") }
/};/ { groups = 0 }

/^\t.*sys_reason\(/ { within = 1; statement = "" }

within {
	statement = statement "\n" $0
	if (/;$/) {
		gsub(/"([^"\\]|\\.)*"([ \t\n]*"([^"\\]|\\.)*")*/, "N_(&)", statement)
		print statement
		within = 0
	}
	next
}

{ print }
