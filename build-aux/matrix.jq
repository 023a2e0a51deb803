# SPDX-License-Identifier: MIT
#
# matrix.jq - the table of mechanisms in README.md, from `ipcdemo list --json`.
#
#	ipcdemo list --json | jq -r --arg capabilities "BOUNDARIES EOF ..." -f matrix.jq
#
# The words of $capabilities become columns: those in the help of `ipcdemo list`, so that there is
# no second list of them. A mechanism that the build lacks has no figures, and no row.

def row: "| " + join(" | ") + " |";

($capabilities | split(" ")) as $columns
| (["mechanism", "title", "record limit (bytes)"] + $columns | row),
  (["---", "---", "--:"] + ($columns | map(":-:")) | row),
  (.mechanisms[]
	| select(.record_limit != null)
	| .capabilities as $has
	| ["`\(.name)`", .title, (.record_limit | tostring)]
	  + ($columns | map(if IN($has[]) then "yes" else "-" end))
	| row)
