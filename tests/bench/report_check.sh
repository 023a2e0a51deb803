#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154 # shared with lib.sh
#
# report_check.sh - the page of `ipcdemo bench --report` in a browser: every chart is drawn,
# nothing is said on the console, nothing sticks out of a phone's width. Not one of the everyday
# tests: it needs Chromium, from CHROMIUM or the search path. SHOTS=DIR keeps pictures to look at.

DEADLINE=280
RUN_DEADLINE=200
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

chromium=$(command -v "${CHROMIUM:-chromium}") || skip_all "chromium is missing"

# browse WIDTH OPTION... : the page in a window of that width; what the console says is in
# $T/console.
browse() {
	width=$1
	shift
	timeout 100 "$chromium" --headless --no-sandbox --disable-gpu --disable-quic \
		--no-first-run --disable-background-networking --disable-component-update \
		--disable-sync \
		--user-data-dir="$T/browser" --enable-logging=stderr --hide-scrollbars \
		--window-size="$width,6000" "$@" "file://$T/page.html" 2>"$T/browser.err"
	grep 'CONSOLE' "$T/browser.err" >"$T/console"
}

# told ATTRIBUTE: what the page says of itself.
told() {
	sed -n "s/.*<html[^>]* data-$1=\"\([0-9]*\)\".*/\1/p" "$T/dom" | head -n 1
}

# check WHAT CHARTS WIDTH OPTION...
check() {
	what=$1 charts=$2
	shift 2
	browse "$@" --dump-dom >"$T/dom"
	equal "$what: charts" "$charts" "$(told charts)"
	equal "$what: charts that are drawn" "$charts" "$(told drawn)"
	equal "$what: errors" 0 "$(told errors)"
	equal "$what: console" '' "$(cat "$T/console")"
	equal "$what: nothing wider than the window" 0 "$(told wide)"
	if [ -n "${SHOTS:-}" ]; then
		browse "$@" --screenshot="$SHOTS/$what.png"
	fi
}

quick="--rounds=6 --count=300 --warmup=30 --quiet"

# shellcheck disable=SC2086 # words
run_ipcdemo bench $quick --ipc=all --mode=latency,throughput,oneway --wait=block \
	--size=56,256 --place=same,all --floor --report="$T/page.html" --output="$T/table"
equal "the page is made" 0 "$status"
# Round trips, one way, percentiles, throughput, two sweeps, the ratios.
check wide 7 1280
check dark 7 1280 --blink-settings=preferredColorScheme=0
check phone 7 500

# A mechanism's name or a reason could hold anything; a browser must take it for text.
sed 's/"backend":"pipe"/"backend":"<b>\\u003c\/script>\\u003cimg src=x onerror=alert(1)>"/g' \
	"$T/page.html" >"$T/hostile.html" && mv "$T/hostile.html" "$T/page.html"
check hostile 7 1280
equal "hostile: no element came of it" '' "$(grep -o '<img' "$T/dom")"

# shellcheck disable=SC2086
run_ipcdemo bench $quick --ipc=pipe --wait=block --place=same --report="$T/page.html" \
	--output="$T/table"
check small 2 1280

finish
