#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# keys_test.sh - p, c, q and ? on a terminal of the test's own, and what the terminal is afterwards.
DEADLINE=60
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

command -v python3 >/dev/null || skip_all "no python3 to play the terminal"
start_origin

# type_keys MODEL KEYS EXPECTED...: runs the program on a terminal; each time its output holds the
# next of EXPECTED the next of KEYS is typed. Prints the exit code and whether the terminal is as it
# was.
type_keys() {
	slow=$ORIGIN/fault/ranges/1000000/2000000/file
	python3 - "$IPCDEMO" "$T/got" "$slow" "$@" 2>"$T/err" <<-'END'
		import os, pty, sys, termios, time
		program, directory, url, model, keys, *expected = sys.argv[1:]
		master, slave = pty.openpty()
		before = termios.tcgetattr(slave)
		pid = os.fork()
		if pid == 0:
		    os.setsid()
		    os.close(master)
		    import fcntl
		    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
		    for fd in 0, 1, 2:
		        os.dup2(slave, fd)
		    os.environ["TERM"] = "xterm"
		    os.execv(program, [program, "--model=" + model, "-d", directory, "-o", "file",
		        url])
		seen = b""
		for key, text in zip(keys, expected):
		    while text.encode() not in seen:
		        seen += os.read(master, 4096)
		    seen = b""
		    if key == "c":
		        size = lambda: os.stat(directory + "/file.part").st_size
		        time.sleep(0.3) # what was under way arrives
		        first = size()
		        time.sleep(0.5)
		        print("stands still" if size() == first else "goes on", end=" ")
		    os.write(master, key.encode())
		os.set_blocking(master, False)
		while True:
		    done, status = os.waitpid(pid, os.WNOHANG)
		    try:
		        seen += os.read(master, 4096)
		    except OSError:
		        time.sleep(0.01)
		    if done:
		        break
		after = termios.tcgetattr(slave)
		print("exit", os.waitstatus_to_exitcode(status),
		      "as it was" if after == before else "changed")
	END
}

over_model() {
	rm -rf "$T/got"
	equal "$1: ? helps, p pauses, c continues" "stands still exit 0 as it was" \
		"$(type_keys "$1" '?pc' file 'p pauses' 'paused: c continues')"
	equal "$1: the file is right" "$(printf '2000000 file\n' | sums_of | cut -d ' ' -f 1)" \
		"$(sum_of "$T/got/file")"
	rm -rf "$T/got"
	equal "$1: q ends" "exit 1 as it was" "$(type_keys "$1" q 'KiB')"
	equal "$1: q keeps what can be resumed" file.part "$(names_in "$T/got")"
}

for model in sequential process thread hybrid event; do
	over_model $model
done
finish
