"""Cutting documents of several kinds into headed sections, and text into sentences."""

import re

from lxml import etree, html

SPACE = re.compile(r"\s+")
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(`])")
ENGLISH = frozenset("the of to and a in is for that it with as be on this are by or from an can you if not".split())
LONGEST = 2000  # characters kept of a section
HEADINGS = {f"h{n}" for n in range(1, 7)} | {"title", "dt"}
SKIPPED = {"script", "style", "nav", "header", "footer", "head", "table", "form", "info"}


def clean(text):
    """Returns text on one line, without the marks that HTML headings link to themselves with."""
    return SPACE.sub(" ", text.replace("¶", " ").replace("\u00ad", "")).strip()


def sentences(text):
    """Returns the sentences of a text, roughly."""
    return [s for s in SENTENCE.split(text) if s]


def is_english(text):
    """Reports whether a long text has as many function words as English has."""
    words = re.findall(r"[a-z]+", text.lower())
    if len(words) < 20:
        return True
    letters = sum(c.isalpha() for c in text)
    ascii_letters = sum(c.isalpha() and c.isascii() for c in text)
    return ascii_letters > 0.97 * letters and sum(w in ENGLISH for w in words) > 0.12 * len(words)


def html_sections(data):
    """Yields (title, heading, text) of the sections of an HTML, Mallard or DocBook page."""
    try:
        tree = html.document_fromstring(data)
    except (etree.ParserError, ValueError):
        return
    title = clean(tree.findtext(".//title") or "")
    heading, collected = "", []
    for text, is_heading in _walk(tree):
        if not is_heading:
            collected.append(text)
            continue
        yield title, heading, clean(" ".join(collected))[:LONGEST]
        heading, collected = clean(text), []
    yield title, heading, clean(" ".join(collected))[:LONGEST]


def _walk(node):
    """Yields (text, whether it is a heading) in document order."""
    if not isinstance(node.tag, str) or node.tag in SKIPPED:
        return
    if node.tag in HEADINGS:
        yield "".join(node.itertext()), True
    else:
        if node.text:
            yield node.text, False
        for child in node:
            yield from _walk(child)
            if child.tail:
                yield child.tail, False


MARKDOWN_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$", re.M)
MARKDOWN_MARKS = re.compile(r"```.*?```|<[^>]+>|!\[[^\]]*\]\([^)]*\)|\]\([^)]*\)|[\[*`|]|\{%.*?%\}", re.S)


def markdown_sections(text):
    """Yields (title, heading, text) of the sections of a Markdown page."""
    text = re.sub(r"\A---\n.*?\n---\n", _front_title, text, flags=re.S)
    pieces = MARKDOWN_HEADING.split(text)
    title = clean(MARKDOWN_MARKS.sub(" ", pieces[2])) if len(pieces) > 2 else ""
    for i in range(2, len(pieces), 3):
        heading = clean(MARKDOWN_MARKS.sub(" ", pieces[i]))
        yield title, heading, clean(MARKDOWN_MARKS.sub(" ", pieces[i + 1]))[:LONGEST]


def _front_title(match):
    title = re.search(r"^title:\s*[\"']?(.*?)[\"']?$", match.group(), re.M)
    return f"# {title.group(1)}\n" if title else ""


ROFF_ESCAPE = re.compile(r"\\f(?:\[[^\]]*\]|\(..|.)|\\[&|^%/,:]|\\s[+-]?\d|\\\*\([A-Za-z]{2}|\\\*.|\\m\[[^\]]*\]")
ROFF_CHARACTERS = {r"\-": "-", r"\(bu": "", r"\(co": "", r"\(aq": "'", r"\(dq": '"', r"\(em": "-", r"\(en": "-", r"\e": "\\", r"\ ": " ",
                   r"\(lq": '"', r"\(rq": '"', r"\(oq": "'", r"\(cq": "'", r"\(ti": "~", r"\(ha": "^", r"\(rs": "\\"}
ROFF_TEXT_MACRO = re.compile(r"^\.(?:B|I|BR|IR|RB|RI|BI|IB|SM|Nm|Nd|Fl|Ar|Pa|Dq|Sq|Em|Li|Cm|It|Sy|Xr)\b ?(.*)$")


def man_sections(source):
    """Yields (heading, text) of the sections of a manual page in man or mdoc macros."""
    heading, collected = "", []
    for line in source.splitlines():
        line = ROFF_ESCAPE.sub("", line)
        for escape, character in ROFF_CHARACTERS.items():
            line = line.replace(escape, character)
        if match := re.match(r"^\.(?:SH|Sh|SS|Ss)\s+(.*)$", line):
            yield heading, clean(" ".join(collected))
            heading, collected = clean(match.group(1).strip('"')), []
        elif match := ROFF_TEXT_MACRO.match(line):
            collected.append(re.sub(r'"', "", match.group(1)))
        elif line.startswith(".Nd"):
            collected.append("- " + line[4:])
        elif not line.startswith((".", "'")):
            collected.append(line)
    yield heading, clean(" ".join(collected))
