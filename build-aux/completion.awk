# SPDX-License-Identifier: MIT
#
# completion.awk - the second half of completion.sh: its lines become a completion for bash or zsh.

BEGIN {
	FS = "\t"
	count = split(" " commands, order, " ") # the download's, "", comes first
	order[0] = ""
	mechanisms = "ipcdemo --ipc=help 2>/dev/null | awk '/^[a-z]/ { print $1 }'"
	arguments = "\t\t_arguments $common \\\n%s\t\t'*:%s'\n\t\t;;\n"
}

# How a value is completed: its words, or by what its name says; "" not at all.
function kind(argument, words)
{
	return words != "" ? "words" : argument ~ /FILE/ ? "file" : argument ~ /DIR$/ ? "dir" : ""
}

# TEXT within '...' and within [...] of zsh.
function quoted(text)
{
	gsub(/'/, "'\\''", text)
	gsub(/\[|\]|:/, "\\\\&", text)
	return text
}

{
	command = $1
	sub(/ $/, "", $6)
	optional = $4 ~ /^\[[^,]*\]$/ # it may come without its argument
	long[command] = long[command] " --" $2 ($4 == "" ? "" : optional ? " --" $2 "=" : "=")
	what = kind($4, $6)
	if (what == "words") {
		listed = $4 ~ /\[,/
		values = values sprintf("\t%s:--%s) _ipcdemo_%s '%s' ;;\n", command, $2,
			listed ? "list" : "words", $6)
		action = listed ? ":" $2 ":_values -s , " $2 " " $6 : ":" $2 ":(" $6 ")"
	} else if (what != "") {
		values = values sprintf("\t%s:--%s%s) _ipcdemo_%s ;;\n", command, $2,
			$3 == "-" ? "" : " | " command ":-" $3, what)
		action = ":" $2 ":" (what == "file" ? "_files" : "_files -/")
	} else {
		action = $4 == "" ? "" : ":" $2 ": "
	}
	help = $5
	if (optional)
		action = ":" action
	spec[command] = spec[command] sprintf("\t\t'--%s%s[%s]%s'\n", $2,
		$4 == "" ? "" : optional ? "=-" : "=",
		quoted(help), quoted_action(action))
	if ($3 != "-")
		spec[command] = spec[command] sprintf("\t\t'-%s[%s]%s'\n", $3, quoted(help),
			quoted_action(action))
}

function quoted_action(text)
{
	gsub(/'/, "'\\''", text)
	return text
}

END { shell == "bash" ? bash() : zsh() }

function bash(    i)
{
	print "# bash completion for ipcdemo, made from its option tables."
	print "_ipcdemo_words() { COMPREPLY=($(compgen -W \"$1\" -- \"$cur\")); }"
	print "_ipcdemo_file() { COMPREPLY=($(compgen -f -- \"$cur\")); }"
	print "_ipcdemo_dir() { COMPREPLY=($(compgen -d -- \"$cur\")); }"
	print "_ipcdemo_list()"
	print "{"
	print "\tlocal done=''"
	print "\t[[ $cur != *,* ]] || done=${cur%,*},"
	print "\tCOMPREPLY=($(compgen -P \"$done\" -W \"$1\" -- \"${cur##*,}\"))"
	print "\tcompopt -o nospace"
	print "}"
	print "_ipcdemo()"
	print "{"
	print "\tlocal cur=${COMP_WORDS[COMP_CWORD]} option='' command='' at=$COMP_CWORD"
	print "\t# Readline breaks --ipc=shm into three words at the sign."
	print "\tif [[ $cur == '=' ]]; then"
	print "\t\tcur='' option=${COMP_WORDS[at - 1]}"
	print "\telif [[ ${COMP_WORDS[at - 1]} == '=' ]]; then"
	print "\t\toption=${COMP_WORDS[at - 2]}"
	print "\telif [[ ${COMP_WORDS[at - 1]} == -? ]]; then"
	print "\t\toption=${COMP_WORDS[at - 1]}"
	print "\tfi"
	print "\tif ((at > 1)) && [[ \" " commands " \" == *\" ${COMP_WORDS[1]} \"* ]]; then"
	print "\t\tcommand=${COMP_WORDS[1]}"
	print "\tfi"
	print "\tcase $command:$option in"
	printf "%s", values
	print "\texplain:)"
	print "\t\t_ipcdemo_words \"$(" mechanisms ")\""
	print "\t\t;;"
	print "\tcompare:) _ipcdemo_file ;;"
	print "\thelp:) _ipcdemo_words '" commands "' ;;"
	print "\tesac"
	print "\t[[ $cur == -* && -z $option ]] || {"
	print "\t\t((at > 1)) || _ipcdemo_words '" commands "'"
	print "\t\treturn"
	print "\t}"
	print "\tcase $command in"
	for (i = 0; i <= count; i++)
		printf "\t%s) _ipcdemo_words '--help --usage --version%s' ;;\n",
			order[i] == "" ? "''" : order[i], long[order[i]]
	print "\tesac"
	print "\t[[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace"
	print "}"
	print "complete -F _ipcdemo ipcdemo"
}

function zsh(    i)
{
	print "#compdef ipcdemo"
	print "# zsh completion for ipcdemo, made from its option tables."
	print "_ipcdemo()"
	print "{"
	print "\tlocal -a common=('--help[the list of options]' '--usage[a short message]'"
	print "\t\t'--version[the program'\\''s version]')"
	print "\tif ((CURRENT == 2)) && [[ $words[2] != -* ]]; then"
	print "\t\t_values command " commands
	print "\t\treturn"
	print "\tfi"
	print "\tcase $words[2] in"
	for (i = 1; i <= count; i++)
		if (order[i] in spec)
			printf "\t%s)\n\t\tshift words\n\t\t((CURRENT--))\n" arguments,
				order[i], continued(spec[order[i]]), "file:_files"
	print "\texplain) _values mechanism ${(f)\"$(" mechanisms ")\"} ;;"
	print "\t*)"
	printf arguments, continued(spec[""]), "URL:_urls"
	print "\tesac"
	print "}"
	print "_ipcdemo \"$@\""
}

# Lines of one command.
function continued(text)
{
	gsub(/\n/, " \\\n", text)
	return text
}
