#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# schema_test.sh - what --progress=json and --summary write is what their JSON Schema says, as
# Python's jsonschema reads it.
DEADLINE=60
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

python3 -c 'import jsonschema' 2>"$T/err" || skip_all "no jsonschema: $(tail -n 1 "$T/err")"
schema=$srcdir/src/progress/progress.schema.json

# valid FILE: each line is valid JSON, and what the schema says.
valid() {
	python3 - "$schema" "$1" >"$T/why" 2>&1 <<-'END'
		import json, sys, jsonschema
		schema = json.load(open(sys.argv[1]))
		jsonschema.Draft202012Validator.check_schema(schema)
		check = jsonschema.Draft202012Validator(schema)
		for line in open(sys.argv[2], encoding="utf-8"):
		    check.validate(json.loads(line))
	END
}

start_origin slow 100000 0.3
mkdir "$T/got"
touch "$T/got/there"
run_ipcdemo --progress=json --summary="$T/summary" --exists=skip --retries=1 -d "$T/got" -j 2 \
	--split=2 "$ORIGIN/fault/ranges/0/3000000/split" "$ORIGIN/slow" \
	"$ORIGIN/bytes/1/there" "$ORIGIN/fault/flaky/1000/x" "http:///nothing" \
	"$ORIGIN/fault/status/404/y" "$ORIGIN/fault/nolength/10/z"
equal "exit status" 1 "$status"
for event in start progress range "done" skipped retry failed summary; do
	is_true "there is a line of event $event" grep -q "\"event\":\"$event\"" "$T/out"
done
is_true "every line is as the schema says" valid "$T/out" || note_file "$T/why"
tr -d '\n' <"$T/summary" >"$T/summary.line"
is_true "--summary is as the schema says" valid "$T/summary.line" || note_file "$T/why"
equal "--summary tells what the last line tells" "$(tail -n 1 "$T/out" | jq -cS .)" \
	"$(jq -cS . "$T/summary")"

# The schema can say no.
for edit in 's/"job":0/"job":-1/' 's/"reason"/"cause"/' 's/"event":"done"/"event":"DONE"/' \
	's/"signal":null/"signal":"none"/' 's/"url"/"uri"/' \
	's/"range_total"/"x"/'; do
	sed "$edit" "$T/out" >"$T/wrong"
	if valid "$T/wrong"; then
		not_ok "the schema refuses $edit"
	else
		ok "the schema refuses $edit"
	fi
done
run_ipcdemo --summary="$T/none/x" -d "$T/got" "$ORIGIN/bytes/1/w"
fails "--summary that cannot be written" 1 'none/x: No such file'
absent "$T/got/w"
finish
