#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check.py SITE [SHOTS] - is every link of the site alive, and does every page fit its screen?

The links by reading the pages; the fit in headless Chromium ($CHROMIUM), wide and as on a phone,
light and dark: nothing sticks out sideways, nothing is said on the console, text has enough
contrast. With SHOTS, pictures of some pages are kept there to look at.
"""
import base64
import html.parser
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

SCREENS = [(1400, 900), (390, 844)]
SHOWN = ["index.html", "reading.html", "mechanisms.html", "broken.html", "source/ipc/pipe.c.html",
         "diff/pipe-unix.html", "explain/shm.html", "report.html"]
# Width of what sticks out, and the least contrast of a text node's colours on its background.
LOOK = """(() => {
	const rgb = text => text.match(/[0-9.]+/g).map(Number);
	const light = c => c.slice(0, 3).map(v => v / 255)
		.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = e => { for (; e; e = e.parentElement) {
		const c = rgb(getComputedStyle(e).backgroundColor);
		if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
	let least = 21, who = "";
	for (const e of document.querySelectorAll("main *, nav *")) {
		if (![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim())) continue;
		const a = light(rgb(getComputedStyle(e).color)), b = light(behind(e));
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < least) { least = ratio; who = e.tagName + ": " + e.textContent.slice(0, 40); }
	}
	return JSON.stringify({ over: document.documentElement.scrollWidth - innerWidth,
		contrast: least, who });
})()"""


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.targets, self.ids = [], set()

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.targets.append(value)
            elif name == "id":
                self.ids.add(value)


def dead_links(site):
    pages, faults = {}, []
    for path in site.rglob("*.html"):
        pages[path] = Links()
        pages[path].feed(path.read_text())
    reached = {site / "index.html"}
    for path, links in pages.items():
        for target in links.targets:
            parts = urllib.parse.urlsplit(target)
            if parts.scheme in ("http", "https", "mailto", "data"):
                continue  # offline: not followed
            there = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            reached.add(there)
            if not there.is_file():
                faults.append(f"{path.relative_to(site)}: {target}: no such file")
            elif parts.fragment and there in pages and parts.fragment not in pages[there].ids:
                faults.append(f"{path.relative_to(site)}: {target}: no such place")
    faults += [f"{path.relative_to(site)}: no page leads there" for path in pages
               if path not in reached]
    return faults, list(pages)


class Browser:
    """Chromium by its DevTools protocol over two pipes: messages end with a zero byte."""

    def __init__(self, program, place):
        theirs_in, self.to = os.pipe()
        self.answers, theirs_out = os.pipe()
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                   "--disable-background-networking", "--hide-scrollbars",
                   f"--user-data-dir={place}", "--remote-debugging-pipe"]
        # It expects 3 and 4; by way of high numbers, so that neither closes the other.
        shell = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *command], pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.serial, self.rest, self.session, self.events = 0, b"", None, []

    def message(self):
        while b"\0" not in self.rest:
            data = os.read(self.answers, 1 << 16)
            if not data:
                raise SystemExit("check.py: chromium has ended")
            self.rest += data
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.serial += 1
        request = {"id": self.serial, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        data = json.dumps(request).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        while (message := self.message()).get("id") != self.serial:
            self.events.append(message)
        return message["result"]

    def open(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")

    def load(self, url):
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message())

    def close(self):
        self.session = None
        self.call("Browser.close")
        self.process.wait()


def misfits(site, pages, program, shots):
    faults = []
    with tempfile.TemporaryDirectory() as place:
        browser = Browser(program, place)
        browser.open()
        for width, height in SCREENS:
            browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                         deviceScaleFactor=1, mobile=False)
            for scheme in ("light", "dark"):
                browser.call("Emulation.setEmulatedMedia", features=[
                    {"name": "prefers-color-scheme", "value": scheme}])
                for path in pages:
                    name = str(path.relative_to(site))
                    where = f"{name}, {width} wide, {scheme}"
                    browser.load(path.as_uri())
                    seen = json.loads(browser.call("Runtime.evaluate", expression=LOOK)
                                      ["result"]["value"])
                    if seen["over"] > 0:
                        faults.append(f"{where}: {seen['over']} pixels stick out")
                    if seen["contrast"] < 4.5 and name != "report.html":  # it has its own check
                        faults.append(f"{where}: contrast {seen['contrast']:.1f}: {seen['who']}")
                    faults += [f"{where}: {json.dumps(event['params'])[:200]}"
                               for event in browser.events
                               if event["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")]
                    if shots and name in SHOWN:
                        picture = browser.call("Page.captureScreenshot")["data"]
                        file = f"{name.replace('/', '-')}-{width}-{scheme}.png"
                        (shots / file).write_bytes(base64.b64decode(picture))
        browser.close()
    return faults


def main(site, shots=None):
    site = pathlib.Path(site).resolve()
    faults, pages = dead_links(site)
    print(f"site: {len(pages)} pages, {len(faults)} dead links or lost pages")
    program = shutil.which(os.environ.get("CHROMIUM", "chromium"))
    if program:
        if shots:
            shots = pathlib.Path(shots)
            shots.mkdir(parents=True, exist_ok=True)
        seen = misfits(site, pages, program, shots)
        print(f"site: {len(pages)} pages on {2 * len(SCREENS)} screens, {len(seen)} faults")
        faults += seen
    else:
        print("site: chromium is missing: nobody looked at the pages")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
