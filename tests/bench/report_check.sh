#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154 # shared with lib.sh
#
# report_check.sh - the page of `ipcdemo bench --report` in a browser, wide and as on a phone, light
# and dark: every chart is drawn, nothing is said on the console, nothing sticks out of the screen,
# every colour has enough contrast. Not one of the everyday tests: it needs Chromium, from CHROMIUM
# or the search path. SHOTS=DIR keeps pictures to look at; PAGE=FILE shows only that page.

DEADLINE=280
RUN_DEADLINE=200
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

chromium=$(command -v "${CHROMIUM:-chromium}") || skip_all "chromium is missing"
command -v jq >"$T/which" || skip_all "jq is missing"

# ---- a browser, by its DevTools protocol over two pipes: messages end with a zero byte ----

start_browser() {
	mkfifo "$T/to" "$T/from" || exit 1
	mkdir -p "$T/browser"
	TMPDIR=$T/browser XDG_RUNTIME_DIR=$T/browser \
		"$chromium" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
		--disable-background-networking --disable-component-update --disable-sync \
		--hide-scrollbars --user-data-dir="$T/browser" --remote-debugging-pipe \
		3<"$T/to" 4>"$T/from" >"$T/browser.out" 2>&1 8>&- &
	browser_pid=$!
	stdbuf -oL tr '\0' '\n' <"$T/from" >>"$T/answers" &
	exec 7>"$T/to"
	echo 0 >"$T/serial" # a file: `told` calls in a shell of its own
}

stop_browser() {
	call Browser.close '{}'
	exec 7>&-
	wait "$browser_pid"
}

# Called by await.
# shellcheck disable=SC2317
answered() {
	grep -q "^{\"id\":$serial,.*}\$" "$T/answers"
}

# call METHOD PARAMETERS: sends it to the page, waits; its result is in $T/answer.
call() {
	serial=$(($(cat "$T/serial") + 1))
	echo "$serial" >"$T/serial"
	printf '{"id":%d,"method":"%s","params":%s%s}\0' "$serial" "$1" "$2" "${session:-}" >&7
	await 20 answered || not_ok "$1 is answered"
	grep "^{\"id\":$serial," "$T/answers" | jq .result >"$T/answer"
}

# shellcheck disable=SC2317
loaded() {
	grep -q '"Page.loadEventFired"' "$T/answers"
}

# browse PAGE WIDTH HEIGHT SCHEME: a new page on a screen of that size.
browse() {
	session=''
	call Target.createTarget '{"url":"about:blank"}'
	call Target.attachToTarget "$(jq -c '{targetId, flatten: true}' "$T/answer")"
	session=$(jq -r '",\"sessionId\":\"\(.sessionId)\""' "$T/answer")
	call Page.enable '{}'
	call Runtime.enable '{}'
	call Log.enable '{}'
	call Emulation.setDeviceMetricsOverride \
		"{\"width\":$2,\"height\":$3,\"deviceScaleFactor\":1,\"mobile\":false}"
	call Emulation.setEmulatedMedia \
		"{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"$4\"}]}"
	: >"$T/answers"
	call Page.navigate "{\"url\":\"file://$1\"}"
	await 20 loaded || not_ok "the page is loaded"
}

# evaluate EXPRESSION: its value in the page.
evaluate() {
	call Runtime.evaluate "$(jq -nc --arg expression "$1" '{$expression}')"
	jq -r '.result.value' "$T/answer"
}

# told ATTRIBUTE: what the page says of itself.
told() {
	evaluate "document.documentElement.dataset.$1"
}

# elements SELECTOR PATTERN: how many of these have such a text.
elements() {
	evaluate "[...document.querySelectorAll('$1')].filter(e => /$2/.test(e.textContent)).length"
}

# cells NAME: how many rows of the plots have it.
cells() {
	elements '.dots > div' "^$1\$"
}

# tick NAME: at the filter.
tick() {
	evaluate "[...document.querySelectorAll('.controls label')].find(label =>
		label.textContent.trim() === '$1').click()" >"$T/ticked"
}

# shoot NAME: what the screen shows, and the whole page.
shoot() {
	[ -n "${SHOTS:-}" ] || return 0
	call Page.captureScreenshot '{}'
	jq -r .data "$T/answer" | base64 -d >"$SHOTS/$1.png"
	call Runtime.evaluate '{"expression":"document.documentElement.scrollHeight"}'
	call Page.captureScreenshot "$(jq -c --argjson width "$width" '{captureBeyondViewport: true,
		clip: {x: 0, y: 0, width: $width, height: .result.value, scale: 1}}' "$T/answer")"
	jq -r .data "$T/answer" | base64 -d >"$SHOTS/$1-whole.png"
}

# check WHAT PAGE WIDTH HEIGHT SCHEME PLOTS CHARTS
check() {
	page_name=$1 width=$3
	browse "$2" "$3" "$4" "$5"
	equal "$page_name: plots" "$6" "$(told plots)"
	equal "$page_name: charts" "$7" "$(told charts)"
	equal "$page_name: charts that are drawn" "$7" "$(told drawn)"
	equal "$page_name: errors" 0 "$(told errors)"
	equal "$page_name: nothing wider than the screen" 0 "$(told wide)"
	is_true "$page_name: every colour has a contrast of 3 to 1" test "$(told contrast)" -ge 300
	equal "$page_name: nothing on the console" '' "$(grep -E \
		'"(Log.entryAdded|Runtime.consoleAPICalled|Runtime.exceptionThrown)"' "$T/answers")"
	shoot "$page_name"
}

start_browser
if [ -n "${PAGE:-}" ]; then
	for scheme in light dark; do
		width=1400
		browse "$PAGE" 1400 900 "$scheme" && shoot "wide-$scheme"
		width=390
		browse "$PAGE" 390 844 "$scheme" && shoot "phone-$scheme"
		equal "$scheme: nothing wider than a phone" 0 "$(told wide)"
	done
	stop_browser
	finish
fi

quick="--rounds=6 --count=300 --warmup=30 --quiet"

# shellcheck disable=SC2086 # words
run_ipcdemo bench $quick --ipc=pipe,unix,shm --mode=latency,throughput,oneway --wait=block \
	--size=56,256 --place=same,all --floor --report="$T/page.html" --output="$T/table"
equal "the page is made" 0 "$status"
# One group each of round trips, one way, throughput, three of ratios; the heat map. Lines:
# percentiles and two sweeps.
check wide "$T/page.html" 1400 900 light 7 3
check dark "$T/page.html" 1400 900 dark 7 3
check phone "$T/page.html" 390 844 light 7 3

# A mechanism's name or a reason could hold anything; a browser must take it for text.
sed 's/"backend":"pipe"/"backend":"<b>\\u003c\/script>\\u003cimg src=x onerror=alert(1)>"/g' \
	"$T/page.html" >"$T/hostile.html"
check hostile "$T/hostile.html" 1400 900 light 7 3
call Runtime.evaluate '{"expression":"document.images.length"}'
equal "hostile: no element came of it" 0 "$(jq .result.value "$T/answer")"

# ---- what may be concluded, whatever this machine does meanwhile ----

# conclude PAGE REASON: one like page.html, with this reason to conclude nothing; null: none.
conclude() {
	sed -E "s/\"inconclusive\":(null|\"[^\"]*\")/\"inconclusive\":$2/" "$T/page.html" >"$1"
}
conclude "$T/quiet.html" null
check quiet "$T/quiet.html" 390 844 light 7 3
equal "quiet: which is fastest stands on a phone's first screen" true "$(evaluate \
	'document.querySelector("table.glance").getBoundingClientRect().bottom < innerHeight')"
conclude "$T/loud.html" '"No conclusion is drawn: the machine was not quiet."'
check loud "$T/loud.html" 1400 900 light 7 3
equal "loud: nobody is called fastest" 0 \
	"$(elements 'p, td' 'is fastest|^Fastest|takes [0-9.]+ times as long')"
equal "loud: there is no table of the fastest" 0 "$(elements table.glance '^')"
equal "loud: it says so where the answer would stand" 1 "$(elements p '^This run cannot tell')"

# ---- a rate that is not kept, and one that is to be found ----

# shellcheck disable=SC2086
run_ipcdemo bench --rounds=6 --time=5 --quiet --ipc=pipe,unix --mode=latency,oneway --wait=block \
	--place=same --rate=100000000 --report="$T/page.html" --output="$T/table"
check saturated "$T/page.html" 390 844 light 2 0
equal "saturated: each row says so where its dot would stand" 4 \
	"$(elements '.dots .wide' '^saturated: [0-9]+ of 100000000 a second')"
equal "saturated: and has no dot" 0 "$(elements .dot '^')"
run_ipcdemo bench --rounds=6 --time=5 --quiet --ipc=pipe,unix --wait=block --place=same \
	--find-rate --p99=1s --report="$T/page.html" --output="$T/table"
check found "$T/page.html" 1400 900 dark 2 1
equal "found: the rates have a plot of their own" 1 \
	"$(elements h2 '^The highest rate with p99 below 1 s$')"

# ---- many mechanisms ----

# shellcheck disable=SC2086
run_ipcdemo bench $quick --ipc=all --size=56,256 --wait=block --place=same --output="$T/table" \
	--report="$T/page.html"
check many "$T/page.html" 390 844 light 1 2
all=$(cells unix)
equal "many: unix has a row" 1 "$all"
tick unix
equal "many: filtered out, it has none" 0 "$(cells unix)"
equal "many: pipe still has" 1 "$(cells pipe)"
equal "many: nor is it in a table, of the charts neither" 0 "$(elements 'details th' '^unix$')"
tick unix
equal "many: and is back" "$all" "$(cells unix)"
evaluate 'document.querySelectorAll(".controls input").forEach(box => box.click())' >"$T/ticked"
equal "many: without any there are no dots" 0 "$(elements .dot '^')"
evaluate 'dispatchEvent(new Event("resize"))' >"$T/ticked"
equal "many: and no errors" 0 "$(told errors)"

# shellcheck disable=SC2086
run_ipcdemo bench $quick --ipc=pipe --wait=block --place=same --report="$T/page.html" \
	--output="$T/table"
check small "$T/page.html" 1400 900 light 1 1
# shellcheck disable=SC2086
run_ipcdemo bench $quick --ipc=pipe,unix --wait=block --place=all --report="$T/page.html" \
	--output="$T/table"
check pairs "$T/page.html" 390 844 dark 1 0
stop_browser

finish
