"""Reads a report with published libraries and prints what they found as JSON: readers.py FORM FILE."""

import csv
import json
import re
import sys
from html.parser import HTMLParser


def read_junit(path):
    from junitparser import JUnitXml
    from lxml import etree

    etree.parse(path, etree.XMLParser(resolve_entities=False, huge_tree=True))
    report = JUnitXml.fromfile(path)
    counts = ("tests", "failures", "errors", "skipped")
    suites = []
    for suite in report:
        cases = []
        for case in suite:
            [result] = case.result or [None]
            kind = type(result).__name__.lower() if result is not None else "passed"
            message = result.message if result is not None else None
            cases.append({"classname": case.classname, "name": case.name, "result": kind, "message": message})
        declared = {count: getattr(suite, count) for count in counts}
        suites.append({"name": suite.name, "declared": declared, "cases": cases})
    declared = {count: int(report._elem.get(count)) for count in counts if report._elem.get(count)}
    return {"declared": declared, "suites": suites}


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file, strict=True))


def read_yaml(path):
    import yaml

    with open(path, encoding="utf-8") as file:
        return list(yaml.load_all(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


class Page(HTMLParser):
    """The elements, links, table rows and the text outside code of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.links, self.rows, self.text = set(), [], [], []
        self.code = self.cell = 0

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.links += [value for name, value in attributes if name in ("href", "src")]
        self.code += tag == "code"
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.cell += 1

    def handle_endtag(self, tag):
        self.code -= tag == "code"
        self.cell -= tag in ("td", "th")

    def handle_data(self, data):
        if not self.code:
            self.text.append(data)
        if self.cell:
            self.rows[-1][-1] += data

    def handle_comment(self, data):
        self.tags.add("!--")

    def handle_decl(self, decl):
        self.tags.add("!")


# What forges make links of in text, after the rendering.
REFERENCES = [
    r"(?<![\w/])@[A-Za-z0-9]",
    r"(?<!\w)#\d",
    r"(?i)(?<!\w)gh-\d",
    r"(?i)\b(?:https?|ftp)://\w",
    r"(?i)\bwww\.\w",
    r"[\w.+-]+@\w+\.\w",
]


def read_markdown(path):
    import cmarkgfm
    from cmarkgfm.cmark import Options
    from markdown_it import MarkdownIt

    with open(path, encoding="utf-8", newline="") as file:
        source = file.read()
    # Forges make links of addresses with a scheme or `www`, and not of every name with dots.
    other = MarkdownIt("gfm-like")
    other.linkify.set({"fuzzy_link": False})
    found = []
    rendered = {
        "cmark": cmarkgfm.github_flavored_markdown_to_html(source, options=Options.CMARK_OPT_UNSAFE),
        "markdown-it": other.render(source),
    }
    for name, html in rendered.items():
        page = Page()
        page.feed(html)
        page.close()
        # Lines of a text end links too.
        references = [match for part in page.text for pattern in REFERENCES for match in re.findall(pattern, part)]
        found.append(
            {"by": name, "tags": sorted(page.tags), "links": page.links, "rows": page.rows, "references": references}
        )
    return found


form, path = sys.argv[1:]
json.dump(globals()["read_" + form](path), sys.stdout)
