# SPDX-License-Identifier: MIT
#
# reading.awk - the generated parts of ipc/README.md, from what the program and the cards say:
#
#	awk -v part=PART -f reading.awk CAPABILITIES CARDS
#
# CAPABILITIES has lines "NAME TITLE-WITHOUT-BLANKS CAPABILITY..." in the order of display; CARDS is
# what cards.awk -v format=text prints. PART questions: a table, the questions that a reader brings
# by the mechanisms. PART drawings: each mechanism's paragraph and drawing.

FNR == 1 { file++ }

file == 1 {
	count++
	name[count] = $1
	known[$1] = 1
	for (i = 3; i <= NF; i++)
		has[$1, $i] = 1
	title[$1] = $2
	gsub(/_/, " ", title[$1])
	next
}

/^[a-z0-9_]+\.c - / {
	of = $1
	sub(/\.c$/, "", of)
	heading = ""
	next
}

match($0, /^[A-Z][A-Za-z -]*: /) {
	heading = substr($0, 1, RLENGTH - 2)
	text[of, heading] = substr($0, RLENGTH + 1)
	next
}

heading == "Mechanism" && (substr($0, 1, 5) == "     " || $0 == "") {
	if ($0 != "")
		drawing[of] = drawing[of] "    " substr($0, 6) "\n"
	next
}

heading != "" && $0 != "" {
	line = $0
	sub(/^ +/, "", line)
	text[of, heading] = text[of, heading] " " line
}

# The sentences of TEXT that begin with PATTERN, as one; PATTERN itself goes where CUT.
function sentences(source, pattern, cut,    parts, n, i, out)
{
	gsub(/\. /, ".\n", source)
	n = split(source, parts, "\n")
	for (i = 1; i <= n; i++) {
		if (parts[i] !~ pattern)
			continue
		if (cut)
			sub(pattern, "", parts[i])
		sub(/\.$/, "", parts[i])
		out = out (out == "" ? "" : "; ") parts[i]
	}
	return out
}

function first_sentence(source)
{
	sub(/\. .*/, "", source)
	sub(/\.$/, "", source)
	return source
}

function questions(    i, of, gone)
{
	print "| mechanism | the peer died: who learns it, and how? | the queue is full |" \
		" after `kill -9` of a sender | who may pretend to be a slot? |" \
		" what a record costs, and a wake-up |"
	print "| --- | --- | --- | --- | --- | --- |"
	for (i = 1; i <= count; i++) {
		of = name[i]
		gone = sentences(text[of, "Failure modes"], "^(Peer|Reader|Writer|Hub|Worker) gone")
		gsub(/ gone - /, " gone: ", gone)
		gone = gone == "" ? "" : ". " gone
		printf "| `%s` | receiver: %s%s | %s | %s%s | %s | %s |\n", of,
			has[of, "EOF"] ? "end of file" : "no end of file, but a pidfd", gone,
			sentences(text[of, "Failure modes"], "^full - ", 1),
			has[of, "DURABLE"] ? "what was sent arrives" : \
				"what was sent may be lost: wait for an answer",
			has[of, "NAMED"] ? "; a killed hub leaves a name" : "",
			has[of, "TRUSTED_SLOT"] ? "nobody: the kernel or a secret tells" : \
				"any process of the same user",
			first_sentence(text[of, "Costs"])
	}
}

# SOURCE in lines of at most 96 columns.
function wrapped(source,    words, n, i, line, out)
{
	n = split(source, words, " ")
	for (i = 1; i <= n; i++) {
		if (line != "" && length(line) + length(words[i]) > 95) {
			out = out line "\n"
			line = ""
		}
		line = line (line == "" ? "" : " ") words[i]
	}
	return out line
}

function drawings(    i, of)
{
	for (i = 1; i <= count; i++) {
		of = name[i]
		printf "%s### `%s`: %s\n\n%s\n\n%s", (i > 1 ? "\n" : ""), of, title[of],
			wrapped(toupper(substr(text[of, "Mechanism"], 1, 1)) \
				substr(text[of, "Mechanism"], 2)), drawing[of]
	}
}

END { part == "questions" ? questions() : drawings() }
