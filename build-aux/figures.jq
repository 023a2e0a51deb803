# SPDX-License-Identifier: MIT
#
# figures.jq - the table of figures in README.md, from ipcdemo bench --format=json: the median round
# trip of one record, two digits; in blocks, where one is too short for the clock.
def two: if . < 1 then . else (. as $v | (($v | log10 | floor) - 1) as $e |
	($v / pow(10; $e) | round) * pow(10; $e)) end;
def time: if . == null then "-" elif . < 1000 then "\(two | round) ns"
	elif . < 10000 then "\(two / 1000 * 10 | round / 10) us"
	else "\(two / 1000 | round) us" end;

. as $run
| def cell($backend; $wait; $place):
	[$run.results[] | select(.api == "ipc" and .backend == $backend and .wait == $wait
		and .placement == $place)] | max_by(.block);
[.results[] | select(.api == "ipc") | .backend] | reduce .[] as $b ([]; if index($b) then . else
	. + [$b] end)
| . as $names
| "| mechanism | one CPU, asleep | two CPUs, asleep | two CPUs, awake | CPU per record, asleep |",
  "| --- | --: | --: | --: | --: |",
  ($names[] | . as $b
	| "| `\($b)` | \(cell($b; "block"; "same").rtt_ns.p50 | time) " +
	  "| \(cell($b; "block"; "cross").rtt_ns.p50 | time) " +
	  "| \(cell($b; "adaptive"; "cross").rtt_ns.p50 | time) " +
	  "| \(cell($b; "block"; "same").cpu_ns_per_record | time) |"),
  "",
  "Median round trip of one 56-byte record between two processes, the receiver asleep " +
  "(`--wait=block`) or awake at first (`adaptive`): \($run.environment.cpu.model)" +
  (if $run.environment.cpu.virtual then " (virtual)" else "" end) +
  ", \($run.environment.cpu.cpus) CPUs, Linux " +
  ($run.environment.kernel.release | split(".")[0:2] | join(".")) +
  ", \($run.environment.date[0:10])" +
  (if $run.environment.quiet then
	". Waking a sleeper on another CPU costs about the same whatever the mechanism."
  else
	"; not quiet, so nothing follows from it: \($run.environment.warnings[0])."
  end)
