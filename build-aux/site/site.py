#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""site.py SOURCE IPCDEMO OUT - the sources and documents as a static site, to read offline.

Everything comes from where it is kept: the README files by cmark-gfm, what `ipcdemo explain` says,
the sources with their comments beside the code, and pairs of sources as a diff.
"""
import difflib
import html
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap

DOCUMENTS = {  # path in the tree -> page, title
    "README.md": ("index.html", "ipcdemo"),
    "ipc/README.md": ("reading.html", "The reading room"),
    "CONTRIBUTING.md": ("contributing.html", "Contributing"),
    "SECURITY.md": ("security.html", "Security"),
}
NAVIGATION = [("index.html", "ipcdemo"), ("reading.html", "Reading room"),
              ("mechanisms.html", "Mechanisms"), ("concepts.html", "Concepts"),
              ("broken.html", "Broken and fixed"), ("contributing.html", "Contributing"),
              ("security.html", "Security")]
PAIRS = [("pipe", "unix"), ("pipe", "fifo"), ("unix", "stream"), ("stream", "tcp"),
         ("shm", "memfd"), ("memfd", "mmap"), ("memfd", "futex")]
KEYWORDS = re.compile(r"\b(break|case|const|continue|default|do|else|enum|extern|for|goto|if|inline"
                      r"|int|long|return|short|sizeof|static|struct|switch|uint\d+_t|int\d+_t"
                      r"|unsigned|void|while|bool|char|size_t|ssize_t|pid_t|union|volatile)\b")
TOKENS = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", re.S)


class Site:
    def __init__(self, source, program, out):
        self.source, self.program, self.out = source, program, out
        self.wanted = []  # sources that a page links to, in the order of the first link

    def run(self, *command, text=None):
        return subprocess.run(command, input=text, capture_output=True, text=True,
                              check=True).stdout

    def write(self, page, title, body, wide=False):
        """BODY as PAGE, whose links it brings to its own depth."""
        up = "../" * page.count("/")
        links = "".join(
            f'<a href="{up}{target}"{" aria-current=page" if target == page else ""}>{name}</a>'
            for target, name in self.navigation)
        path = self.out / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{html.escape(title)}</title>\n"
            f'<link rel="stylesheet" href="{up}site.css"></head>\n'
            f'<body><nav aria-label="Site">{links}</nav>\n'
            f'<main{" class=wide" if wide else ""}>\n{body}\n</main></body></html>\n')

    # ---- links ----

    def page_of(self, path):
        """The page for a PATH in the tree; None: it has none."""
        if path in DOCUMENTS:
            return DOCUMENTS[path][0]
        if path.rstrip("/") == "examples/broken":
            return "broken.html"
        if (self.source / path).is_file() and not path.endswith((".svg", ".png")):
            if path not in self.wanted:
                self.wanted.append(path)
            return f"source/{path}.html"
        return None

    def resolve(self, name, base):
        """A file of the tree that a document in the directory BASE calls NAME."""
        for root in (base, "", "ipc", "ipc/core"):
            path = pathlib.PurePosixPath(root, name)
            parts = []
            for part in path.parts:
                if part == ".." and parts:
                    parts.pop()
                elif part != "..":
                    parts.append(part)
            found = "/".join(parts)
            if parts and (self.source / found).exists():
                return found
        return None

    def link(self, body, base):
        """Lets the links and file names of a converted document lead to pages of the site."""
        def target(match):
            attribute, name = match.groups()
            if name.startswith(("#", "http:", "https:", "mailto:")):
                return match.group(0)
            path = self.resolve(name, base)
            page = path and self.page_of(path)
            if page:
                return f'{attribute}="{page}"'
            if path and (self.source / path).is_file():
                copy = self.out / path
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.source / path, copy)
                return f'{attribute}="{path}"'
            raise SystemExit(f"site.py: a document in {base or '.'} links to {name}: no such file")

        def mention(match):
            name = html.unescape(match.group(1))
            path = self.resolve(name, base) if re.fullmatch(r"[\w./-]+\.(c|h|py|cc)", name) else None
            page = path and self.page_of(path)
            return f'<a href="{page}">{match.group(0)}</a>' if page else match.group(0)

        body = re.sub(r'(href|src)="([^"]*)"', target, body)
        return re.sub(r"(?<!\">)<code>([^<]*)</code>", mention, body)

    # ---- pages ----

    def documents(self):
        for path, (page, title) in DOCUMENTS.items():
            body = self.run("cmark-gfm", "--unsafe", "-e", "table", "-e", "autolink",
                            str(self.source / path))
            body = self.link(body, str(pathlib.PurePosixPath(path).parent).strip("."))
            body = re.sub(r"<table>(.*?)</table>", r'<div class="scroll" tabindex="0"><table>\1</table></div>',
                          body, flags=re.S)
            body = re.sub(r"<(h[23])>(.*?)</\1>", self.heading, body)
            self.write(page, title, body)

    @staticmethod
    def heading(match):
        slug = re.sub(r"[^a-z0-9]+", "-", re.sub(r"<[^>]*>", "", match.group(2)).lower()).strip("-")
        return f'<{match.group(1)} id="{slug}">{match.group(2)}</{match.group(1)}>'

    def explain(self, name):
        text = self.run(self.program, "explain", name)
        # Not what holds for the machine that makes the page.
        text = re.sub(r"^This machine, now\n(?:[^A-Z].*\n|\n)*", "", text, flags=re.M)
        text = html.escape(text)
        return f'<h1>{name}</h1>\n<pre class="page" tabindex="0">{text}</pre>'

    def mechanisms(self, names):
        rows = []
        for name in names:
            path = f"ipc/{name}.c"
            pairs = [(a, b) for a, b in PAIRS if name in (a, b) and a in names and b in names]
            diffs = " · ".join(f'<a href="diff/{a}-{b}.html">diff {a} {b}</a>' for a, b in pairs)
            links = [f'<a href="explain/{name}.html">explain</a>',
                     f'<a href="{self.page_of(path)}">source</a>']
            example = f"examples/{name}.c"
            if (self.source / example).is_file():
                links.append(f'<a href="{self.page_of(example)}">bare example</a>')
            if diffs:
                links.append(diffs)
            card = (self.source / path).read_text()
            summary = re.search(rf"\* {name}\.c - (.*)", card).group(1)
            rows.append(f"<dt>{name}</dt><dd>{html.escape(summary)}<br>{' · '.join(links)}</dd>")
            self.write(f"explain/{name}.html", name, self.explain(name))
            for a, b in pairs:
                self.diff(f"diff/{a}-{b}.html", f"ipc/{a}.c", f"ipc/{b}.c")
        self.write("mechanisms.html", "Mechanisms",
                   "<h1>The mechanisms</h1>\n<dl>" + "\n".join(rows) + "</dl>")

    def concepts(self):
        text = self.run(self.program, "explain", "--help")
        names = re.search(r"Concepts: ([^.]*)\.", text).group(1).replace("\n", " ").split(",")
        names = [name.strip() for name in names]
        for name in names:
            self.write(f"explain/{name}.html", name, self.explain(name))
        items = "".join(f'<li><a href="explain/{name}.html">{name}</a></li>' for name in names)
        self.write("concepts.html", "Concepts", f"<h1>Concepts</h1>\n<ul>{items}</ul>")

    def broken(self):
        rows = []
        for path in sorted((self.source / "examples/broken").glob("*_fixed.c")):
            name = path.name.removesuffix("_fixed.c")
            pair = [f"examples/broken/{name}.c", f"examples/broken/{name}_fixed.c"]
            text = (self.source / pair[0]).read_text()
            what = re.search(r" - broken: (.*)", text).group(1)
            says = re.findall(r"\*\t(?:Prints|Ends): *(.*)", text)
            links = " · ".join(
                f'<a href="{self.page_of(file)}">{word}</a>'
                for file, word in zip(pair, ("broken", "fixed")))
            rows.append(f"<dt>{name}</dt><dd>{html.escape(what)}<br>"
                        f"<samp>{html.escape(' / '.join(says))}</samp><br>{links} · "
                        f'<a href="diff/{name}.html">what mends it</a></dd>')
            self.diff(f"diff/{name}.html", *pair)
        self.write("broken.html", "Broken and fixed",
                   "<h1>Broken and fixed</h1>\n<p>Classic faults, each beside the version that is "
                   "right. <code>make check</code> runs both and compares what they say.</p>\n"
                   "<dl>" + "\n".join(rows) + "</dl>")

    # ---- sources ----

    def diff(self, page, left, right):
        a = (self.source / left).read_text().expandtabs(8).splitlines()
        b = (self.source / right).read_text().expandtabs(8).splitlines()
        rows = []
        for group in difflib.SequenceMatcher(None, a, b, autojunk=False).get_grouped_opcodes(3):
            if rows or group[0][1] > 0:
                rows.append('<tr class="gap"><td colspan="2">…</td></tr>')
            for kind, i1, i2, j1, j2 in group:
                count = max(i2 - i1, j2 - j1)
                for k in range(count):
                    cells = (a[i1 + k] if i1 + k < i2 else None, b[j1 + k] if j1 + k < j2 else None)
                    rows.append(f'<tr class="{"same" if kind == "equal" else "other"}">' + "".join(
                        '<td class="none"></td>' if cell is None
                        else f'<td class="{side}"><code>{self.coloured(cell) or " "}</code></td>'
                        for cell, side in zip(cells, ("left", "right"))) + "</tr>")
        up = "../" * page.count("/")
        head = "".join(f'<th><a href="{up}{self.page_of(path)}">{path}</a></th>'
                       for path in (left, right))
        title = f"{pathlib.PurePosixPath(left).name} and {pathlib.PurePosixPath(right).name}"
        self.write(page, title, f"<h1>{title}</h1>\n<table class=diff><thead><tr>{head}</tr></thead>"
                   f"<tbody>{''.join(rows)}</tbody></table>", wide=True)

    @staticmethod
    def coloured(code):
        """CODE as HTML, with its comments, strings and keywords marked."""
        if re.match(r"\s*(/\*|\* |\*/|\*$)", code) and "\n" not in code:
            return f"<i>{html.escape(code, quote=False)}</i>"  # a line of a comment
        out, at = [], 0
        for token in list(TOKENS.finditer(code)) + [None]:
            plain = html.escape(code[at:token.start() if token else None], quote=False)
            out.append(KEYWORDS.sub(r"<b>\1</b>", plain))
            if token:
                tag = "i" if token.group().startswith("/") else "s"
                out.append(f"<{tag}>{html.escape(token.group(), quote=False)}</{tag}>")
                at = token.end()
        return "".join(out)

    @staticmethod
    def prose(comment):
        """A comment's text: paragraphs, and drawings as they are drawn."""
        blocks, drawing = [], False
        for line in comment:
            line = re.sub(r"^\s*\*? ?", "", line.expandtabs(8), count=1)
            drawn = bool(re.match(r" {4,}\S", line))
            if not line.strip():
                blocks.append((drawing, []))
                continue
            if not blocks or drawn != drawing:
                blocks.append((drawn, []))
            drawing = drawn
            heading = re.match(r"([A-Z][A-Za-z -]*: )(.*)", line)
            if heading and not drawn:
                blocks.append((False, []))
            blocks[-1] = (drawn, blocks[-1][1] + [line])
        return "".join(
            f'<pre tabindex="0">{html.escape(textwrap.dedent(chr(10).join(lines)))}</pre>' if drawn
            else f"<p>{html.escape(' '.join(line.strip() for line in lines))}</p>"
            for drawn, lines in blocks if lines)

    def sections(self, text):
        """(comment lines, code) pairs: a comment at the left edge is beside what follows it."""
        comment, code, found = [], [], []
        lines = iter(text.splitlines())
        for line in lines:
            if not line.startswith("/*"):
                code.append(line)
                continue
            if comment or code:
                found += self.parted(comment, "\n".join(code))
            comment, code = [line], []
            while "*/" not in line:
                line = next(lines)
                comment.append(line)
            comment[0] = comment[0].removeprefix("/*")
            comment[-1] = comment[-1].replace("*/", "")
        return found + self.parted(comment, "\n".join(code))

    @staticmethod
    def parted(comment, code):
        """A page of comment, as the card of a mechanism, stands alone, above its code."""
        return [(comment, ""), ([], code)] if len(comment) > 15 else [(comment, code)]

    def annotated(self, path):
        text = (self.source / path).read_text()
        if not path.endswith((".c", ".h")):
            return f'<pre class="page" tabindex="0">{html.escape(text)}</pre>'
        rows = []
        for comment, code in self.sections(text):
            if comment and "SPDX-License-Identifier" in comment[0]:
                continue
            code = self.coloured(code.strip("\n").expandtabs(8))
            pre = f'<pre tabindex="0"><code>{code}</code></pre>' if code else ""
            alone = " alone" if not code or not comment else ""
            rows.append(f'<section class="beside{alone}"><div>{self.prose(comment)}</div>{pre}</section>')
        return "\n".join(rows)

    def sources(self):
        for path in self.wanted:  # it grows no more: sources link to nothing
            self.write(f"source/{path}.html", path,
                       f"<h1>{path}</h1>\n{self.annotated(path)}", wide=True)

    def build(self, report):
        self.navigation = list(NAVIGATION)
        if report:
            self.navigation.insert(5, ("report.html", "Figures"))
            shutil.copyfile(report, self.out / "report.html")
        shutil.copyfile(pathlib.Path(__file__).with_name("site.css"), self.out / "site.css")
        names = re.findall(r"^([a-z]\w*) ", self.run(self.program, "--ipc=help"), re.M)
        names = [name for name in names if (self.source / f"ipc/{name}.c").is_file()]
        self.documents()
        self.mechanisms(names)
        self.concepts()
        self.broken()
        self.sources()


def main(source, program, out, report=None):
    out = pathlib.Path(out)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    Site(pathlib.Path(source), program, out).build(report)


if __name__ == "__main__":
    main(*sys.argv[1:])
