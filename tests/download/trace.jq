# SPDX-License-Identifier: MIT
#
# trace.jq - what is wrong with a trace of `--trace=FILE.json`, a line a fault: the Trace Event
# Format's own rules, as far as viewers depend on them, and what trace_json.h promises.

def faults($what; condition): map(select(condition | not)) | map("\($what): \(tostring)");

# Slices of one track: apart, or one inside the other.
def crossing: [.[] | select(.ph == "X")] | group_by(.tid)[] | sort_by(.ts, -.dur) |
	reduce .[] as $slice ({ ends: [], bad: [] };
		.ends |= map(select(. > $slice.ts + 0.00005)) |
		if any(.ends[]; . + 0.00005 < $slice.ts + $slice.dur)
		then .bad += [$slice] else . end |
		.ends += [$slice.ts + $slice.dur]) | .bad[] | "slices cross: \(tostring)";

. as $all
| (map(select(.ph == "X"))) as $slices
| (map(select(.name == "thread_name")) | map({ ("\(.tid)"): .args.name }) | add) as $names
| (faults("no name"; .name | type == "string" and . != "")
  + faults("no such phase"; .ph | IN("M", "X", "s", "f"))
  + faults("no process"; .pid | type == "number" and . > 0)
  + (map(select(.ph != "M")) |
	faults("no time"; .ts | type == "number" and . >= 0)
	+ faults("track without a name"; $names["\(.tid)"] != null))
  + ($slices | faults("no length"; .dur | type == "number" and . >= 0))
  + (map(select(.ph == "s" or .ph == "f")) |
	faults("arrow ends in no slice"; . as $edge |
		any($slices[]; .tid == $edge.tid and .ts <= $edge.ts and $edge.ts <= .ts + .dur))
	+ (group_by(.id) | map(map({ (.ph): .ts }) | add) |
		faults("arrow without a begin"; .s != null)
		+ (map(select(.f != null)) | faults("arrow back in time"; .s <= .f))))
  + [crossing])[]
